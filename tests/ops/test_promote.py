"""`manage.py promote` where it must do nothing; `tests/faults/test_promotion.py` does the rest."""

import pytest
from django.core.management import CommandError, call_command


def test_not_while_there_is_a_primary(replica):
    with pytest.raises(CommandError, match=r"The primary .* answers"):
        call_command("promote")

    assert replica.ask("select pg_is_in_recovery()")


def test_not_without_a_replica(world):
    with pytest.raises(CommandError, match="DATABASE_REPLICA_URL is not set"):
        call_command("promote")


def test_a_replica_that_is_away_is_said_so(replica, breakable_engines):
    replica.engine.kill()
    breakable_engines.postgres.kill()

    with pytest.raises(CommandError, match="The replica does not answer"):
        call_command("promote")
