"""Small pieces of JSON Schema (2020-12), of which the objects are built."""

from typing import Any

Schema = dict[str, Any]

BOOLEAN: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ID: Schema = {
    "type": "string",
    "pattern": "^[0-9]{1,19}$",
    "description": "A decimal number, in a string: JavaScript would lose its last digits.",
    "examples": ["1346889436626259968"],
}
TEXT: Schema = {"type": "string"}
URI: Schema = {"type": "string", "format": "uri"}
TIME: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
    "examples": ["2026-01-01T00:00:00.000Z"],
}
TOKEN: Schema = {
    "type": "string",
    "pattern": "^[a-z0-9]{16,19}$",
    "description": "Opaque: send it back as it is.",
}
USERNAME: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_]{1,15}$"}
MEDIA_KEY: Schema = {"type": "string", "pattern": "^[0-9]+_[0-9]+$"}


def ref(name: str) -> Schema:
    """One of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def thing(properties: Schema, *required: str, text: str = "", open_ended: bool = False) -> Schema:
    """An object; unless it is open-ended, with these members and no others."""
    made: Schema = {"type": "object", "properties": properties}
    if text:
        made["description"] = text
    if required:
        made["required"] = list(required)
    if not open_ended:
        made["additionalProperties"] = False
    return made


def some(item: Schema, *, at_least: int = 1) -> Schema:
    """A list. An empty one is left out of answers."""
    return {"type": "array", "items": item, "minItems": at_least}


def words(*allowed: str) -> Schema:
    """One of these."""
    return {"type": "string", "enum": list(allowed)}


def said(schema: Schema, text: str) -> Schema:
    """The same with a description."""
    return {**schema, "description": text}
