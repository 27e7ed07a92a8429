"""A page that many visitors open at once is made for all of them together.

Whoever asks while the same page is being made waits for the next making, with all the others who
came meanwhile. So each answer was begun after its request (a post that was deleted before is not
on it), nothing is kept that could be stale, and a thousand readers of one page cost as much as the
few makings that follow each other. Browsers ask again with the page's tag, and are told when it is
still the same.
"""

import asyncio
import contextvars
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import get_language

OK = 200
# The answer to one who has the page; others have not.
NOT_MODIFIED = 304
# Pages that are being made at the same time.
MAX_PAGES = 1_000
# What the making of a page may leave in a request; then the answer is for that reader only.
_TOKEN = "CSRF_COOKIE"  # noqa: S105 (a name)
Make = Callable[[], Awaitable[HttpResponseBase]]


@dataclass(slots=True)
class _Making:
    """Those who wait for the next making, each with how to do it."""

    waiting: list[tuple[HttpRequest, Make, "asyncio.Future[HttpResponse | None]"]] = field(
        default_factory=list
    )


_under_way: dict[tuple[object, ...], _Making] = {}
_tasks: set[asyncio.Task[None]] = set()


def is_anybody(request: HttpRequest) -> bool:
    """Whether nothing in a request tells its reader from other visitors."""
    known = {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, "messages"}
    return request.method == "GET" and known.isdisjoint(request.COOKIES)


async def together(request: HttpRequest, make: Make) -> HttpResponseBase:
    """The answer to a visitor: an own one, or one that is made for all who wait."""
    key = (
        asyncio.get_running_loop(), request.get_host(), request.get_full_path(), get_language(),
        request.COOKIES.get("theme"), request.headers.get("HX-Request"),
    )  # fmt: skip
    making = _under_way.get(key)
    if making is None and len(_under_way) >= MAX_PAGES:
        return await make()
    if making is None:
        _under_way[key] = _Making()
        try:
            return _tagged(request, await make())
        finally:
            _hand_over(key)
    mine = asyncio.get_running_loop().create_future()
    making.waiting.append((request, make, mine))
    shared = await mine
    return await make() if shared is None else _tagged(request, _copy(shared))


def _hand_over(key: tuple[object, ...]) -> None:
    waiting = _under_way.pop(key).waiting
    if not waiting:
        return
    _under_way[key] = _Making()
    # With the language of those who wait.
    context = contextvars.copy_context()
    task = asyncio.get_running_loop().create_task(_make_for(key, waiting), context=context)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _make_for(
    key: tuple[object, ...],
    waiting: list[tuple[HttpRequest, Make, "asyncio.Future[HttpResponse | None]"]],
) -> None:
    request, make, _ = waiting[0]
    shared: HttpResponse | None = None
    try:
        made = await make()
        is_whole = isinstance(made, HttpResponse) and made.status_code != NOT_MODIFIED
        if is_whole and not made.cookies and _TOKEN not in request.META:
            shared = cast(HttpResponse, made)
    except Exception:  # noqa: S110 (whoever waits meets it again, and answers it)
        pass
    finally:
        for _, _, future in waiting:
            if not future.done():
                future.set_result(shared)
        _hand_over(key)


def _copy(made: HttpResponse) -> HttpResponse:
    """Another answer with the same body: what is outside changes its headers."""
    return HttpResponse(made.content, status=made.status_code, headers=dict(made.headers))


def _tagged(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """With a tag of the content, or 304 for who has it."""
    if not isinstance(response, HttpResponse) or response.status_code != OK:
        return response
    if response.cookies or _TOKEN in request.META:
        return response
    tag = f'W/"{hashlib.blake2b(response.content, digest_size=12).hexdigest()}"'
    headers = {
        name: value for name, value in response.headers.items() if name != "Content-Type"
    } | {"ETag": tag}
    if tag in request.headers.get("If-None-Match", ""):
        return HttpResponse(status=304, headers=headers)
    response.headers["ETag"] = tag
    return response
