"""A commit waits for the synchronous standby; one that was broken off in between is not done.

No standby is needed: PostgreSQL waits for one that never comes.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, transaction

from apps.graph.services import follow_user
from apps.infra import clock, ids
from apps.infra.models import BrownoutSwitch
from apps.infra.stores import postgres
from apps.tweets.models import Tweet
from tests.replicas import wait_for_standby
from tests.spine import wait_for

WAITING = "select pid from pg_stat_activity where wait_event = 'SyncRep'"


@contextmanager
def broken_off() -> Iterator[None]:
    """Commits wait for a standby that is not there, and an operator cancels the first that does."""
    ends = threading.Event()

    def cancel(raw):
        def try_it():
            found = raw.execute(WAITING).fetchone()
            return ends.is_set() or (found and raw.execute("select pg_cancel_backend(%s)", found))

        wait_for(try_it)

    with postgres.connect() as raw, wait_for_standby("nobody"):
        thread = threading.Thread(target=cancel, args=(raw,))
        thread.start()
        try:
            yield
        finally:
            ends.set()
            thread.join()


def test_a_post_is_not_acknowledged(alice, api_as):
    client = api_as(alice)
    assert client.post("/2/tweets", {"text": "One"}).status_code == 201

    with broken_off():
        answer = client.post("/2/tweets", {"text": "Two"})

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    # PostgreSQL has it; nobody was told so.
    assert Tweet.objects.count() == 2
    assert client.post("/2/tweets", {"text": "Three"}).status_code == 201


def test_a_service_has_failed(alice, bob):
    with broken_off(), pytest.raises(OperationalError, match="standby"):
        follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())

    with transaction.atomic():
        pass


def test_a_single_statement_has_failed(world):
    with broken_off(), pytest.raises(OperationalError, match="standby"):
        BrownoutSwitch.objects.create(id=1, level="0", changed_at=clock.now())


def test_no_ids_are_made_under_a_lease_that_may_be_lost(world):
    with broken_off(), pytest.raises(postgres.Unconfirmed):
        ids._Leased().take(1)

    assert ids._Leased().take(1)


def test_other_warnings_are_nothing(world):
    with postgres.connect() as raw:
        raw.execute("do $$ begin raise warning 'SyncRepWaitForLSN'; end $$")

        postgres.ensure_confirmed(raw)


def test_it_is_said_once(world):
    with broken_off(), postgres.connect() as raw:
        raw.execute("delete from redis_runs where false; insert into brownout_switch values"
                    " (1, '0', now())")  # fmt: skip
        with pytest.raises(psycopg.OperationalError):
            postgres.ensure_confirmed(raw)

        postgres.ensure_confirmed(raw)
