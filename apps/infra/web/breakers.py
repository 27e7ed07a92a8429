"""What is answered at once while a circuit breaker is open.

Every change needs PostgreSQL, so while its breaker is open none is begun: no body is read, no
thread taken. Reads go on, for much of them is answered from Redis and from memory; what they lack,
the store refuses at once (`stores.aiopostgres`, `stores.guarded`).
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from apps.infra.resilience import switches  # noqa: F401 (obeys operators from here on)
from apps.infra.resilience.breaker import POSTGRES, breaker_of
from apps.infra.stores.aiopostgres import away
from apps.infra.web import pages, problems

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class BreakerMiddleware(MiddlewareMixin):
    """Refuses forms while PostgreSQL's breaker is open, where a script keeps what was typed.

    Without scripts the view answers, and keeps it on its page.
    """

    never_waits = True

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """The refusal, or None."""
        if _is_possible(request.method) or not pages.is_part(request):
            return None
        return pages.refused(request, away())


def refusal(method: str | None) -> problems.Problem | None:
    """The same for the API: the problem to answer, None where the request may begin."""
    return None if _is_possible(method) else problems.of_exception(away())


def _is_possible(method: str | None) -> bool:
    return method in _READS or not breaker_of(POSTGRES).is_open
