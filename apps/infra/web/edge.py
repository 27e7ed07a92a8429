"""The outermost door, raw ASGI: request id, admission, size limit, metrics, and the last catch.

Whatever happens inside, the client gets an answer that carries the request id.
"""

import functools
import logging
import random
import time
from collections.abc import Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from apps.infra.errors import Unavailable
from apps.infra.resilience import deadline, ratelimit
from apps.infra.resilience.admission import Admission, Crowded, Level, Visit
from apps.infra.resilience.brownout import Feature, house
from apps.infra.resilience.rules import COUNTED
from apps.infra.telemetry import tally
from apps.infra.web import addresses, heads, languages, last_page, problems, request_ids
from apps.infra.web.handler import Disconnected, Receive, Scope, Send
from apps.infra.web.threads import use_threads

App = Callable[[Scope, Receive, Send], Any]

MAX_BODY_BYTES = 1_048_576
SERVER_ERROR = 500
SLOW_SECONDS = 1.0
# Whoever finds no place comes back after one of these, lest all do at the same second.
_WAITS = (1, 2, 3, 4, 5)
# The route of requests for which there was no place; the admission tells of them in the log.
REFUSED = "refused"
_REQUEST_ID = request_ids.HEADER
_BROWNOUT = b"tl-brownout"
# Pages and files have it from what makes them.
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_SESSION = settings.SESSION_COOKIE_NAME.encode() + b"="
log = logging.getLogger(__name__)


LevelOf = Callable[[str, str, bool], Level | None]
FeatureOf = Callable[[str, str, bool], Feature | None]


class BodyTooLarge(Exception):
    """A body is over the limit of its path, or passed it while it came in."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class Dimmed(Unavailable):
    """What is asked for is left out for a while."""

    code = "switched_off"

    def __init__(self, feature: Feature) -> None:
        super().__init__(_(feature.sentence), retry_after_seconds=feature.retry_after_seconds)
        self.feature = feature


class Edge:
    """Wraps the doors behind it, who find the headers by name in `scope["found"]`.

    `scope["route"]`, set inside, names the route in the metrics.
    """

    def __init__(
        self,
        inside: App,
        *,
        gate: Any = None,
        limit_of: Callable[[str], int] | None = None,
        level_of: LevelOf | None = None,
        feature_of: FeatureOf | None = None,
        each_second: Callable[[], None] | None = None,
    ) -> None:
        """Wrap the doors.

        Args:
            limit_of: how many bytes a body may have at a path; `MAX_BODY_BYTES` when unset.
            level_of: how important a request is, by method, path and whether it says who asks;
                None: it needs no place. Everything is let in when unset.
            feature_of: what a request is for, by the same; None: it is never left out.
            each_second: called once a second by the server, in its loop, whoever comes.
        """
        self._inside = inside
        self.gate = gate
        self._limit_of = limit_of or _usual_limit
        self._level_of = level_of
        self._feature_of = feature_of
        self.each_second = each_second
        self.admission = Admission(most=settings.ADMISSION_MAX, strain=house.strain)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or what else the server has to say."""
        if scope["type"] != "http":
            await _other(scope, receive, send)
            return
        started = time.perf_counter()
        request_id, bill, visit = self._opened(scope)
        until = deadline.begin()
        status = 0

        async def send_marked(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # The work is done; how quickly the client reads is its own affair.
                _leave(visit, scope)
                _mark(message["headers"], scope["path"], request_id)
                if bill is not None:
                    await bill.settle()
                    message["headers"].extend(bill.headers())
            await send(message)

        try:
            bounded = self._let_in(scope, receive)
            if visit is not None:
                if not await visit.enter():
                    raise Crowded
                bounded = visit.receiving(bounded)
            await self._inside(scope, bounded, send_marked)
        except Disconnected:
            pass
        except Exception as error:
            if status:
                # Half an answer is out: closing the connection is all that is left.
                log.error("answer broke off", exc_info=error)
                raise
            if isinstance(error, Crowded | Dimmed):
                scope["route"] = REFUSED
            await _send_problem(error, send_marked, scope)
        finally:
            until.lift()
            _leave(visit, scope)
        _count(scope, status, time.perf_counter() - started)

    def _opened(self, scope: Scope) -> tuple[str, ratelimit.Bill | None, Visit | None]:
        """What every request has: its id, what it is charged, and its place, as far as it needs
        these."""
        # Of a header that comes twice, the last.
        headers = scope["found"] = dict(scope["headers"])
        request_id = request_ids.request_id_of(headers.get(_REQUEST_ID))
        request_ids.REQUEST_ID.set(request_id)
        use_threads()
        client = scope.get("client")
        if client is not None and addresses.is_behind_proxy(client[0]):
            _see_through_proxy(scope, client[0])
        bill = _bill(scope) if scope["path"].startswith(COUNTED) else None
        return request_id, bill, self._visit(scope)

    def _let_in(self, scope: Scope, receive: Receive) -> Receive:
        """A `receive` that gives no more than the path allows. Raises HeadTooLarge, BodyTooLarge,
        Dimmed."""
        heads.ensure_bounded(scope)
        if house.level:
            self._look_whether_dimmed(scope)
        limit, length = self._limit_of(scope["path"]), scope["found"].get(b"content-length")
        if length is None:
            return _bounded(receive, limit)
        if not _fits(length, limit):
            raise BodyTooLarge(limit)
        return receive

    def _look_whether_dimmed(self, scope: Scope) -> None:
        house.look()
        if self._feature_of is None:
            return
        feature = self._feature_of(scope["method"], scope["path"], is_known(scope["found"]))
        if feature is not None and feature.level <= house.level:
            raise Dimmed(feature)

    def _visit(self, scope: Scope) -> Visit | None:
        if self._level_of is None or not self.admission.is_on:
            return None
        found, method = scope["found"], scope["method"]
        level = self._level_of(method, scope["path"], is_known(found))
        if level is None:
            return None
        has_body = b"transfer-encoding" in found or found.get(b"content-length", b"0") != b"0"
        return Visit(self.admission, level, has_body=has_body)

    def refuses(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> bool:
        """Whether there is no place for this request; then it is counted as refused."""
        level = self._level_of and self._level_of(method, path, is_known(headers))
        if level is None or not self.admission.is_closed(level):
            return False
        self.admission.note_refusal(level)
        return True


def _mark(headers: list[tuple[bytes, bytes]], path: str, request_id: str) -> None:
    """Add what every answer says."""
    headers.append((_REQUEST_ID, request_id.encode()))
    if path.startswith(last_page.API):
        headers.append(_NO_SNIFFING)
    if house.level:
        headers.append((_BROWNOUT, b"%d" % house.level))


def is_known(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request claims to be somebody's; what it says is not looked at."""
    return b"authorization" in headers or _SESSION in headers.get(b"cookie", b"")


def crowded(path: str, headers: Mapping[bytes, bytes]) -> tuple[bytes, str, Mapping[str, str]]:
    """What is answered where there is no place: body, its kind, and headers."""
    language, is_page = _manner(path, headers)
    return _crowded(language, is_page, random.choice(_WAITS))  # noqa: S311 (no secret)


# Kept: it is asked for a thousand times a second when there is no time at all.
@functools.lru_cache(maxsize=64)
def _crowded(language: str, is_page: bool, wait: int) -> tuple[bytes, str, Mapping[str, str]]:
    with translation.override(language):
        answer = problems.of_exception(_no_place(wait))
    if not is_page:
        return answer.body, problems.CONTENT_TYPE, answer.headers
    page = last_page.of_status(answer.status, language, last_page.CROWDED)
    return page, last_page.CONTENT_TYPE, answer.headers


def _no_place(wait: int) -> Unavailable:
    return Unavailable("Too much at once here. Try again.", retry_after_seconds=wait)


def _leave(visit: Visit | None, scope: Scope) -> None:
    if visit is not None:
        visit.leave(scope.get("route") or "unmatched")


def _count(scope: Scope, status: int, seconds: float) -> None:
    if scope.get("is_endless"):
        # How long a stream was listened to says nothing about how quick this is.
        seconds = 0.0
    route = scope.get("route") or ("unmatched" if status else "disconnected")
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    tally.count_request(method, route, status, seconds)
    if (status >= SERVER_ERROR or seconds > SLOW_SECONDS) and route != REFUSED:
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
    if isinstance(error, heads.HeadTooLarge):
        return heads.problem_of(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    if isinstance(error, Crowded):
        error = _no_place(random.choice(_WAITS))  # noqa: S311 (no secret)
    return problems.of_exception(error)


async def _send_problem(error: Exception, send: Send, scope: Scope) -> None:
    answer, body, kind = _answer(error, scope["path"], scope["found"])
    headers = [(b"content-type", kind.encode())]
    headers.append((b"content-length", b"%d" % len(body)))
    headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _answer(
    error: Exception, path: str, headers: Mapping[bytes, bytes]
) -> tuple[problems.Problem, bytes, str]:
    """What is wrong, the body for whoever asks, a person or a program, and its content type."""
    language, is_page = _manner(path, headers)
    with translation.override(language):
        answer = _problem_of(Dimmed(error.feature) if isinstance(error, Dimmed) else error)
    if not is_page:
        return answer, answer.body, problems.CONTENT_TYPE
    page = last_page.of_status(answer.status, language, _sentence(error))
    return answer, page, last_page.CONTENT_TYPE


def _manner(path: str, headers: Mapping[bytes, bytes]) -> tuple[str, bool]:
    """In which language whoever asks is answered, and whether with a page."""
    if path.startswith(last_page.PROGRAMS):
        return languages.ENGLISH, False
    language = languages.of_header(headers.get(b"accept-language", b"").decode("latin-1"))
    return language, b"text/html" in headers.get(b"accept", b"")


def _sentence(error: Exception) -> str:
    """What people read of an error, not yet translated; as is usual for its status, if empty."""
    if isinstance(error, Dimmed):
        return error.feature.sentence
    return last_page.CROWDED if isinstance(error, Crowded) else ""


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
