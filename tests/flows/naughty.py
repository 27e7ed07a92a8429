"""Naughty strings, and every place of the API's description that one can be put into."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from twitterlite.openapi.document import schema

ROOT = Path(__file__).resolve().parents[2]
BLNS = (
    Path(os.environ.get("TWITTERLITE_CORPUS") or ROOT.parent / "shared" / "data")
    / "adversarial" / "blns" / "blns.json"
)  # fmt: skip
NO_BLNS = "the list of naughty strings is not here"
OWN = [
    "", " ", "\x00", "a\x00b", "\x01\x02\x1b[31m", "\x7f", "\u0080", "\u200b", "\u202ereversed",
    "\ufeff", "\ufffe", "\uffff", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "e\u0301",
    "\U0010ffff", "ﷺ" * 280, "\u0300" * 280, "İ", "ß", "\u2028", "\u2029", "\r\n", "\t",
    "0", "-1", "+1", " 1", "1 ", "01", "1.0", "1e3", "0x10", "1_000", "١٢٣", "²", "9" * 19,
    "9" * 20, "9" * 5_000, str(2**63 - 1), str(2**63), str(-(2**63)), str(2**64), "NaN", "null",
    "true", "undefined", "None", "[]", "{}", "%00", "%", "%zz", "%ff", "..", "../../etc/passwd",
    "' or 1=1 --", "\\", "\\u0000", "${jndi:ldap://x}", "{{7*7}}", "<script>alert(1)</script>",
    ",", ",,,", "1,,2", "1,2,", "a" * 10_000, "\N{KELVIN SIGN}", "\ud800", "a\udfffb",
]  # fmt: skip
# Streams never end, and the pages of log-in are forms for browsers.
LEFT_OUT = re.compile(r"GET /2/tweets/(search|sample)/stream$|authorize|authenticate")
VALUES = {
    "ids": "5", "user_ids": "5", "usernames": "alice", "query": "tea", "media_id": "5",
    "media_keys": "3_5", "command": "STATUS", "username": "alice", "media_key": "3_5",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a value goes: a hole of the path, a parameter, or a member of the body.

    `steps` leads to the member: names, and 0 for the item of a list.
    """

    operation: str
    kind: str
    name: str
    steps: tuple[str | int, ...] = ()
    is_text: bool = False

    def __str__(self) -> str:
        return f"{self.operation} {self.kind} {self.name}"

    def request(self, value: Any, me: int) -> tuple[str, str, bytes]:
        """Method, address and body with the value in this place."""
        method, path = self.operation.split(" ")
        operation = _operations()[self.operation]
        for hole in re.findall(r"{(\w+)}", path):
            given = _in_url(value) if (self.kind, self.name) == ("path", hole) else _hole(hole, me)
            path = path.replace(f"{{{hole}}}", given)
        query = {
            one["name"]: VALUES.get(one["name"], "5")
            for one in operation["parameters"]
            if one["in"] == "query" and one.get("required")
        }
        pairs = [f"{quote(name)}={quote(text)}" for name, text in query.items()]
        if self.kind == "query":
            pairs = [one for one in pairs if not one.startswith(quote(self.name) + "=")]
            pairs.append(f"{quote(self.name)}={_in_url(value)}")
        if self.kind == "unknown":
            pairs.append(f"{_in_url(value)}={_in_url(value)}")
        address = path + ("?" + "&".join(pairs) if pairs else "")
        described = _body_of(operation)
        if described is None:
            return method, address, b""
        content = minimal(described)
        if self.kind == "body":
            content = _with(content, self.steps, value)
        return method, address, json.dumps(content).encode()


def places() -> list[Place]:
    """All of them."""
    return [place for name, one in _operations().items() for place in _places(name, one)]


def text_places() -> list[Place]:
    """Those members of bodies that hold a person's words: strings without a pattern or a choice."""
    return [place for place in places() if place.is_text]


def corpus() -> list[str]:
    """The big list."""
    found: list[str] = json.loads(BLNS.read_text())
    return found


def minimal(described: dict[str, Any]) -> Any:
    """The smallest value that a schema allows."""
    described = _found(described)
    for choice in ("anyOf", "oneOf"):
        if choice in described:
            return minimal(described[choice][0])
    if "enum" in described:
        return described["enum"][0]
    kind = described.get("type")
    if kind == "object":
        names = described.get("required", [])
        return {name: minimal(described["properties"][name]) for name in names}
    if kind == "array":
        return [minimal(described["items"]) for _ in range(described.get("minItems", 1))]
    plain: dict[Any, Any] = {
        "integer": described.get("minimum", 1), "boolean": True, "null": None,
        "string": "5" if "pattern" in described else "word",
    }  # fmt: skip
    return plain[kind]


def _operations() -> dict[str, Any]:
    return {
        name: operation
        for path, methods in schema()["paths"].items()
        for method, operation in methods.items()
        if not LEFT_OUT.search(name := f"{method.upper()} {path}")
    }


def _places(name: str, operation: dict[str, Any]) -> Iterator[Place]:
    for one in operation["parameters"]:
        if one["in"] in {"path", "query"}:
            yield Place(name, one["in"], one["name"])
    yield Place(name, "unknown", "")
    described = _body_of(operation)
    if described is not None:
        yield from _members(name, _found(described), ())


def _members(name: str, described: dict[str, Any], steps: tuple[str | int, ...]) -> Iterator[Place]:
    described = _found(described)
    is_text = described.get("type") == "string" and not described.keys() & {"pattern", "enum"}
    yield Place(name, "body", ".".join(str(one) for one in steps), steps, is_text)
    for choice in ("anyOf", "oneOf"):
        for one in described.get(choice, ()):
            if one.get("type") != "null":
                yield from _members(name, one, steps)
    for member, one in described.get("properties", {}).items():
        yield from _members(name, one, (*steps, member))
    if "items" in described:
        yield from _members(name, described["items"], (*steps, 0))


def _found(described: dict[str, Any]) -> dict[str, Any]:
    reference = described.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = schema()["components"]["schemas"].get(reference, described)
    return found


def _body_of(operation: dict[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {})
    found: dict[str, Any] | None = content.get("application/json", {}).get("schema")
    return found


def _with(content: Any, steps: tuple[str | int, ...], value: Any) -> Any:
    """The content with a value at the end of the steps; what leads there is made."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if step == 0:
        items = list(content) if isinstance(content, list) and content else [None]
        return [_with(items[0], rest, value), *items[1:]]
    members = dict(content) if isinstance(content, dict) else {}
    return {**members, step: _with(members.get(str(step)), rest, value)}


def _hole(name: str, me: int) -> str:
    return VALUES.get(name) or (str(me) if name in {"id", "source_user_id"} else "5")


def _in_url(value: Any) -> str:
    return quote(str(value), safe="", errors="surrogatepass")
