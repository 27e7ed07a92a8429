"""What the API answers at once while a circuit breaker is open.

Every change needs PostgreSQL, so while its breaker is open none is begun: no body is read, no
thread taken. Reads go on, for much of them is answered from Redis and from memory; what they lack,
the store refuses at once (`stores.aiopostgres`, `stores.guarded`).
"""

from apps.infra.resilience.breaker import POSTGRES, breaker_of
from apps.infra.stores.aiopostgres import away
from apps.infra.web import problems

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_possible(method: str | None) -> bool:
    """Whether a request of this kind may begin."""
    return method in _READS or not breaker_of(POSTGRES).is_open


def refusal(method: str | None) -> problems.Problem | None:
    """The problem to answer; None where the request may begin."""
    return None if is_possible(method) else problems.of_exception(away())
