"""One id per request: in the answer's X-Request-Id, in every log line, in every error."""

import itertools
import re
import secrets
from contextvars import ContextVar

HEADER = b"x-request-id"
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")

# What a proxy in front may hand in; anything else could break out of a log line.
_ACCEPTED = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_PREFIX = secrets.token_hex(6)
_numbers = itertools.count(1)


def request_id_of(given: bytes | None) -> str:
    """The id that came with the request when it is well-formed, else a new one."""
    if given is not None and _ACCEPTED.fullmatch(given):
        return given.decode("ascii")
    return f"{_PREFIX}{next(_numbers):06x}"


def current() -> str:
    """The id of the request that is being served; empty outside of one."""
    return REQUEST_ID.get()
