"""The index by a real relay and a real worker, which is killed."""

import pytest

from apps.infra import clock
from apps.tweets.services import post_tweet
from tests.spine import wait_for

pytestmark = pytest.mark.slow


def say(author, text):
    return post_tweet(author_id=author.id, text=text, now=clock.now()).id


def searched(client, query):
    answer = client.get(f"/2/tweets/search/recent?max_results=100&query={query}")
    return [int(one["id"]) for one in answer.json().get("data", [])]


def test_a_post_is_found_soon_and_a_dead_worker_loses_nothing(spine, api_as, alice, bob):
    client = api_as(bob)
    first = say(alice, "wave")
    wait_for(lambda: searched(client, "wave") == [first], why=spine.report)

    (worker,) = (one for one in spine.workers if one.name == "worker-fanout_bulk")
    worker.kill()
    posts = [say(alice, f"wave {number}") for number in range(30)]
    # Home timelines go on without it.
    wait_for(lambda: client.get("/2/users/me").status_code == 200)
    worker.start()
    spine.wait_until_drained()

    assert searched(client, "wave") == [*posts[::-1], first]
