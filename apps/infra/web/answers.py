"""An answer that any door can send: raw ASGI, or Django."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec

from django.http import HttpResponse

from apps.infra.web import envelope, problems
from apps.infra.web.handler import Send

P = ParamSpec("P")

JSON = envelope.CONTENT_TYPE.encode()
_NO_HEADERS: Mapping[str, str] = {}


@dataclass(slots=True)
class Answer:
    """Status, body and headers, complete."""

    status: int
    body: bytes
    content_type: str = envelope.CONTENT_TYPE
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)

    def response(self) -> HttpResponse:
        """For Django."""
        return HttpResponse(
            self.body,
            status=self.status,
            content_type=self.content_type,
            headers=dict(self.headers),
        )

    async def send(self, send: Send) -> None:
        """For a raw door."""
        kind = self.content_type
        headers = [
            (b"content-type", JSON if kind == envelope.CONTENT_TYPE else kind.encode()),
            (b"content-length", b"%d" % len(self.body)),
        ]
        if self.headers:
            headers += [
                (name.lower().encode(), value.encode()) for name, value in self.headers.items()
            ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def always(make: Callable[P, Awaitable[Answer]]) -> Callable[P, Awaitable[Answer]]:
    """The same, with an answer also for what it raises."""

    @wraps(make)
    async def answered(*args: P.args, **kwargs: P.kwargs) -> Answer:
        try:
            return await make(*args, **kwargs)
        except Exception as error:
            return of_exception(error)

    return answered


def of_exception(error: Exception) -> Answer:
    """What to answer when something went wrong."""
    problem = problems.of_exception(error)
    return Answer(problem.status, problem.body, problems.CONTENT_TYPE, problem.headers)
