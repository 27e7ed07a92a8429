"""Events by COPY are those of an INSERT, and what is undelivered is counted."""

import time

import pytest
from django.db import connection, transaction

from apps.infra.eventlog.backlog import measure_backlog
from apps.infra.eventlog.bulk import publish_copied
from apps.infra.eventlog.models import EventLog
from apps.infra.stores import postgres
from apps.infra.stores.redis import broker
from apps.tweets.events import TweetPosted
from apps.users.models import User
from tests.spine import Drain


def events(*numbers: int) -> list[tuple[int, str]]:
    return [(one, TweetPosted(tweet_id=one, author_id=one).payload()) for one in numbers]


def publish(*numbers: int) -> None:
    with transaction.atomic():
        publish_copied(topic=TweetPosted.topic, events=events(*numbers))


def test_events_come_in_their_order_with_the_epoch_and_ring_once(alice: User) -> None:
    broker().flushall()

    publish(3, 1, 2)
    publish()

    rows = list(EventLog.objects.order_by("id").values_list("key", "payload__tweet_id", "topic"))
    assert rows == [(str(one), one, "tweet.posted") for one in (3, 1, 2)]
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from event_log where epoch = (select max(epoch) from epochs)"
        )
        assert cursor.fetchone() == (3,)
        cursor.execute("select count(distinct xid), max(clock_timestamp() - at) from event_log")
        xids, age = cursor.fetchone()
    assert xids == 1
    assert age.total_seconds() < 60
    assert sum(broker().llen(key) for key in broker().keys("*doorbell")) == 1


def test_events_belong_to_a_transaction_and_roll_back_with_it(alice: User) -> None:
    with pytest.raises(RuntimeError, match=r"transaction\.atomic"):
        publish_copied(topic="tweet.posted", events=events(1))
    with pytest.raises(ValueError, match="plain JSON"), transaction.atomic():
        publish_copied(topic="tweet.posted", events=[(1, '{"text": "a\\n"}')])
    with transaction.atomic():
        publish_copied(topic="tweet.posted", events=events(1))
        transaction.set_rollback(True)

    assert not EventLog.objects.exists()


def test_the_backlog_is_what_is_not_acknowledged(alice: User, drain_outbox: Drain) -> None:
    with postgres.connect() as raw:
        assert measure_backlog(raw).events == 0
        publish(*range(1, 8))
        drain_outbox()
        assert measure_backlog(raw).events == 0

        publish(*range(8, 13))
        time.sleep(0.02)
        waiting = measure_backlog(raw)
        assert waiting.events == 5
        assert waiting.oldest_seconds > 0.01
        drain_outbox()

        assert measure_backlog(raw).events == 0
