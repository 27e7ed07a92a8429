"""Bodies of uploads: JSON, a form, or multipart, as the clients send them.

Django's own reader of multipart takes a part without a file name for text, and twitter-api-v2
sends the bytes of a picture so. The edge has bounded the size of a body.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

import orjson
from django.http import HttpRequest

from apps.infra.errors import Invalid
from apps.infra.web.problems import BadJson, UnsupportedBody

MAX_PARTS = 32
MAX_PART_HEAD = 8_192
MAX_FIELDS = 32
_BOUNDARY = re.compile(r'boundary=(?:"([^"\r\n]{1,70})"|([^\s";,]{1,70}))', re.IGNORECASE)
_NAME = re.compile(rb'[;\s]name=(?:"([^"\r\n]*)"|([^\s";]+))', re.IGNORECASE)
Fields = Mapping[str, object]


class BadBody(Invalid):
    """A body that is not what its Content-Type says."""

    code = "bad_body"


def fields_of(request: HttpRequest) -> dict[str, object]:
    """What a request brings: JSON as it is, text of forms, bytes of multipart; the query besides.

    Raises:
        UnsupportedBody, BadJson, BadBody.
    """
    fields: dict[str, object] = dict(request.GET.items())
    body = request.read()
    kind = request.content_type
    if kind == "multipart/form-data":
        fields.update(_multipart(body, request.META.get("CONTENT_TYPE", "")))
    elif kind == "application/x-www-form-urlencoded":
        fields.update(_form(body))
    elif kind == "application/json":
        fields.update(_json(body))
    elif body:
        raise UnsupportedBody
    return fields


def _json(body: bytes) -> dict[str, object]:
    try:
        found = orjson.loads(body or b"{}")
    except ValueError as error:
        raise BadJson from error
    if not isinstance(found, dict):
        raise BadJson
    return found


def _form(body: bytes) -> dict[str, object]:
    try:
        text = body.decode()
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise BadBody("The form could not be read.") from error


def _multipart(body: bytes, content_type: str) -> dict[str, object]:
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise BadBody("The multipart body has no boundary.")
    mark = b"--" + (found[1] or found[2]).encode("latin-1")
    # A first part has no line break before its mark.
    body = b"\r\n" + body
    mark = b"\r\n" + mark
    at = body.find(mark)
    fields: dict[str, object] = {}
    for _ in range(MAX_PARTS):
        if at < 0:
            raise BadBody("The multipart body is cut off.")
        at += len(mark)
        if body[at : at + 2] == b"--":
            return fields
        end = body.find(mark, at)
        name, content = _part(body, at, end)
        fields[name] = content
        at = end
    raise BadBody(f"The multipart body has more than {MAX_PARTS} parts.")


def _part(body: bytes, start: int, end: int) -> tuple[str, bytes]:
    head_end = body.find(b"\r\n\r\n", start, start + MAX_PART_HEAD)
    if end < 0 or not start <= head_end <= end:
        raise BadBody("The multipart body is cut off.")
    for line in body[start:head_end].split(b"\r\n"):
        if line.lower().startswith(b"content-disposition:"):
            named = _NAME.search(line)
            if named is not None:
                return (named[1] or named[2] or b"").decode(errors="replace"), body[
                    head_end + 4 : end
                ]
    raise BadBody("A part of the multipart body has no name.")


def text_of(fields: Fields, name: str) -> str:
    """One field as text, "" if it is not there. Raises Invalid: it is not text."""
    value = fields.get(name)
    if value is None:
        return ""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise Invalid(f"`{name}` is not UTF-8.", field=name) from error
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise Invalid(f"`{name}` is not a text.", field=name)


def number_of(fields: Fields, name: str) -> int:
    """One field as a whole number of at most 19 digits. Raises Invalid."""
    text = text_of(fields, name)
    if text.isascii() and text.isdigit() and len(text) <= 19:  # noqa: PLR2004 (digits of 2^63)
        return int(text)
    raise Invalid(f"`{name}` is a whole number; [{text[:40]}] is not.", field=name)


def file_of(fields: Fields, *names: str) -> bytes:
    """The bytes of a file: a part of multipart, or base64 in text.

    Args:
        names: the first that is there counts; one that ends in `_data` is base64 always.

    Raises:
        Invalid: there is none, or it is not base64.
    """
    for name in names:
        value = fields.get(name)
        if value is None:
            continue
        if isinstance(value, bytes) and not name.endswith("_data"):
            return value
        return _from_base64(value, name)
    raise Invalid(f"`{names[0]}` is required.", field=names[0])


def _from_base64(value: object, name: str) -> bytes:
    if isinstance(value, str | bytes):
        text = value.encode("ascii", "replace") if isinstance(value, str) else value
        # Lines of 76 characters are common, and a plus that a form made a space.
        text = re.sub(rb"[\r\n]+", b"", text).replace(b" ", b"+")
        try:
            return base64.b64decode(text, altchars=b"-_" if b"_" in text or b"-" in text else None,
                                    validate=True)  # fmt: skip
        except (binascii.Error, ValueError):
            pass
    raise Invalid(f"`{name}` is not base64.", field=name)
