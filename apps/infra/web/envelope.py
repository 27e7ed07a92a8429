"""The envelope of every answer: data, includes, errors, meta; what is empty is left out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from django.http import HttpResponse

from apps.infra.web import problems

CONTENT_TYPE = "application/json; charset=utf-8"
Errors = Sequence[Mapping[str, Any]]
Includes = Mapping[str, Sequence[bytes]]


def one(data: bytes | None, *, includes: Includes | None = None, errors: Errors = ()) -> bytes:
    """The envelope of one object, or of why it is not there."""
    parts = [] if data is None else [b'"data":' + data]
    return _closed(parts, includes, errors)


def many(
    items: Sequence[bytes],
    *,
    meta: Mapping[str, Any] | None = None,
    includes: Includes | None = None,
    errors: Errors = (),
) -> bytes:
    """The envelope of a list; without `data` when nothing was found."""
    parts = [b'"data":[%b]' % b",".join(items)] if items else []
    if meta is None:
        return _closed(parts, includes, errors)
    return _closed(parts, includes, errors, b'"meta":' + orjson.dumps(meta))


def page(items: Sequence[bytes], users: Sequence[bytes], meta: bytes) -> bytes:
    """The same bytes as `many` for a list with items, accounts at most beside it, no errors."""
    if users:
        return b'{"data":[%b],"includes":{"users":[%b]},"meta":%b}' % (
            b",".join(items),
            b",".join(users),
            meta,
        )
    return b'{"data":[%b],"meta":%b}' % (b",".join(items), meta)


def _closed(
    parts: list[bytes], includes: Includes | None, errors: Errors, meta: bytes = b""
) -> bytes:
    if includes:
        lists = [
            b'"%b":[%b]' % (name.encode(), b",".join(items))
            for name, items in includes.items()
            if items
        ]
        if lists:
            parts.append(b'"includes":{%b}' % b",".join(lists))
    if errors:
        parts.append(b'"errors":' + orjson.dumps(errors))
    if meta:
        parts.append(meta)
    return b"{%b}" % b",".join(parts)


def response(body: bytes, *, status: int = 200) -> HttpResponse:
    """A JSON body as a Django response."""
    return HttpResponse(body, status=status, content_type=CONTENT_TYPE)


def answer(data: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """What a write says: a small object under `data`."""
    return response(one(orjson.dumps(data)), status=status)


def nobody(error: Mapping[str, Any]) -> HttpResponse:
    """A list that cannot be shown, with the reason."""
    return response(many([], meta={"result_count": 0}, errors=[error]))


def timestamp(moment: datetime) -> str:
    """A time as the API writes it: UTC, with milliseconds, `2026-01-01T00:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def missing(kind: str, parameter: str, value: str) -> dict[str, str]:
    """A partial error: one of the things that were asked for is not there for this reader."""
    return {
        "value": value,
        "detail": f"Could not find {kind} with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": kind,
        "parameter": parameter,
        "resource_id": value,
        "type": problems.NOT_FOUND,
    }


def not_authorized(kind: str, parameter: str, value: str) -> dict[str, str]:
    """A partial error: it is there, but not for this reader."""
    return missing(kind, parameter, value) | {
        "title": "Authorization Error",
        "detail": f"Sorry, you are not authorized to see the {kind} with {parameter}: [{value}].",
        "type": problems.TYPES + "not-authorized-for-resource",
        "section": "data",
    }
