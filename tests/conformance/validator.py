"""Check an answer against our own description of the API, and against X's where it has the
operation.

    validate("GET", "/2/users/me?user.fields=url", 200, headers, body)

raises `NotAsDescribed` with everything that is wrong; deviations from X that are meant are in
`deviations`.
"""

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs

from tests.conformance import deviations
from twitterlite.openapi.document import schema

ROOT = Path(__file__).resolve().parents[2]
ORACLE = (
    Path(os.environ.get("TWITTERLITE_CORPUS") or ROOT.parent / "shared" / "data")
    / "api" / "x" / "x-api-v2.openapi.2.166.json"
)  # fmt: skip
NO_ORACLE = "the description of X's API is not here"
METHODS = ("get", "post", "put", "delete")
PROBLEMS = "https://api.twitter.com/2/problems/"


class NotAsDescribed(AssertionError):
    """An answer that a description does not allow."""


def validate(
    method: str, url: str, status: int, headers: Mapping[str, str], body: bytes
) -> str | None:
    """Check one answer.

    Args:
        url: with or without host and query. headers: names in any letter case.
        body: whole, or one line of a stream.

    Returns:
        The operation, `GET /2/users/{id}`; None for an address or a method that the API has not,
        whose refusal was checked all the same.

    Raises:
        NotAsDescribed: it is not what a description says.
    """
    named = {name.lower(): value for name, value in headers.items()}
    path = urlsplit(url).path
    template = _template(method.lower(), path)
    if template is None:
        _check_refusal(status, named, body)
        return None
    name = f"{method.upper()} {template}"
    content = _decoded(named, body)
    faults = _against(_ours(), name, status, named, content)
    if ORACLE.exists():
        faults += [
            f"X: {fault}"
            for fault in against_x(name, status, named, content)
            if not deviations.is_known(name, fault)
        ]
    if faults:
        raise NotAsDescribed(f"{name} → {status}:\n  " + "\n  ".join(faults) + f"\n{body[:2000]!r}")
    return name


def against_x(name: str, status: int, headers: Mapping[str, str], content: Any) -> list[str]:
    """What X's description has against an answer; nothing, where it lacks the operation."""
    method, path = name.split(" ")
    if method.lower() not in _x()["paths"].get(path, {}):
        return []
    faults = _against(_x(), name, status, headers, content)
    if not isinstance(content, dict):
        return faults
    # A problem's type says more about its members; JSON Schema cannot choose by it.
    mapping = _x()["components"]["schemas"]["Problem"]["discriminator"]["mapping"]
    errors = content.get("errors", [])
    found = [content] if "type" in content and "title" in content else errors
    for problem in found:
        if reference := mapping.get(problem.get("type")):
            faults += _schema_faults(_validator("x", json.dumps({"$ref": reference})), problem)
    return faults


@cache
def _ours() -> dict[str, Any]:
    return schema()


@cache
def _x() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(ORACLE.read_text())
    return described


@cache
def _templates() -> list[tuple[re.Pattern[str], str, frozenset[str]]]:
    """Paths as patterns; those with fewer names in braces first."""
    paths = _ours()["paths"]
    return [
        (re.compile(re.sub(r"{\w+}", "[^/]+", path.replace(".", r"\."))), path, frozenset(methods))
        for path, methods in sorted(paths.items(), key=lambda one: one[0].count("{"))
    ]


def _template(method: str, path: str) -> str | None:
    for pattern, template, methods in _templates():
        if pattern.fullmatch(path) and method in methods:
            return template
    return None


def _decoded(headers: Mapping[str, str], body: bytes) -> Any:
    kind = headers.get("content-type", "").partition(";")[0]
    if kind.endswith("json"):
        try:
            return json.loads(body)
        except ValueError as error:
            raise NotAsDescribed(f"not JSON: {body[:200]!r}") from error
    return body.decode("utf-8", "replace")


def _against(
    described: dict[str, Any], name: str, status: int, headers: Mapping[str, str], content: Any
) -> list[str]:
    method, path = name.split(" ")
    responses = described["paths"][path][method.lower()]["responses"]
    response = responses.get(str(status)) or responses.get("default")
    if response is None or (status < 400 and str(status) not in responses):
        return [f"the status {status} is not described"]
    faults = _header_faults(described, response, headers)
    kind = headers.get("content-type", "").partition(";")[0]
    kinds = response.get("content", {})
    if not kinds:
        return [*faults, "there is a body"] if content else faults
    if kind not in kinds:
        return [*faults, f"the type {kind!r} is not described"]
    which = "x" if described is not _ours() else "ours"
    return faults + _schema_faults(_validator(which, json.dumps(kinds[kind]["schema"])), content)


def _header_faults(
    described: dict[str, Any], response: dict[str, Any], headers: Mapping[str, str]
) -> list[str]:
    faults = []
    for name, one in response.get("headers", {}).items():
        known = described.get("components", {}).get("headers", {})
        header = known.get(one.get("$ref", "").rpartition("/")[2], one)
        value = headers.get(name.lower())
        if value is None and header.get("required"):
            faults.append(f"the header {name} is missing")
        if value is not None and header["schema"].get("type") == "integer" and not value.isdigit():
            faults.append(f"the header {name} is no number: {value!r}")
    return faults


@cache
def _validator(which: str, schema_json: str) -> Any:
    """A compiled schema, with the components that it may refer to."""
    described = _x() if which == "x" else _ours()
    components = {"schemas": described["components"]["schemas"]}
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema",
             **json.loads(schema_json), "components": components}  # fmt: skip
    return jsonschema_rs.Draft202012Validator(
        whole, validate_formats=True, ignore_unknown_formats=True
    )


def _schema_faults(validator: Any, content: Any) -> list[str]:
    return [
        f"at /{'/'.join(str(step) for step in error.instance_path)}: {error.message[:300]}"
        for error in validator.iter_errors(content)
    ]


def _check_refusal(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """An address that the API has not, or a wrong method, says so in a problem."""
    if status not in {404, 405}:
        raise NotAsDescribed(f"an operation that is not described answers {status}")
    if headers.get("content-type", "") != "application/problem+json":
        raise NotAsDescribed(f"a {status} is no problem: {body[:200]!r}")
    faults = _schema_faults(
        _validator("ours", '{"$ref": "#/components/schemas/Problem"}'), json.loads(body)
    )
    if status == 405 and not headers.get("allow"):
        faults.append("a 405 says what is allowed")
    if faults:
        raise NotAsDescribed("\n".join(faults))
