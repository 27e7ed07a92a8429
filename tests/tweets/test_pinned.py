"""The tweet on top of a profile, as the API tells of it."""

import pytest

from apps.infra import clock
from apps.infra.errors import Forbidden, NotFound
from apps.tweets import services, services_pinned


def post(author, text="hello", **how):
    return services.post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def pin(user, tweet):
    services_pinned.pin_tweet(user_id=user.id, tweet_id=tweet.id, now=clock.now())


def pinned(client, user):
    answer = client.get(f"/2/users/{user.id}?user.fields=pinned_tweet_id")
    return answer.json()["data"].get("pinned_tweet_id")


def test_a_pinned_tweet_is_told_at_once_and_replaced(api_as, alice, bob):
    first, second, client = post(alice), post(alice), api_as(bob)
    assert pinned(client, alice) is None

    pin(alice, first)
    assert pinned(client, alice) == str(first.id)
    pin(alice, second)
    assert pinned(client, alice) == str(second.id)
    assert "pinned_tweet_id" not in client.get(f"/2/users/{alice.id}").json()["data"]
    services_pinned.unpin_tweet(user_id=alice.id, now=clock.now())
    assert pinned(client, alice) is None


def test_a_deleted_tweet_is_pinned_no_longer(api_as, alice, bob):
    first, second = post(alice), post(alice)
    pin(alice, first)

    services.delete_tweet(user_id=alice.id, tweet_id=second.id, now=clock.now())
    assert pinned(api_as(bob), alice) == str(first.id)
    services.delete_tweet(user_id=alice.id, tweet_id=first.id, now=clock.now())
    assert pinned(api_as(bob), alice) is None


def test_only_own_words_can_be_pinned(alice, bob):
    tweet = post(alice)
    again = services.retweet(user_id=bob.id, tweet_id=tweet.id, now=clock.now())

    with pytest.raises(Forbidden):
        pin(bob, tweet)
    with pytest.raises(services_pinned.NotOwnWords):
        pin(bob, again)
    services.delete_tweet(user_id=alice.id, tweet_id=tweet.id, now=clock.now())
    with pytest.raises(NotFound):
        pin(alice, tweet)
