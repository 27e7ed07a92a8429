"""Deadlines: nothing is begun for whom nobody waits any more."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction

from apps.infra.resilience import deadline
from apps.infra.resilience.deadline import TookTooLong
from apps.infra.stores import aiopostgres
from apps.infra.web import threads
from apps.users.models import User


@pytest.fixture
def time(monkeypatch):
    clock = SimpleNamespace(now=1_000.0)
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: clock.now))
    yield clock
    # Of a test that began one outside a request.
    deadline._current.set(None)


def late(time, settings):
    """In a request that is over its time."""
    deadline.begin().start()
    time.now += settings.REQUEST_SECONDS + 0.1


def test_before_the_body_is_whole_no_time_runs(time):
    deadline.begin()
    time.now += 3_600

    deadline.check()
    deadline.start()
    time.now += 1

    deadline.check()
    assert 0 < deadline.remaining() < 3_600


def test_no_read_is_begun(world, run, time, settings):
    async def read():
        assert await aiopostgres.fetch("select 1") == [(1,)]
        late(time, settings)
        await aiopostgres.fetch("select 1")

    with pytest.raises(TookTooLong) as raised:
        run(read())
    assert raised.value.retry_after_seconds == 2


def test_what_a_thread_does_for_it_is_rolled_back(alice, run, time, settings):
    def rename():
        with transaction.atomic():
            User.objects.filter(id=alice.id).update(name="New")
            time.now += settings.REQUEST_SECONDS + 0.1
            with connection.cursor() as cursor:
                cursor.execute("select 1")

    async def request():
        threads.use_threads()
        deadline.begin().start()
        await threads.in_thread(rename)

    with pytest.raises(TookTooLong):
        run(request())
    alice.refresh_from_db()
    assert alice.name != "New"


def test_tasks_of_a_request_share_it_and_are_free_when_it_has_ended(world, run, time, settings):
    async def read():
        return await aiopostgres.fetch("select 1")

    async def request():
        until = deadline.begin()
        until.start()
        time.now += settings.REQUEST_SECONDS + 0.1
        found: Any = await asyncio.gather(read(), return_exceptions=True)
        later = asyncio.create_task(read())
        until.lift()
        return found[0], await later

    found, later = run(request())

    assert isinstance(found, TookTooLong)
    assert later == [(1,)]


def test_a_page_that_is_late_is_refused_and_what_it_serves_is_not_bound(
    alice, api_as, monkeypatch, settings
):
    client = api_as(alice)
    assert client.get("/2/users/me").status_code == 200
    settings.REQUEST_SECONDS = -1

    answer = client.get(f"/2/users/{alice.id}/followers")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "took too long" in answer.json()["detail"]
