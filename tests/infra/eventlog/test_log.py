"""Appending: what a row holds, in which order ids come, and that nothing survives a rollback."""

import pytest
from django.db import connection, transaction

from apps.infra.eventlog.doorbell import doorbell_key
from apps.infra.eventlog.log import publish, publish_many
from apps.infra.stores.redis import broker
from tests.probes import Hummed, Rang, heard


def rows() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("select id, epoch, topic, key, payload::text from event_log order by id")
        return list(cursor.fetchall())


def test_an_event_is_a_row_beside_the_change_it_speaks_of(probes):
    with transaction.atomic():
        event_id = publish(Rang(n=7, text="wörd"))

    (epoch,) = {row[1] for row in rows()}
    assert rows() == [(event_id, epoch, "probe.rang", "7", '{"n": 7, "text": "wörd"}')]


def test_a_rolled_back_change_announces_nothing(probes, drain_outbox):
    with transaction.atomic():
        publish(Rang(n=1))
        transaction.set_rollback(True)
    drain_outbox()

    assert rows() == []
    assert heard() == []


def test_many_events_are_one_statement_and_keep_their_order(
    probes, drain_outbox, django_assert_num_queries
):
    with transaction.atomic(), django_assert_num_queries(1):
        ids = publish_many([Rang(n=n) for n in range(50)])
    drain_outbox()

    assert ids == sorted(ids)
    assert heard() == list(range(50))


def test_publishing_costs_one_statement(probes, django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(1):
        publish(Rang(n=1))


def test_the_bell_rings_after_the_commit_and_never_piles_up(probes):
    for _ in range(3):
        with transaction.atomic():
            publish(Rang(n=1))
            publish(Rang(n=2))

    assert broker().llen(doorbell_key()) == 1


def test_only_the_subscribers_of_a_topic_get_it(probes, drain_outbox):
    publish(Rang(n=1))
    publish(Hummed(n=2))
    assert drain_outbox() == 2

    assert heard("hear") == [1]
    assert heard("listen") == [1, 2]


@pytest.mark.django_db
def test_events_of_an_open_transaction_can_be_drained_in_it(settings, drain_outbox):
    settings.EVENT_TOPOLOGY = "tests.probe_topology"
    publish(Rang(n=31))

    assert drain_outbox() == 1
    assert heard()[-1:] == [31]
    assert drain_outbox() == 0
