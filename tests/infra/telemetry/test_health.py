"""Is it alive, is it ready, and which engine is not."""

import json

import pytest
from django.db import connection


@pytest.fixture
def leading(world):
    """A relay holds the lease for a minute."""
    with connection.cursor() as cursor:
        cursor.execute(
            "update relay_lease set owner = 'test', token = token + 1,"
            " expires = clock_timestamp() + interval '1 minute' where name = 'main'"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("update relay_lease set owner = '', expires = '-infinity'")


def test_a_process_that_lives_says_so(api):
    answer = api.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_names_every_engine_and_its_time(api, leading):
    answer = api.get("/readyz")

    assert answer.status_code == 200
    checks = answer.json()["checks"]
    assert set(checks) == {
        "postgres", "relay", "redis_cache", "redis_state_0", "redis_state_1",
    }  # fmt: skip
    assert all(check["ok"] and check["ms"] > 0 for check in checks.values())


def test_without_a_relay_it_is_not_ready(api):
    with connection.cursor() as cursor:
        # One that a test has killed may have left it.
        cursor.execute("update relay_lease set expires = '-infinity'")

    answer = api.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["failing"] == ["relay"]


@pytest.mark.faults
@pytest.mark.parametrize("which", ["state", "cache", "postgres"])
def test_an_engine_that_is_down_is_named(api, leading, breakable_engines, which):
    broken = {
        "state": (breakable_engines.states[1], ["redis_state_1"]),
        "cache": (breakable_engines.cache, ["redis_cache"]),
        "postgres": (breakable_engines.postgres, ["postgres", "relay"]),
    }
    engine, names = broken[which]
    engine.kill()
    try:
        answer = api.get("/readyz")
    finally:
        connection.close()
        breakable_engines.heal()

    assert answer.status_code == 503
    assert answer.json()["failing"] == names
    assert api.get("/readyz").json()["failing"] == []


@pytest.mark.faults
def test_an_engine_that_hangs_is_named_in_time(api, leading, breakable_engines):
    breakable_engines.states[0].pause()
    try:
        answer = api.get("/readyz")
    finally:
        breakable_engines.heal()

    assert answer.json()["failing"] == ["redis_state_0"]
    assert "password" not in json.dumps(answer.json())
