"""The backend: what Django names as the ENGINE of a database."""

from collections.abc import Callable
from typing import Any

import psycopg
from django.db import Error, OperationalError
from django.db.backends.postgresql import base

from apps.infra.resilience import deadline
from apps.infra.resilience.breaker import POSTGRES, breaker_of
from apps.infra.stores import postgres


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is neither opened nor used while the breaker is open, nor for a request
    whose deadline has passed.

    Then it raises OperationalError, as it would after its time-out, or TookTooLong.
    """

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.execute_wrappers.append(_guarded)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, or take a connection from the pool."""
        made = _called(super().get_new_connection, conn_params)
        postgres.hear(made)
        return made

    def _commit(self) -> None:
        """Commit; not done where the synchronous standby may lack it. Raises OperationalError."""
        super()._commit()  # type: ignore[misc] # the stubs lack it
        self.ensure_confirmed()

    def ensure_confirmed(self) -> None:
        """After a statement that may have been a commit, too."""
        if self.connection is not None:
            with self.wrap_database_errors:
                postgres.ensure_confirmed(self.connection)


def _guarded(execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any) -> Any:
    result = _called(execute, sql, params, many, context)
    context["connection"].ensure_confirmed()
    return result


def _called(call: Callable[..., Any], *args: Any) -> Any:
    deadline.check()
    breaker = breaker_of(POSTGRES)
    if not breaker.allows():
        raise OperationalError("circuit breaker is open")
    try:
        result = call(*args)
    except (psycopg.Error, Error) as error:
        if postgres.is_away(error):
            breaker.failed()
        else:
            breaker.succeeded()
        raise
    breaker.succeeded()
    return result
