"""Nothing that was remembered comes back: after a block, a protection, a suspension or a delete the
words of a post are on no page and in no answer, though all of them were warm with it."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.graph.services import block_user, follow_user
from apps.graph.services_lists import add_member, create_list
from apps.infra import clock
from apps.timelines.services.homes import rebuild_home
from apps.tweets.services import delete_tweet, like_tweet, post_tweet, retweet
from apps.tweets.services_bookmarks import add_bookmark
from apps.tweets.services_edits import edit_tweet
from apps.users.services import set_protected, suspend_user
from apps.users.services_apps import create_application
from apps.users.services_tokens import app_only_token
from tests.http import Client

CANARY = "canarywordq7x"


class Aviary:
    """carol's post, everywhere where bob, a stranger, a visitor and an application can read."""

    def __init__(self, alice: Any, bob: Any, carol: Any) -> None:
        now = clock.now()
        follow_user(follower_id=bob.id, followee_id=carol.id, now=now)
        self.tweet = post_tweet(author_id=carol.id, text=f"{CANARY} #canarytag", now=now).id
        answer = post_tweet(
            author_id=alice.id, text="an answer", in_reply_to_id=self.tweet, now=now
        )
        post_tweet(author_id=alice.id, text="look", quote_of_id=self.tweet, now=now)
        for one in (alice, bob):
            like_tweet(user_id=one.id, tweet_id=self.tweet, now=now)
        retweet(user_id=alice.id, tweet_id=self.tweet, now=now)
        add_bookmark(user_id=bob.id, tweet_id=self.tweet, now=now)
        shelf = create_list(owner_id=alice.id, name="birds", now=now)
        add_member(user_id=alice.id, list_id=shelf.id, member_id=carol.id, now=now)
        self.pages = [
            "/carol", "/carol/with_replies", f"/carol/status/{self.tweet}", "/alice/likes",
            f"/alice/status/{answer.id}", "/alice", "/search?q=canarytag", "/hashtag/canarytag",
            "/public", f"/lists/{shelf.id}", "/carol/rss", "/carol/atom", "/alice/rss",
            f"/oembed?url=http://localhost:3000/carol/status/{self.tweet}",
        ]  # fmt: skip
        self.asked = [
            f"/2/tweets/{self.tweet}", f"/2/tweets?ids={self.tweet}", f"/2/users/{carol.id}/tweets",
            f"/2/users/{alice.id}/tweets?expansions=referenced_tweets.id",
            f"/2/tweets/{answer.id}?expansions=referenced_tweets.id",
            f"/2/users/{alice.id}/liked_tweets", "/2/tweets/search/recent?query=canarytag",
            f"/2/tweets/{self.tweet}/quote_tweets?expansions=referenced_tweets.id",
            f"/2/lists/{shelf.id}/tweets",
        ]  # fmt: skip
        self.own = ["/home", "/bookmarks"]
        self.own_asked = [
            f"/2/users/{bob.id}/timelines/reverse_chronological", f"/2/users/{bob.id}/bookmarks",
        ]  # fmt: skip


@pytest.fixture
def aviary(alice, bob, carol, drain_outbox) -> Aviary:
    made = Aviary(alice, bob, carol)
    drain_outbox()
    assert rebuild_home(user_id=bob.id)
    return made


DEEDS: dict[str, Callable[[Any, Any, Any], object]] = {
    "block": lambda there, carol, bob: block_user(
        blocker_id=carol.id, blocked_id=bob.id, now=clock.now()
    ),
    "protect": lambda there, carol, bob: set_protected(
        user_id=carol.id, protected=True, now=clock.now()
    ),
    "suspend": lambda there, carol, bob: suspend_user(user_id=carol.id, now=clock.now()),
    "edit": lambda there, carol, bob: edit_tweet(
        user_id=carol.id, tweet_id=there.tweet, text="another #canarytag", now=clock.now()
    ),
    "delete": lambda there, carol, bob: delete_tweet(
        user_id=carol.id, tweet_id=there.tweet, now=clock.now()
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_was_warm_is_gone_at_once(deed, aviary, browser, browser_as, api_as, loop, alice, bob,
                                       carol):  # fmt: skip
    keys = create_application(owner_id=alice.id, name="Reader", now=clock.now())
    reader, client = browser_as(bob), api_as(bob)
    own = Client(loop, app_only_token(application_id=keys.application_id, now=clock.now()))

    def seen() -> dict[str, set[str]]:
        """On which of the pages the words are, for whom; what was asked for is not what is told."""
        found: dict[str, set[str]] = {"bob": set(), "visitor": set(), "application": set()}
        for path in aviary.pages + aviary.own:
            found["bob"] |= {path} if is_on(reader.get(path).text) else set()
        for path in aviary.pages:
            found["visitor"] |= {path} if is_on(browser.get(path).text) else set()
        for path in aviary.asked + aviary.own_asked:
            found["bob"] |= {path} if is_on(client.get(path).content.decode()) else set()
        for path in aviary.asked:
            found["application"] |= {path} if is_on(own.get(path).content.decode()) else set()
        return found

    def is_on(text: str) -> bool:
        return f"{CANARY} " in text or f"{CANARY}</" in text

    warm = seen()
    assert len(warm["bob"]) > 20, warm["bob"]
    assert len(warm["visitor"]) > 8, warm["visitor"]

    DEEDS[deed](aviary, carol, bob)

    cold = seen()
    # Feeds and quotations are the same for everybody, so a block closes none.
    for_all = {one for one in cold["bob"] if one.endswith(("/rss", "/atom")) or "oembed" in one}
    if deed != "protect":
        assert cold["bob"] - (for_all if deed == "block" else set()) == set()
    if deed != "block":
        assert cold["visitor"] == cold["application"] == set()
