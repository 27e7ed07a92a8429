"""Libraries that meet a limit: they wait until the moment that they are told, or say it."""

import time
from typing import Any

import pytest

from tests.clients.tweepies import Credentials, hand, tweepy
from tests.flows.limits import as_written, narrow  # noqa: F401 - fixtures

TOO_MANY = 429


@pytest.fixture
def mine(pointed: Any, app: Any, bob: Any) -> Credentials:
    """Bob's."""
    return Credentials.of(app, bob)


def refusals(live: Any) -> int:
    """How many requests were refused until now."""
    return sum(one.status == TOO_MANY for one in live.exchanges())


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_tweepy_sleeps_until_it_may_go_on(pointed, mine, alice, narrow, kind):  # noqa: F811
    narrow("users", 2, 4)

    def script() -> None:
        with hand(kind, mine, wait_on_rate_limit=True) as client:
            for _ in range(4):
                assert client.get_user(id=alice.id).data.username == "alice"

    pointed.run(script)
    assert refusals(pointed) >= 1


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_or_says_when(pointed, mine, alice, narrow, kind):  # noqa: F811
    narrow("users", 2, 900)

    def script() -> None:
        with hand(kind, mine) as client:
            for _ in range(2):
                client.get_user(id=alice.id)
            with pytest.raises(tweepy.TooManyRequests, match="Too Many Requests") as told:
                client.get_user(id=alice.id)
            assert time.time() < told.value.reset_time < time.time() + 902
            assert int(told.value.response.headers["retry-after"]) > 0

    pointed.run(script)


def test_twarc_sleeps_until_it_may_go_on(live, app, alice, bob, narrow, monkeypatch):  # noqa: F811
    twarc: Any = pytest.importorskip("twarc", reason="twarc is not installed")
    from twarc import decorators2

    from tests.clients.hosts import redirected

    mine, slept = Credentials.of(app, bob), []

    class Clock:
        """It never sleeps less than ten seconds: noted, and cut short."""

        time = staticmethod(time.time)

        @staticmethod
        def sleep(seconds: float) -> None:
            slept.append(seconds)
            time.sleep(min(seconds - 9, 3))

    monkeypatch.setattr(decorators2, "time", Clock)
    narrow("users.app", 2, 4)

    def script() -> None:
        with redirected({"https://api.twitter.com": live.url}):
            client = twarc.Twarc2(bearer_token=mine.app_bearer, metadata=False)
            for _ in range(4):
                (page,) = client.user_lookup([alice.id])
                assert page["data"][0]["username"] == "alice"
            client.client.close()

    live.run(script)
    assert refusals(live) == len(slept) >= 1
    assert all(10 <= seconds < 20 for seconds in slept)
