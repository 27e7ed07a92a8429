"""Whether what a library was told is what /2/openapi.json says it is told."""

import json
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest

from tests.clients.recording import NO_ANSWER, Exchange

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

SERVER_ERROR = 500
CLIENT_ERROR = 400
NOT_FOUND = 404
NOT_ALLOWED = 405
_ENDLESS = re.compile(r"/2/tweets/(search|sample)/stream$")
# Log-in speaks RFC 6749 and RFC 5849, not the envelope of the API.
_LOGIN = re.compile(r"/(2/oauth2|oauth2|oauth|i|login|1\.1)\b")
_HOLE = re.compile(r"\{\w+\}")


class Description:
    """The description of the API, asked for answers."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._routes = [
            (re.compile(_HOLE.sub("[^/]+", path) + "$"), path)
            # Names before holes.
            for path in sorted(document["paths"], key=lambda path: path.count("{"))
        ]

    def path_of(self, target: str) -> str | None:
        """The path of the description that a request was for."""
        return next((path for found, path in self._routes if found.match(target)), None)

    @cache  # noqa: B019 (as long as a test)
    def checker(self, path: str, method: str, status: int) -> Any:
        """What checks a body; None where the description does not know such an answer."""
        operation = self._document["paths"][path].get(method.lower())
        if operation is None:
            return None
        responses = operation["responses"]
        found = responses.get(str(status)) or (
            responses.get("default") if status >= CLIENT_ERROR else None
        )
        if found is None:
            return None
        if "$ref" in found:
            found = self._document["components"]["responses"][found["$ref"].rpartition("/")[2]]
        content = found.get("content", {})
        schema = next((one.get("schema", {}) for one in content.values()), {})
        whole = {**schema, "components": self._document.get("components", {})}
        return jsonschema.Draft202012Validator(whole)


def faults(exchanges: Iterable[Exchange], description: Description) -> list[str]:
    """What is wrong with these answers, each in a line."""
    return [f"{one}\n    {fault}" for one in exchanges for fault in _faults(one, description)]


def _faults(one: Exchange, description: Description) -> list[str]:
    if one.status >= SERVER_ERROR:
        return ["an error of the server"]
    if one.status == NO_ANSWER or _LOGIN.match(one.path) or not one.path.startswith("/2/"):
        return []
    path = description.path_of(one.path)
    if one.status >= CLIENT_ERROR and one.headers["content-type"] != "application/problem+json":
        return [f"an error as {one.headers['content-type']}"]
    if path is None:
        return [] if one.status == NOT_FOUND else ["nobody describes this address"]
    if one.status == NOT_ALLOWED:
        return []
    checker = description.checker(path, one.method, one.status)
    if checker is None:
        return ["nobody describes this answer"]
    if _ENDLESS.search(one.path) and one.status < CLIENT_ERROR:
        bodies = [line for line in one.text().split(b"\r\n")[:-1] if line.strip()]
    else:
        bodies = [one.text()]
    return [
        f"{error.json_path}: {error.message[:300]}"
        for body in bodies
        for error in checker.iter_errors(json.loads(body))
    ]
