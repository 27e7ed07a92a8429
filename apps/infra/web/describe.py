"""OpenAPI for routes that read their input themselves: from the same models that they read by."""

from typing import Any

from pydantic import BaseModel


def query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The members of a model as query parameters."""
    described = model.model_json_schema()
    required = set(described.get("required", []))
    return [
        {"in": "query", "name": name, "required": name in required, "schema": schema}
        for name, schema in described["properties"].items()
    ]


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """A model as the body of a request; what it refers to is put in place."""
    described = model.model_json_schema()
    definitions = described.pop("$defs", {})
    schema = _in_place(described, definitions)
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _in_place(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_in_place(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _in_place(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _in_place(one, definitions) for name, one in schema.items()}
