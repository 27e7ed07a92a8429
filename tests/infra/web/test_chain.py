"""The middleware chain of pages: hook by hook what Django's own chain does."""

from typing import Any, ClassVar

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.handlers.base import BaseHandler
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path, resolve
from django.utils.deprecation import MiddlewareMixin

from apps.infra.web import handler
from apps.infra.web.chain import NEVER_WAIT, chain_of
from apps.infra.web.edge import Edge
from twitterlite.settings import base

TRACE: list[str] = []
ORDERS: dict[str, Any] = {}


class _Probe(MiddlewareMixin):
    never_waits = True
    name: ClassVar[str] = ""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        return self._obey("request")

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        return self._obey("view")

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        TRACE.append(f"{self.name} response {response.status_code}")
        return self._obey("response") or response

    def _obey(self, hook: str) -> HttpResponse | None:
        if hook != "response":
            TRACE.append(f"{self.name} {hook}")
        order = ORDERS.get(f"{self.name} {hook}")
        if isinstance(order, Exception):
            raise order
        return HttpResponse(order) if order else None


class Outer(_Probe):
    """The first."""

    name = "outer"


class Bare(MiddlewareMixin):
    """No hook at all."""

    never_waits = True


class Inner(_Probe):
    """The last."""

    name = "inner"


class Waits(MiddlewareMixin):
    """Does not say that it never waits."""


class Catches(_Probe):
    """Takes part in a way that the chain does not know."""

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        """Look at an error."""


async def _view(request: HttpRequest) -> HttpResponse:
    TRACE.append("the view")
    order = ORDERS.get("the view")
    if isinstance(order, Exception):
        raise order
    return HttpResponse("seen")


urlpatterns = [path("probe", _view)]
handler404 = "apps.infra.web.pages.not_found"
handler403 = "apps.infra.web.pages.forbidden"
handler500 = "apps.infra.web.pages.server_error"


@pytest.fixture(autouse=True)
def _no_orders():
    ORDERS.clear()


HERE = __name__
PROBES = [f"{HERE}.Outer", f"{HERE}.Bare", f"{HERE}.Inner"]
SPOTS = ["outer request", "inner request", "outer view", "inner view", "the view",
         "inner response", "outer response"]  # fmt: skip
ERRORS = [Http404("no"), PermissionDenied("no"), SuspiciousOperation("no"), ValueError("no")]
CASES: list[dict[str, Any]] = [{}, *({spot: "early"} for spot in SPOTS if spot != "the view")]
CASES += [{spot: error} for spot in SPOTS for error in ERRORS]


@pytest.mark.parametrize("orders", CASES, ids=repr)
def test_hooks_are_called_as_django_calls_them(run, orders):
    with override_settings(MIDDLEWARE=PROBES, ROOT_URLCONF=HERE):
        stock = BaseHandler()
        stock.load_middleware(is_async=True)
        chain = chain_of(PROBES)
        assert chain is not None
        ours = [_ask(run, chain, orders, is_stock=False)]
        theirs = [_ask(run, stock, orders, is_stock=True)]

    assert ours == theirs


def _ask(run, answering, orders, *, is_stock):
    TRACE.clear()
    ORDERS.clear()
    ORDERS.update(orders)
    request = RequestFactory().get("/probe")
    if is_stock:
        response = run(answering.get_response_async(request))
    else:
        match = handler._view_of(request)
        request.resolver_match = match
        response = run(answering.answer(request, match))
    return response.status_code, response.content, list(TRACE)


def test_a_view_that_answers_nothing_is_an_error(run):
    async def mute(request):
        return None

    with override_settings(ROOT_URLCONF=HERE):
        chain: Any = chain_of(PROBES)
        request = RequestFactory().get("/probe")
        # Not the handler's: it remembers what an address leads to.
        match: Any = resolve("/probe")
        match.func = mute
        assert run(chain.answer(request, match)).status_code == 500


@pytest.mark.parametrize(
    "stranger", [f"{HERE}.Waits", f"{HERE}.Catches", "django.middleware.gzip.GZipMiddleware",
                 "django.middleware.cache.UpdateCacheMiddleware"],
)  # fmt: skip
def test_one_that_might_wait_sends_all_to_a_thread(stranger):
    assert chain_of([*PROBES, stranger]) is None


def test_the_site_itself_needs_no_thread():
    assert chain_of(base.MIDDLEWARE) is not None
    assert set(base.MIDDLEWARE) >= NEVER_WAIT


PAGES = [
    ("GET", "/login", {}),
    ("HEAD", "/login", {}),
    ("POST", "/login", {"content-type": "application/x-www-form-urlencoded"}),
    ("GET", "/", {}),
    ("GET", "/home", {}),
    ("GET", "/about", {"hx-request": "true"}),
    ("GET", "/nobody_here", {}),
    ("GET", "/no/such/page", {}),
    ("GET", "/login", {"host": "bad host name"}),
    ("GET", "/logout", {}),
    ("GET", "/admin/", {}),
    ("GET", "/static/css/app.css", {}),
    ("GET", "/login", {"cookie": "sessionid=" + "a" * 32}),
]


@pytest.mark.parametrize(("method", "page", "headers"), PAGES)
def test_with_and_without_a_thread_the_answer_is_the_same(api, method, page, headers):
    one = handler.Pages()
    other = handler.Pages()
    other._chain = None

    in_loop = api.through(Edge(one)).request(method, page, headers=headers)
    in_thread = api.through(Edge(other)).request(method, page, headers=headers)

    assert in_loop.status_code == in_thread.status_code
    assert _steady(in_loop.headers) == _steady(in_thread.headers)
    if page != "/login":
        assert in_loop.content == in_thread.content


def _steady(headers):
    # The token in the cookie is new each time, the request id too.
    made = {"x-request-id", "content-length", "expires", "date"}
    cut = {name: value.split("=")[0] if name == "set-cookie" else value
           for name, value in headers.items() if name not in made}  # fmt: skip
    return cut
