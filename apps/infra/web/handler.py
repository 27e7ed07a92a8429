"""Django's ASGI handler without what costs a request a millisecond.

The stock one makes a thread pool per request, sends signals through it, and watches for a
disconnect in a second task. Here synchronous code runs in the process's own threads (`threads`),
which look after their database connections, so nothing waits for those signals. The API gets no
middleware at all; a page whose view is a coroutine gets it without a thread (`chain`), the admin
and files in one thread, with one crossing.
"""

import asyncio
import contextlib
from collections.abc import (
    AsyncIterable,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    MutableMapping,
    Sequence,
)
from contextlib import aclosing
from functools import partial
from io import BytesIO
from typing import IO, Any, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler
from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, StreamingHttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, get_resolver, set_script_prefix

from apps.infra.resilience import deadline
from apps.infra.web import breakers, problems, threads
from apps.infra.web.chain import chain_of
from apps.infra.web.compression import compress

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

METHOD_NOT_ALLOWED = 405
# Reading a larger form would hold up the event loop.
LARGE_FORM_BYTES = 262_144


class Disconnected(Exception):
    """The client went away before its request was complete."""


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request; the edge has bounded its size. From here on it takes time of
    ours: its deadline begins."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        deadline.start()
        return body
    parts = [body]
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        parts.append(message.get("body", b""))
    deadline.start()
    return b"".join(parts)


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve /2/: straight from the router to the view, errors as problem+json."""
    closed = breakers.refusal(scope["method"])
    if closed is not None:
        await send_response(closed.response(), receive, send)
        return
    request = ASGIRequest(scope, BytesIO(await read_body(receive)))
    response: HttpResponseBase
    try:
        match = get_resolver().resolve(request.path_info)
        request.resolver_match = match
        scope["route"] = match.route
        if iscoroutinefunction(match.func):
            response = await match.func(request, *match.args, **match.kwargs)
        else:
            response = await sync_to_async(match.func)(request, *match.args, **match.kwargs)
        if response.status_code == METHOD_NOT_ALLOWED:
            response = problems.not_allowed(response.headers.get("Allow", "")).response()
    except Resolver404:
        response = problems.problem(404, "There is nothing at this address.").response()
    except Exception as error:
        response = problems.of_exception(error).response()
    await send_response(response, receive, send)


Prepare = Callable[[HttpRequest], Awaitable[None]]


class Pages(BaseHandler):
    """Serve the HTML site and the admin through the ordinary middleware.

    A view that is a coroutine is answered in the event loop with its middleware (`chain`); all
    else (the admin, files, addresses without a view) in a thread, with one crossing.
    """

    def __init__(self, *, prepare: Prepare | None = None) -> None:
        """Load the middleware.

        Args:
            prepare: awaited for every request that has a view, before all middleware.
        """
        super().__init__()
        self.load_middleware(is_async=False)
        self._prepare = prepare
        self._chain = chain_of(settings.MIDDLEWARE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        body = await read_body(receive)
        is_large = len(body) > LARGE_FORM_BYTES
        await self.serve(scope, BytesIO(body), receive, send, is_large=is_large)

    async def serve(
        self,
        scope: Scope,
        body: IO[bytes],
        receive: Receive,
        send: Send,
        *,
        is_large: bool,
        handlers: Sequence[FileUploadHandler] = (),
    ) -> None:
        """Serve one request whose body is here.

        Args:
            is_large: its form is read in a thread.
            handlers: where its files go, instead of the usual ones.
        """
        set_script_prefix(get_script_prefix(scope))
        request = ASGIRequest(scope, body)
        if handlers:
            request.upload_handlers = list(handlers)
        threads.use_threads()
        if is_large:
            await sync_to_async(_read_form)(request)
        match = _view_of(request)
        if match is not None and self._prepare is not None:
            await self._prepare(request)
        if match is not None and self._chain is not None and iscoroutinefunction(match.func):
            request.resolver_match = match
            response = await self._chain.answer(request, match)
            # Whoever let parts of it into files looks after them.
            request.close()
        else:
            response = await sync_to_async(self._respond)(request)
        if request.resolver_match is not None:
            scope["route"] = request.resolver_match.route
        compress(response, request.headers.get("Accept-Encoding", ""))
        try:
            await send_response(response, receive, send)
        finally:
            if response._resource_closers:  # type: ignore[attr-defined]
                await sync_to_async(_release)(response)

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        render = getattr(response, "render", None)
        if callable(render) and not getattr(response, "is_rendered", True):
            response = render()
        if not response.streaming:
            _release(response)
        return response


def _read_form(request: HttpRequest) -> None:
    # What is wrong with it, the middleware meets again.
    with contextlib.suppress(BadRequest, SuspiciousOperation, MultiPartParserError):
        request.POST  # noqa: B018 (a property that reads)


# Addresses without parts that vary; to look through all patterns takes a tenth of a page.
_plain_matches: dict[str, ResolverMatch] = {}


def _view_of(request: HttpRequest) -> ResolverMatch | None:
    path = request.path_info
    known = _plain_matches.get(path)
    if known is not None and not settings.DEBUG:
        return known
    try:
        match = get_resolver().resolve(path)
    except Resolver404:
        return None
    if not match.kwargs and not match.args:
        _plain_matches[path] = match
    return match


def _release(response: HttpResponseBase) -> None:
    # Not response.close(): that sends the signal that closes every database connection.
    for closer in response._resource_closers:  # type: ignore[attr-defined]
        closer()
    response._resource_closers.clear()  # type: ignore[attr-defined]


async def send_response(response: HttpResponseBase, receive: Receive, send: Send) -> None:
    """Send a response of any kind."""
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    for cookie in response.cookies.values():
        headers.append((b"set-cookie", cookie.output(header="").strip().encode("ascii")))
    start = {"type": "http.response.start", "status": response.status_code, "headers": headers}
    if not isinstance(response, StreamingHttpResponse):
        whole: bytes = response.content  # type: ignore[attr-defined]
        if "Content-Length" not in response.headers:
            headers.append((b"content-length", b"%d" % len(whole)))
        await send(start)
        await send({"type": "http.response.body", "body": whole})
    elif response.is_async:
        deadline.lift()
        try:
            await send(start)
            await _send_stream(cast(AsyncIterable[bytes], response), receive, send)
        finally:
            # Who left before the first part was asked for has no generator that ends.
            _release(response)
    else:
        await send(start)
        await _send_file(iter(cast(Iterable[bytes], response)), send)


async def _send_file(parts: Iterator[bytes], send: Send) -> None:
    step = partial(next, parts, None)
    while (part := await sync_to_async(step)()) is not None:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


async def _send_stream(response: AsyncIterable[bytes], receive: Receive, send: Send) -> None:
    """Send an endless answer until it ends or the client has gone."""
    sending = asyncio.create_task(_send_parts(response, send))
    gone = asyncio.ensure_future(receive())
    try:
        await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    finally:
        for task in (sending, gone):
            task.cancel()
        await asyncio.gather(sending, gone, return_exceptions=True)


async def _send_parts(response: AsyncIterable[bytes], send: Send) -> None:
    async with aclosing(aiter(response)) as parts:  # type: ignore[type-var]
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})
