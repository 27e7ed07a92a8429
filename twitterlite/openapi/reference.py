"""The description in the words of the reference: parameters and bodies as rows of tables."""

import re
from collections.abc import Iterator
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from twitterlite.openapi.document import schema

MANY = 12


def ticked(text: str) -> SafeString:
    """A sentence as HTML: what stands between backticks is code."""
    parts = (
        ("<code>{}</code>" if number % 2 else "{}", part)
        for number, part in enumerate(text.split("`"))
    )
    return format_html_join("", "{}", ((format_html(how, part),) for how, part in parts))


def anchor_of(name: str) -> str:
    """The address of an operation on the page: `get-2-users-id`."""
    return "-".join(re.findall(r"[a-z0-9_.]+", name.lower()))


def fields() -> dict[str, list[str]]:
    """The words of parameters that many operations share, by the name of the parameter."""
    found: dict[str, set[str]] = {}
    for methods in schema()["paths"].values():
        for operation in methods.values():
            for one in operation["parameters"]:
                if _is_shared(one):
                    words = one["schema"].get("items", {}).get("enum", [])
                    found.setdefault(one["name"], set()).update(words)
    return {name: sorted(words) for name, words in sorted(found.items())}


def parameters_of(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the table of parameters."""
    return [
        {
            "name": one["name"],
            "place": one["in"],
            "required": one.get("required", False),
            "kind": _kind(one["schema"]),
            "options": _options(one),
            "link": f"field-{one['name']}" if _is_shared(one) else "",
            "text": ticked(one["description"]),
        }
        for one in operation["parameters"]
    ]


def body_of(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the table of a body's members; those inside others with a dot."""
    content = operation.get("requestBody", {}).get("content", {})
    described: dict[str, Any] = next((one["schema"] for one in content.values()), {})
    return list(_members(described, ""))


def _members(described: dict[str, Any], before: str) -> Iterator[dict[str, Any]]:
    described = _found(described)
    required = described.get("required", [])
    for name, one in described.get("properties", {}).items():
        found = _found(one)
        # What is only taken to be refused needs no row.
        if found.get("type") == "null" or found.get("enum") == [False]:
            continue
        many = found.get("type") == "array"
        yield {
            "name": before + name + ("[]" if many else ""),
            "required": name in required,
            "kind": _kind(found),
            "options": found.get("enum", []) if found.get("type") == "string" else [],
            "text": ticked(one.get("description", found.get("description", ""))),
        }
        inner = found["items"] if many else found
        yield from _members(inner, f"{before}{name}{'[]' if many else ''}.")


def _found(described: dict[str, Any]) -> dict[str, Any]:
    kinds = described.get("anyOf", [])
    if {"type": "null"} in kinds:
        # What may be left out may be null: no news to a reader.
        described = {**described, **kinds[0]}
    reference = described.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = schema()["components"]["schemas"].get(reference, described)
    return found


def _is_shared(one: dict[str, Any]) -> bool:
    name: str = one["name"]
    return one["in"] == "query" and (name.endswith(".fields") or name == "expansions")


def _options(one: dict[str, Any]) -> list[str]:
    described = one["schema"]
    words: list[str] = described.get("enum") or described.get("items", {}).get("enum", [])
    return [] if _is_shared(one) or len(words) > MANY else words


def _kind(described: dict[str, Any]) -> str:
    described = _found(described)
    if "anyOf" in described:
        return _kind(described["anyOf"][0])
    kind = str(described.get("type", ""))
    if kind == "array":
        inner = _kind(described["items"])
        return {"id": "list of ids", "object": "list"}.get(inner, f"list; each {inner}")
    if "minimum" in described and "maximum" in described:
        return f"{described['minimum']:,} to {described['maximum']:,}"
    if kind == "string":
        return _text_kind(described)
    return {"integer": "number", "boolean": "true or false"}.get(kind, kind)


def _text_kind(described: dict[str, Any]) -> str:
    if described.get("format") == "date-time":
        return "time"
    if described.get("pattern") == "^[0-9]{1,19}$":
        return "id"
    most = described.get("maxLength")
    return f"text, up to {most:,}" if most else "text"
