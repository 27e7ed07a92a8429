"""The errors a caller is meant to see.

Every one knows its HTTP status, a stable machine `code`, and a `title`; `detail` is a sentence
for a person that says what happened and what to do. Anything else that escapes is a bug (500).

    DomainError
    ├── Invalid 400        ├── Conflict 409
    ├── Unauthorized 401   ├── RateLimited 429
    ├── Forbidden 403      └── Unavailable 503
    ├── NotFound 404
"""

from typing import ClassVar


class DomainError(Exception):
    """Something the caller can understand and act on."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid_request"
    title: ClassVar[str] = "Invalid Request"
    # The last part of the problem's type, where X has one of its own.
    problem: ClassVar[str] = ""

    def __init__(
        self, detail: str = "", *, field: str = "", retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.field = field
        self.retry_after_seconds = retry_after_seconds


class Invalid(DomainError):
    """The input breaks a rule; `field` names the offending one where it is known."""


class Unauthorized(DomainError):
    """Nobody is logged in, or the token is unknown, expired or revoked."""

    status = 401
    code = "unauthorized"
    title = "Unauthorized"


class Forbidden(DomainError):
    """Known caller, but this is not theirs to do."""

    status = 403
    code = "forbidden"
    title = "Forbidden"


class NotFound(DomainError):
    """It does not exist, or the caller may not know that it does."""

    status = 404
    code = "not_found"
    title = "Not Found Error"


class Conflict(DomainError):
    """The same key or name is in use for something else."""

    status = 409
    code = "conflict"
    title = "Conflict"


class RateLimited(DomainError):
    """Too many requests; `retry_after_seconds` says when to come back."""

    status = 429
    code = "rate_limited"
    title = "Too Many Requests"


class Unavailable(DomainError):
    """An engine that this needs is down; nothing was changed, try again."""

    status = 503
    code = "unavailable"
    title = "Service Unavailable"

    def __init__(
        self, detail: str = "", *, field: str = "", retry_after_seconds: int | None = 2
    ) -> None:
        super().__init__(detail, field=field, retry_after_seconds=retry_after_seconds)
