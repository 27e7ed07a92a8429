"""Literals of JavaScript that are not quite JSON, as hands and formatters leave them."""

import json
import re
from typing import Any

import orjson

MAX_DEPTH = 64
_TOKEN = re.compile(
    r"""(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<single>'[^'\\]*(?:\\.[^'\\]*)*')"""
    r"""|(?P<comma>,\s*(?=[}\]]))|(?P<name>[A-Za-z_$][\w$]*)(?P<colon>\s*:)?|(?P<open>["'])""",
    re.DOTALL,
)
_QUOTED = re.compile(r'\\.|"', re.DOTALL)
_WORDS = {"true", "false", "null"}


class NotALiteral(ValueError):
    """Neither JSON nor close to it."""


def loads(raw: bytes) -> Any:
    """What a literal says: JSON, or with bare or single-quoted names and commas too many.

    Raises:
        NotALiteral. UnicodeDecodeError: not UTF-8.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        text = raw.decode()
    try:
        # The standard parser takes halves of surrogate pairs, which cut texts have.
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(_TOKEN.sub(_as_json, text), strict=False)
    except (ValueError, RecursionError):
        raise NotALiteral(text[:60]) from None


def _as_json(match: re.Match[str]) -> str:
    if match["string"]:
        return match[0]
    if match["single"]:
        return '"' + _QUOTED.sub(_requoted, match[0][1:-1]) + '"'
    if match["open"]:
        # It never ends; to look for each such end again would take for ever.
        raise NotALiteral(match[0])
    if match["comma"]:
        return ""
    if match["colon"]:
        return f'"{match["name"]}":'
    return match[0] if match["name"] in _WORDS else "null"


def _requoted(match: re.Match[str]) -> str:
    """What stood between single quotes, for double ones."""
    return {"\\'": "'", '"': '\\"'}.get(match[0], match[0])
