"""Django's middleware around a view that is a coroutine, without a thread.

Django's own asynchronous chain hands every hook of every middleware over to a thread and waits;
its synchronous chain crosses into a thread, and back for the view. But what these middlewares do
is arithmetic on headers: here their hooks are called one after the other in the event loop, in
Django's order, and what a hook raises becomes an answer where Django makes it one. A middleware
that may wait says what to await instead (`aprocess_response`).
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.exception import response_for_exception
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch
from django.utils.deprecation import MiddlewareMixin
from django.utils.log import log_response
from django.utils.module_loading import import_string

# Known to touch no engine and no file. One of the house says so itself: `never_waits = True`.
NEVER_WAIT = frozenset(
    {
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        # With messages in a cookie.
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    }
)
# Answers for files, which have no view.
PASSED_BY = frozenset({"whitenoise.middleware.WhiteNoiseMiddleware"})
CLIENT_ERROR = 400

Hook = Callable[..., Any]


class Chain:
    """The hooks of the middlewares, outermost first; None where one has no such hook."""

    def __init__(self, middlewares: Sequence[MiddlewareMixin]) -> None:
        self._on_request = [getattr(one, "process_request", None) for one in middlewares]
        self._on_view = [one.process_view for one in middlewares if hasattr(one, "process_view")]
        self._on_response = [_response_hook(one) for one in middlewares]

    async def answer(self, request: HttpRequest, match: ResolverMatch) -> HttpResponseBase:
        """Let the middlewares and the view answer."""
        passed = 0
        try:
            for hook in self._on_request:
                early: HttpResponseBase | None = hook(request) if hook is not None else None
                passed += 1
                if early is not None:
                    response = early
                    break
            else:
                response = await self._view(request, match)
        except Exception as error:
            response = await _refusal(request, error)
        for hook, is_async in reversed(self._on_response[:passed]):
            try:
                response = await hook(request, response) if is_async else hook(request, response)
            except Exception as error:
                response = await _refusal(request, error)
        if response.status_code >= CLIENT_ERROR:
            said = cast(HttpResponse, response)
            log_response("%s: %s", said.reason_phrase, request.path, response=said, request=request)
        return response

    async def _view(self, request: HttpRequest, match: ResolverMatch) -> HttpResponseBase:
        for hook in self._on_view:
            refusal: HttpResponseBase | None = hook(request, match.func, match.args, match.kwargs)
            if refusal is not None:
                return refusal
        response: HttpResponseBase | None = await match.func(request, *match.args, **match.kwargs)
        if response is None:
            raise ValueError(f"The view {match.view_name} gave no response.")
        render = getattr(response, "render", None)
        return render() if callable(render) else response


def _response_hook(middleware: MiddlewareMixin) -> tuple[Hook, bool]:
    waits: Hook | None = getattr(middleware, "aprocess_response", None)
    if waits is not None:
        return waits, True
    return getattr(middleware, "process_response", _unchanged), False


def _unchanged(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    return response


async def _refusal(request: HttpRequest, error: Exception) -> HttpResponseBase:
    # A page of an error may be anybody's; they are rare enough for a thread.
    return await sync_to_async(response_for_exception)(request, error)


def chain_of(paths: Sequence[str]) -> Chain | None:
    """The chain of `settings.MIDDLEWARE`; None where one of them might hold up the event loop or
    takes part in another way than by its hooks: then all go to a thread."""
    middlewares = []
    for path in paths:
        if path in PASSED_BY:
            continue
        kind: Any = import_string(path)
        if not _is_plain(path, kind):
            return None
        try:
            middlewares.append(kind(_nobody))
        except MiddlewareNotUsed:
            continue
    return Chain(middlewares)


def _is_plain(path: str, kind: Any) -> bool:
    return (
        inspect.isclass(kind)
        and issubclass(kind, MiddlewareMixin)
        and kind.__call__ is MiddlewareMixin.__call__
        and (path in NEVER_WAIT or getattr(kind, "never_waits", False))
        and not hasattr(kind, "process_exception")
        and not hasattr(kind, "process_template_response")
    )


def _nobody(request: HttpRequest) -> HttpResponseBase:
    raise AssertionError("the chain calls hooks, never a middleware as a whole")
