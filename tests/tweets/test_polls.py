"""Polls: made with a post, voted in once, counted exactly."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.infra.errors import DomainError, NotFound
from apps.tweets import services
from apps.tweets.models import Poll, Vote
from apps.tweets.services_polls import BadPoll, PollOver, VotedAlready, checked_poll, vote
from apps.users.services import set_protected
from tests.factories import UserFactory

FULL = (
    "?expansions=attachments.poll_ids"
    "&poll.fields=duration_minutes,end_datetime,options,voting_status"
)
ASKED = {"options": ["tea", "coffee"], "duration_minutes": 5}


def ask(author: Any, *options: str, minutes: int = 5, **how: Any) -> Any:
    poll = checked_poll(options or ("tea", "coffee"), minutes)
    return services.post_tweet(author_id=author.id, text="?", poll=poll, now=clock.now(), **how)


def choose(user: Any, tweet: Any, position: int) -> None:
    vote(user_id=user.id, tweet_id=tweet.id, position=position, now=clock.now())


def poll_of(client: Any, tweet: Any, query: str = FULL) -> Any:
    (one,) = client.get(f"/2/tweets/{tweet.id}{query}").json()["includes"]["polls"]
    return one


def counted(client: Any, tweet: Any) -> list[int]:
    return [one["votes"] for one in poll_of(client, tweet)["options"]]


def test_a_poll_is_posted_and_comes_along(api_as, alice, bob):
    made = api_as(alice).post("/2/tweets", {"text": "What?", "poll": ASKED})
    assert made.status_code == 201, made.content
    found = api_as(bob).get(f"/2/tweets/{made.json()['data']['id']}{FULL}").json()

    (poll,) = found["includes"]["polls"]
    assert found["data"]["attachments"] == {"poll_ids": [poll["id"]]}
    assert poll["options"] == [
        {"position": 1, "label": "tea", "votes": 0},
        {"position": 2, "label": "coffee", "votes": 0},
    ]
    assert (poll["voting_status"], poll["duration_minutes"]) == ("open", 5)
    assert poll["end_datetime"].endswith("Z")
    plain = api_as(bob).get(f"/2/tweets/{found['data']['id']}?expansions=attachments.poll_ids")
    assert set(plain.json()["includes"]["polls"][0]) == {"id", "options"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"options": ["one"]}, {"options": list("abcde")}, {"options": ["a", "a"]},
        {"options": ["a", " "]}, {"options": ["a", "x" * 26]}, {"options": ["a", 1]},
        {"options": ["a", "\x00"]}, {"options": "ab"}, {"options": ["a", ""]},
        {"duration_minutes": 4}, {"duration_minutes": 10_081}, {"duration_minutes": "5"},
        {"duration_minutes": True}, {"duration_minutes": 5.5}, {"duration_minutes": None},
        {"more": 1}, {"reply_settings": "nobody"},
    ],
)  # fmt: skip
def test_no_other_poll_can_be(api_as, alice, wrong):
    answer = api_as(alice).post("/2/tweets", {"text": "What?", "poll": ASKED | wrong})

    assert answer.status_code == 400, answer.content
    assert answer.headers["content-type"] == "application/problem+json"
    assert not Poll.objects.exists()


def test_a_poll_stands_alone_and_asks_something(api_as, alice):
    tweet = services.post_tweet(author_id=alice.id, text="x", now=clock.now())
    client = api_as(alice)

    for more in ({"quote_tweet_id": str(tweet.id)}, {"media": {"media_ids": ["1"]}}, {"text": ""}):
        answer = client.post("/2/tweets", {"text": "What?", "poll": ASKED, **more})
        assert answer.status_code == 400, answer.content
    with_settings = {"text": "What?", "poll": ASKED | {"reply_settings": "following"}}
    made = client.post("/2/tweets", with_settings).json()["data"]["id"]
    found = client.get(f"/2/tweets/{made}?tweet.fields=reply_settings").json()
    assert found["data"]["reply_settings"] == "following"


def test_a_vote_counts_once_and_for_good(api_as, alice, bob, carol):
    tweet, client = ask(alice), api_as(alice)
    assert counted(client, tweet) == [0, 0]

    for _ in range(2):
        choose(bob, tweet, 2)
        assert counted(client, tweet) == [0, 1]
    with pytest.raises(VotedAlready):
        choose(bob, tweet, 1)
    retweet = services.retweet(user_id=bob.id, tweet_id=tweet.id, now=clock.now())
    choose(carol, retweet, 1)
    assert counted(client, tweet) == [1, 1]
    for wrong in (0, 3, -1):
        with pytest.raises(BadPoll):
            choose(alice, tweet, wrong)


def test_votes_that_come_at_once_are_all_counted_and_nobody_counts_twice(alice):
    tweet = ask(alice, "a", "b", "c")
    people = [UserFactory() for _ in range(12)]

    def go(turn: tuple[Any, int]) -> bool:
        try:
            choose(turn[0], tweet, turn[1])
        except DomainError:
            return False
        finally:
            connection.close()
        return True

    # Everybody votes for two options at the same time.
    turns = [(one, 1 + (number + more) % 3) for number, one in enumerate(people) for more in (0, 1)]
    with ThreadPoolExecutor(6) as threads:
        went = list(threads.map(go, turns))

    poll = Poll.objects.get()
    assert went.count(True) == sum(poll.votes) == len(people) == Vote.objects.count()
    chosen = list(Vote.objects.values_list("position", flat=True))
    assert poll.votes == [chosen.count(place) for place in (1, 2, 3)]


def test_after_the_end_nobody_votes(api_as, alice, bob):
    tweet = ask(alice)
    choose(bob, tweet, 1)
    with clock.frozen(clock.now() + timedelta(minutes=5)):
        assert poll_of(api_as(alice), tweet)["voting_status"] == "closed"
        with pytest.raises(PollOver):
            choose(alice, tweet, 1)


def test_only_who_may_see_the_tweet_votes(alice, bob, carol):
    tweet, plain = ask(alice), services.post_tweet(author_id=alice.id, text="x", now=clock.now())
    with pytest.raises(NotFound):
        choose(bob, plain, 1)
    with pytest.raises(NotFound):
        vote(user_id=bob.id, tweet_id=1 << 70, position=1, now=clock.now())
    block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())
    with pytest.raises(DomainError):
        choose(bob, tweet, 1)
    follow_user(follower_id=carol.id, followee_id=alice.id, now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    with pytest.raises(NotFound):
        choose(UserFactory(), tweet, 1)
    choose(carol, tweet, 1)
    services.delete_tweet(user_id=alice.id, tweet_id=tweet.id, now=clock.now())
    with pytest.raises(NotFound):
        choose(alice, tweet, 1)
    assert Poll.objects.get().votes == [1, 0]


def test_a_poll_that_is_gone_is_not_told_of(api_as, alice, bob):
    tweet = ask(alice)
    quote = services.post_tweet(author_id=bob.id, text="so", quote_of_id=tweet.id, now=clock.now())
    query = "?expansions=referenced_tweets.id,attachments.poll_ids"
    assert "polls" in api_as(bob).get(f"/2/tweets/{quote.id}{query}").json()["includes"]

    services.delete_tweet(user_id=alice.id, tweet_id=tweet.id, now=clock.now())

    assert "includes" not in api_as(bob).get(f"/2/tweets/{quote.id}{query}").json()
