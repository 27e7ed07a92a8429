"""The OpenAPI 3.1 document, put together from the routers and from the tables of this package."""

import re
from functools import cache
from typing import Any

import orjson

from apps.infra.resilience import rules
from apps.users.permissions import OPERATIONS, SCOPES, Permission
from twitterlite.api import api
from twitterlite.openapi.answers import ANSWERS, COMPONENTS, Answer
from twitterlite.openapi.errors import MEANINGS, problem_response
from twitterlite.openapi.outside import OUTSIDE
from twitterlite.openapi.parameters import completed, plain
from twitterlite.openapi.parts import COUNT, TEXT, Schema

BAD = 400
SECURITY: Schema = {
    "BearerToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "An application's own token: it sees what a visitor sees.",
    },
    "OAuth2UserToken": {
        "type": "oauth2",
        "description": "OAuth 2.0 with PKCE: the application acts for a person.",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "/i/oauth2/authorize",
                "tokenUrl": "/2/oauth2/token",
                "refreshUrl": "/2/oauth2/token",
                "scopes": SCOPES,
            }
        },
    },
    "UserToken": {
        "type": "http",
        "scheme": "OAuth",
        "description": "OAuth 1.0a, HMAC-SHA1: the application acts for a person.",
    },
    "Basic": {
        "type": "http",
        "scheme": "basic",
        "description": "An application's id (or key) and secret.",
    },
}
HEADERS: Schema = {
    "x-request-id": {
        "description": "Names this answer in our logs.",
        "schema": TEXT,
        "required": True,
    },
    "x-rate-limit-limit": {
        "description": "Requests that the window allows.",
        "schema": COUNT,
        "required": True,
    },
    "x-rate-limit-remaining": {
        "description": "Requests that are left in it.",
        "schema": COUNT,
        "required": True,
    },
    "x-rate-limit-reset": {
        "description": "When the next window begins, in Unix seconds.",
        "schema": COUNT,
        "required": True,
    },
    "ratelimit-policy": {
        "description": 'The limit by its name: `q` requests in `w` seconds, `"posts";q=200;w=900`.',
        "schema": TEXT,
        "required": True,
    },
    "ratelimit": {
        "description": "What is left: `r` requests, all of them again in `t` seconds.",
        "schema": TEXT,
        "required": True,
    },
}
# What an operation may refuse; 500 is never meant.
_USUAL = (400, 401, 403, 429, 503)
_WITH_BODY = (404, 413, 415)


@cache
def schema() -> dict[str, Any]:
    """The description as JSON types."""
    raw = api.get_openapi_schema(path_prefix="2/")
    described: dict[str, Any] = orjson.loads(
        orjson.dumps(raw, default=str, option=orjson.OPT_NON_STR_KEYS)
    )
    described |= {"openapi": "3.1.0", "servers": [{"url": "/"}]}
    paths: dict[str, Any] = described["paths"]
    # Copies: one page is at two addresses.
    paths.update(orjson.loads(orjson.dumps(OUTSIDE)))
    for path, methods in paths.items():
        for method, operation in methods.items():
            _complete(f"{method.upper()} {path}", operation)
    found = plain(described.get("components", {}).get("schemas", {}), is_sent=True)
    described["components"] = {
        "schemas": {**_used(found, paths), **COMPONENTS},
        "securitySchemes": SECURITY,
        "headers": HEADERS,
    }
    return described


@cache
def schema_json() -> bytes:
    """The same as bytes."""
    return orjson.dumps(schema())


def _complete(name: str, operation: dict[str, Any]) -> None:
    """Parameters, security and answers of one operation."""
    method, path = name.split(" ", 1)
    operation["operationId"] = _id_of(method, path)
    operation["parameters"] = completed(path, operation.get("parameters", []))
    if "requestBody" in operation:
        operation["requestBody"] = plain(operation["requestBody"], is_sent=True)
    permission = OPERATIONS.get(name)
    if permission is not None:
        operation["security"] = _security(permission)
    if name in ANSWERS:
        operation["responses"] = _responses(
            name, ANSWERS[name], has_body="requestBody" in operation
        )
    names = HEADERS if path.startswith(rules.COUNTED) else ("x-request-id",)
    for response in operation["responses"].values():
        headers = {one: {"$ref": f"#/components/headers/{one}"} for one in names}
        response["headers"] = {**headers, **response.get("headers", {})}


def _id_of(method: str, path: str) -> str:
    parts = re.findall(r"[A-Za-z0-9]+", path)
    return method.lower() + "".join(part[:1].upper() + part[1:] for part in parts)


def _security(permission: Permission) -> list[dict[str, list[str]]]:
    ways: list[dict[str, list[str]]] = [{"OAuth2UserToken": sorted(permission.scopes)}]
    ways.append({"UserToken": []})
    return [{"BearerToken": []}, *ways] if permission.app_only else ways


def _responses(name: str, answer: Answer, *, has_body: bool) -> dict[str, Any]:
    refusals = {*_USUAL, *answer.refusals, *(_WITH_BODY if has_body else ())}
    if "{" in name:
        refusals.add(404)
    made: dict[str, Any] = {str(status): problem_response(status) for status in refusals}
    for status, content in answer.schemas.items():
        text = "It went well." if status < BAD else MEANINGS[status]
        kinds = made.get(str(status), {}).get("content", {})
        if content:
            kinds = {answer.content_type: {"schema": content}, **kinds}
        made[str(status)] = {"description": text, "headers": dict(answer.headers)}
        if kinds:
            made[str(status)]["content"] = kinds
    return dict(sorted(made.items()))


def _used(found: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    """Those schemas that bodies refer to; the routers also list those of their queries."""
    used: dict[str, Any] = {}
    texts = [orjson.dumps(paths).decode()]
    while texts:
        for name in re.findall(r'"#/components/schemas/([^"]+)"', texts.pop()):
            if name in found and name not in used:
                used[name] = found[name]
                texts.append(orjson.dumps(found[name]).decode())
    return used
