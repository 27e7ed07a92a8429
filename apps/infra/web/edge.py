"""The outermost door, raw ASGI: request id, size limit, metrics, and the last catch.

Whatever happens inside, the client gets an answer that carries the request id.
"""

import logging
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from apps.infra.resilience import ratelimit
from apps.infra.resilience.rules import COUNTED
from apps.infra.telemetry import tally
from apps.infra.web import addresses, last_page, problems, request_ids
from apps.infra.web.handler import Disconnected, Receive, Scope, Send
from apps.infra.web.threads import use_threads

App = Callable[[Scope, Receive, Send], Any]

MAX_BODY_BYTES = 1_048_576
SERVER_ERROR = 500
SLOW_SECONDS = 1.0
_REQUEST_ID = request_ids.HEADER
log = logging.getLogger(__name__)


class BodyTooLarge(Exception):
    """A body is over the limit of its path, or passed it while it came in."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class Edge:
    """Wraps the doors behind it, who find the headers by name in `scope["found"]`.

    `scope["route"]`, set inside, names the route in the metrics.
    """

    def __init__(
        self, inside: App, *, gate: Any = None, limit_of: Callable[[str], int] | None = None
    ) -> None:
        """Wrap the doors.

        Args:
            limit_of: how many bytes a body may have at a path; `MAX_BODY_BYTES` when unset.
        """
        self._inside = inside
        self.gate = gate
        self._limit_of = limit_of or _usual_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or what else the server has to say."""
        if scope["type"] != "http":
            await _other(scope, receive, send)
            return
        started = time.perf_counter()
        # Of a header that comes twice, the last.
        headers = scope["found"] = dict(scope["headers"])
        length = headers.get(b"content-length")
        request_id = request_ids.request_id_of(headers.get(_REQUEST_ID))
        request_ids.REQUEST_ID.set(request_id)
        use_threads()
        client = scope.get("client")
        if client is not None and addresses.is_behind_proxy(client[0]):
            _see_through_proxy(scope, client[0])
        bill = _bill(scope) if scope["path"].startswith(COUNTED) else None
        status = 0

        async def send_marked(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((_REQUEST_ID, request_id.encode()))
                if bill is not None:
                    await bill.settle()
                    message["headers"].extend(bill.headers())
            await send(message)

        try:
            limit = self._limit_of(scope["path"])
            if length is not None and not _fits(length, limit):
                raise BodyTooLarge(limit)
            bounded = receive if length is not None else _bounded(receive, limit)
            await self._inside(scope, bounded, send_marked)
        except Disconnected:
            pass
        except Exception as error:
            if status:
                # Half an answer is out: closing the connection is all that is left.
                log.error("answer broke off", exc_info=error)
                raise
            await _send_problem(_problem_of(error), send_marked, scope)
        # How long a stream was listened to says nothing about how quick this is.
        seconds = 0.0 if scope.get("is_endless") else time.perf_counter() - started
        route = scope.get("route") or ("unmatched" if status else "disconnected")
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        tally.count_request(method, route, status, seconds)
        if status >= SERVER_ERROR or seconds > SLOW_SECONDS:
            note(scope["method"], scope["path"], status, seconds)


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def note(method: str, path: str, status: int, seconds: float) -> None:
    """Say in the log that a request failed or took long."""
    log.warning(
        "request",
        extra={
            "method": method,
            "path": path,
            "status": status,
            "ms": round(seconds * 1000, 1),
        },
    )


def _see_through_proxy(scope: Scope, peer: str) -> None:
    """Take the client's address and scheme from what a proxy of ours says."""
    scope["client"] = (addresses.client_of(peer, scope["headers"]), 0)
    scheme = scope["found"].get(b"x-forwarded-proto", b"").decode("latin-1").strip().lower()
    if scheme in {"http", "https"}:
        scope["scheme"] = scheme


def _bill(scope: Scope) -> ratelimit.Bill:
    client = scope.get("client")
    return ratelimit.open_bill(scope, addresses.network_of(client[0] if client else ""))


def _usual_limit(_path: str) -> int:
    return MAX_BODY_BYTES


def _fits(length: bytes, limit: int) -> bool:
    return length.isdigit() and int(length) <= limit


def _bounded(receive: Receive, limit: int) -> Receive:
    """A `receive` that counts: a chunked body declares no length."""
    total = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:
            raise BodyTooLarge(limit)
        return message

    return counted


def _problem_of(error: Exception) -> problems.Problem:
    if isinstance(error, BodyTooLarge):
        return problems.problem(413, f"A body may have {error.limit:,} bytes.")
    return problems.of_exception(error)


async def _send_problem(answer: problems.Problem, send: Send, scope: Scope) -> None:
    body, kind = answer.body, problems.CONTENT_TYPE
    found = scope["found"]
    if last_page.is_for_people(scope["path"], found.get(b"accept")):
        language = found.get(b"accept-language", b"").decode("latin-1")
        body, kind = last_page.of_problem(answer, accept_language=language), last_page.CONTENT_TYPE
    headers = [(b"content-type", kind.encode())]
    headers.append((b"content-length", b"%d" % len(body)))
    headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _other(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
    else:
        await send({"type": "websocket.close", "code": 1000})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
