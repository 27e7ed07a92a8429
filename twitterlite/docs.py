"""The API described: /2/openapi.json for programs, /2/docs for people.

The page is drawn from the schema on the server and loads nothing from elsewhere.
"""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from twitterlite.openapi.document import schema, schema_json

_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"


async def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI 3.1 description."""
    return HttpResponse(schema_json(), content_type="application/json")


async def page(request: HttpRequest) -> HttpResponse:
    """The same for a reader."""
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return HttpResponse(_page(), headers=headers)


@cache
def _page() -> str:
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or ["Other"])[0]
            groups.setdefault(tag, []).append(_entry(path, method, operation))
    return render_to_string("infra/api_docs.html", {"groups": groups, "info": schema()["info"]})


def _entry(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    return {
        "method": method.upper(),
        "path": path,
        "anchor": f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""),
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": [_parameter(one) for one in operation.get("parameters", [])],
        "body": _body(operation),
    }


def _parameter(one: dict[str, Any]) -> dict[str, Any]:
    described = one["schema"]
    options = described.get("items", {}).get("enum", [])
    return {
        "name": one["name"],
        "place": one["in"],
        "required": one.get("required", False),
        "kind": _kind(described),
        "options": ", ".join(options),
        "text": described.get("description", ""),
    }


def _kind(described: dict[str, Any]) -> str:
    if "anyOf" in described:
        return _kind(described["anyOf"][0])
    kind = str(described.get("type", ""))
    if kind == "array":
        return "comma-separated list"
    if "minimum" in described:
        return f"{kind}, {described['minimum']} to {described['maximum']}"
    return f"{kind} {described['pattern']}" if "pattern" in described else kind


def _body(operation: dict[str, Any]) -> list[dict[str, Any]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return _members(content.get("schema", {}))


def _members(described: dict[str, Any]) -> list[dict[str, Any]]:
    reference = described.get("$ref", "").rpartition("/")[2]
    described = schema()["components"]["schemas"].get(reference, described)
    required = described.get("required", [])
    return [
        {"name": name, "kind": _kind(one) or "object", "required": name in required}
        for name, one in described.get("properties", {}).items()
    ]
