"""The circuit breaker as middleware of the site; `breakers` is the same for the API."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from apps.infra.resilience import switches  # noqa: F401 (obeys operators from here on)
from apps.infra.stores.aiopostgres import away
from apps.infra.web import pages
from apps.infra.web.breakers import is_possible


class BreakerMiddleware(MiddlewareMixin):
    """Refuses forms while PostgreSQL's breaker is open, where a script keeps what was typed.

    Without scripts the view answers, and keeps it on its page.
    """

    never_waits = True

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """The refusal, or None."""
        if is_possible(request.method) or not pages.is_part(request):
            return None
        return pages.refused(request, away())
