"""Errors on the wire: application/problem+json (RFC 9457) in the words of the X API.

`of_exception` is the one table from what went wrong to what the client is told. What it does not
know is a bug: logged once with its traceback, answered with 500 and the request id, no details.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import django.db
import ninja.errors
import orjson
import psycopg
import psycopg_pool
import pydantic
import redis
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpResponse

from apps.infra.errors import DomainError, Invalid, Unauthorized
from apps.infra.stores import postgres
from apps.infra.stores.aioredis import RedisDown
from apps.infra.web import request_ids

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPES = "https://api.twitter.com/2/problems/"
INVALID_REQUEST = TYPES + "invalid-request"
NOT_FOUND = TYPES + "resource-not-found"
INVALID_DETAIL = "One or more parameters to your request was invalid."
RETRY_AFTER_SECONDS = 2

TITLES = {
    400: "Invalid Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
# An engine did not answer: nothing of ours is wrong, and a retry may well succeed.
_ENGINE_FAILURES = (
    django.db.OperationalError,
    django.db.InterfaceError,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg_pool.PoolTimeout,
    redis.ConnectionError,
    redis.TimeoutError,
    RedisDown,
)


class UnsupportedBody(Exception):
    """A body that is not JSON by its Content-Type."""


class BadJson(Exception):
    """A body that is no JSON object."""


BAD = 400
_FOREIGN: tuple[tuple[tuple[type[BaseException], ...], int, str], ...] = (
    ((UnsupportedBody,), 415, "Send JSON, and say so: Content-Type: application/json."),
    ((BadJson,), BAD, "The body is not a valid JSON object."),
    ((Http404,), 404, "There is nothing at this address."),
    ((RequestDataTooBig,), 413, "The body is larger than what is taken here."),
    ((SuspiciousOperation, UnicodeError), BAD, "The request could not be read."),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """An error answer, ready to be sent."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> HttpResponse:
        """The same as a Django response."""
        return HttpResponse(
            self.body, status=self.status, content_type=CONTENT_TYPE, headers=dict(self.headers)
        )


def problem(
    status: int,
    detail: str = "",
    *,
    title: str = "",
    kind: str = "about:blank",
    code: str = "",
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Problem:
    """An error answer.

    Args:
        detail: a sentence for a person.
        kind: the `type` member, a URI.
        code: a stable name for programs; left out when empty.
        errors: X's list of what is wrong with which parameter.
    """
    title = title or TITLES.get(status, "Error")
    content: dict[str, Any] = {"title": title, "detail": detail or title}
    content |= {"type": kind, "status": status}
    if code:
        content["code"] = code
    if errors:
        content["errors"] = list(errors)
    if request_id := request_ids.current():
        content["request_id"] = request_id
    return Problem(status, orjson.dumps(content), headers or {})


def invalid(errors: Sequence[tuple[str, Any, str]]) -> Problem:
    """400 for input: (parameter, the value that was sent, what is wrong with it)."""
    return problem(
        400,
        INVALID_DETAIL,
        kind=INVALID_REQUEST,
        errors=[
            {
                "parameters": {name: [_clean(str(value)[:256])]} if name else {},
                "message": _clean(message),
            }
            for name, value, message in errors
        ],
    )


def unauthorized() -> Problem:
    """401: no token, or one that opens nothing."""
    return problem(401, "Unauthorized", headers={"WWW-Authenticate": "Bearer"})


def not_allowed(allow: str) -> Problem:
    """405 with the methods that exist."""
    return problem(405, f"This path answers {allow}.", headers={"Allow": allow})


def of_exception(error: BaseException) -> Problem:
    """What to tell a client about an exception."""
    if isinstance(error, DomainError):
        return _of_domain_error(error)
    if isinstance(error, pydantic.ValidationError):
        found = error.errors(include_url=False)
        return invalid([(_name(e["loc"]), e["input"], _message(dict(e))) for e in found])
    if isinstance(error, ninja.errors.ValidationError):
        return invalid([(_name(e["loc"]), _sent(e), _message(e)) for e in error.errors])
    if isinstance(error, ninja.errors.HttpError):
        return _of_http_error(error)
    return _of_foreign_error(error)


def _of_foreign_error(error: BaseException) -> Problem:
    for kinds, status, detail in _FOREIGN:
        if isinstance(error, kinds):
            return problem(status, detail) if status != BAD else invalid([("", "", detail)])
    if isinstance(error, _ENGINE_FAILURES) or postgres.is_full(error):
        log.warning("an engine does not answer", extra={"error": repr(error)})
        return unavailable()
    log.error("request failed", exc_info=error)
    return problem(500, "Something went wrong on our side. It has been noted.")


def unavailable(detail: str = "", *, retry_after_seconds: int | None = None) -> Problem:
    """503 with the time after which a retry makes sense."""
    return problem(
        503,
        detail or "A part of the service does not answer. Try again in a moment.",
        code="unavailable",
        headers={"Retry-After": str(retry_after_seconds or RETRY_AFTER_SECONDS)},
    )


def _of_domain_error(error: DomainError) -> Problem:
    headers: dict[str, str] = {}
    if error.status in (429, 503):
        headers["Retry-After"] = str(error.retry_after_seconds or RETRY_AFTER_SECONDS)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    errors: list[dict[str, Any]] = []
    if isinstance(error, Invalid):
        parameters: dict[str, list[str]] = {error.field: []} if error.field else {}
        errors = [{"parameters": parameters, "message": error.detail}]
    # `resource-not-found` would have to name the thing in four members: it is for partial errors.
    kinds = {400: INVALID_REQUEST}
    return problem(
        error.status,
        error.detail,
        title=error.title,
        kind=TYPES + error.problem if error.problem else kinds.get(error.status, "about:blank"),
        code=error.code,
        errors=errors,
        headers=headers,
    )


def _of_http_error(error: ninja.errors.HttpError) -> Problem:
    cause = error.__cause__
    if isinstance(cause, UnsupportedBody | BadJson | RequestDataTooBig):
        return of_exception(cause)
    if cause is not None:
        return invalid([("", "", "The body is not a valid JSON object.")])
    return problem(error.status_code, str(error))


def _name(loc: Sequence[int | str]) -> str:
    """The parameter's name as the client knows it: without where it was, and dotted inside."""
    words = [str(word) for word in loc]
    if words[:1] and words[0] in {"query", "path", "header", "body"}:
        words = words[1:]
    if words[:1] == ["body"]:
        words = words[1:]
    return ".".join(words)


def _sent(error: Mapping[str, Any]) -> Any:
    return (error.get("ctx") or {}).get("sent", "")


def _message(error: Mapping[str, Any]) -> str:
    kind, name = error["type"], _name(error["loc"])
    if kind == "extra_forbidden":
        return f"$.{name}: is not defined in the schema and the schema does not allow it"
    if kind == "missing":
        return f"`{name}` is required"
    return str(error["msg"]).removeprefix("Value error, ")


def _clean(text: str) -> str:
    """Text that JSON can carry: a lone surrogate cannot be encoded."""
    return text.encode("utf-8", "replace").decode("utf-8")
