"""What one may not see, no way of searching shows, from the very next request on.

A table: every way to search by every deed that takes a post or a person out of somebody's sight.
The index, the caches and the statistics are warm and know of nothing: no event is delivered after
the deed.
"""

from collections.abc import Callable
from typing import Any

import pytest

from apps.graph.services import accept_request, block_user, follow_user, unfollow_user
from apps.infra import clock
from apps.media.services.uploads import upload_once
from apps.search import completing
from apps.tweets.services import delete_tweet, hide_tweet, post_tweet, retweet
from apps.users.services import set_protected, suspend_user
from apps.users.services_apps import create_application
from apps.users.services_tokens import app_only_token
from tests.factories import UserFactory
from tests.http import Client
from tests.media.conftest import files, picture  # noqa: F401 - a fixture
from tests.search.test_streams import add, live  # noqa: F401 - a fixture

# The post says all of it; a page repeats what was asked for, so the canary is never asked for.
CANARY = "canaryq7x"
TEXT = f"a heron in the reeds #herontag @heronella {CANARY}"
QUERIES = ("heron", "%23herontag", "%22the+reeds%22", "from%3Aheronella", "%40heronella", "her")

# Ways that show posts: what everybody may ask, and what only somebody logged in may.
PAGES = [
    *(f"/search?q=heron{shelf}" for shelf in ("", "&f=live", "&f=media", "&f=user")),
    *(f"/search?q={query}&f=live" for query in QUERIES),
    "/search?q=heron+is%3Aretweet&f=live", "/search?q=reeds+-nothing", "/hashtag/herontag",
]  # fmt: skip
ASKED = [
    *(
        f"/2/tweets/search/{reach}?query={query}&sort_order={order}&expansions=author_id,"
        "referenced_tweets.id,attachments.media_keys,referenced_tweets.id.author_id"
        for reach in ("recent", "all")
        for order in ("recency", "relevancy")
        for query in QUERIES[:4]
    ),
]
COUNTS = [
    f"/2/tweets/counts/{reach}?query={query}"
    for reach in ("recent", "all")
    for query in (*QUERIES[:4], "heron+has%3Aimages")
]
# Ways that show people. They ask for the beginning of a name.
PEOPLE_PAGES = ["/search?q=heronel", "/search?q=heronel&f=user", "/search?q=%40Herone&f=user"]
PEOPLE_ASKED = ["/2/users/search?query=heronel", "/2/users/search?query=Ardea"]


class Pond:
    """What stands there before the deed: alice's post, which carol passes on and quotes."""

    def __init__(self, alice: Any, carol: Any) -> None:
        now = clock.now()
        self.author = alice
        media = upload_once(owner_id=alice.id, data=picture(), now=now)
        self.tweet = post_tweet(author_id=alice.id, text=TEXT, media_ids=[media.id], now=now).id
        retweet(user_id=carol.id, tweet_id=self.tweet, now=now)
        post_tweet(author_id=carol.id, text="heron: look", quote_of_id=self.tweet, now=now)


@pytest.fixture
def pond(world, drain_outbox) -> Pond:
    author = UserFactory.create(username="heronella", name="Ardea")
    made = Pond(author, UserFactory.create(username="passer"))
    drain_outbox()
    completing.known_tags.forget()
    return made


def _unfollow_closed(there: Pond, bob: Any) -> None:
    unfollow_user(follower_id=bob.id, followee_id=there.author.id, now=clock.now())


def _follow_closed(there: Pond, bob: Any) -> None:
    set_protected(user_id=there.author.id, protected=True, now=clock.now())
    follow_user(follower_id=bob.id, followee_id=there.author.id, now=clock.now())
    accept_request(user_id=there.author.id, follower_id=bob.id, now=clock.now())


Deed = Callable[[Pond, Any], object]
# By name: what is done, whether it holds for visitors, too, and whether the person is out of sight.
DEEDS: dict[str, tuple[Deed, bool, bool]] = {
    "blocked by the author": (
        lambda there, bob: block_user(
            blocker_id=there.author.id, blocked_id=bob.id, now=clock.now()
        ), False, True,
    ),
    "blocks the author": (
        lambda there, bob: block_user(
            blocker_id=bob.id, blocked_id=there.author.id, now=clock.now()
        ), False, True,
    ),
    "protected": (
        lambda there, _bob: set_protected(
            user_id=there.author.id, protected=True, now=clock.now()
        ), True, False,
    ),
    "no follower any more": (_unfollow_closed, True, False),
    "deleted": (
        lambda there, _bob: delete_tweet(
            user_id=there.author.id, tweet_id=there.tweet, now=clock.now()
        ), True, False,
    ),
    "hidden by operators": (
        lambda there, _bob: hide_tweet(tweet_id=there.tweet, now=clock.now()), True, False,
    ),
    "suspended": (
        lambda there, _bob: suspend_user(user_id=there.author.id, now=clock.now()), True, True,
    ),
}  # fmt: skip
# What has to be before.
BEFORE: dict[str, Deed] = {"no follower any more": _follow_closed}


class Searcher:
    """Somebody who searches in every way that he has."""

    def __init__(self, pages: Any, client: Any, *, is_member: bool) -> None:
        self._pages, self._client, self._is_member = pages, client, is_member

    def posts(self) -> set[str]:
        """Ways on which he meets the words of the post."""
        seen = {path for path in PAGES if CANARY in self._pages.get(path).text}
        if self._client is not None:
            seen |= {path for path in ASKED if CANARY in self._client.get(path).content.decode()}
            seen |= {path for path in COUNTS if self._counted(path)}
        if self._is_member and "herontag" in self._pages.get("/compose/complete?q=%23her").text:
            seen.add("completion of tags")
        return seen

    def _counted(self, path: str) -> bool:
        # carol's own words fit some of the queries.
        theirs = 1 if path.endswith("query=heron") else 0
        body = self._client.get(path).json()
        return bool(body["meta"]["total_tweet_count"] > theirs)

    def people(self) -> set[str]:
        """Ways on which he meets the person."""
        ways = [*PEOPLE_PAGES, *(["/compose/complete?q=%40heronel"] if self._is_member else [])]
        seen = {path for path in ways if "@heronella" in self._pages.get(path).text}
        if self._is_member:
            told = {path: self._client.get(path).content.decode() for path in PEOPLE_ASKED}
            seen |= {path for path, text in told.items() if "heronella" in text}
        return seen


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("deed", DEEDS)
def test_no_way_of_searching_shows_it(deed, pond, browser, browser_as, api_as, loop, bob, carol):
    keys = create_application(owner_id=carol.id, name="Reader", now=clock.now())
    own = Client(loop, app_only_token(application_id=keys.application_id, now=clock.now()))
    do, is_for_all, hides_person = DEEDS[deed]
    if deed in BEFORE:
        BEFORE[deed](pond, bob)
    member = Searcher(browser_as(bob), api_as(bob), is_member=True)
    visitor = Searcher(browser, own, is_member=False)
    everywhere = {*PAGES, *ASKED, *COUNTS} - {PAGES[3], "/search?q=her&f=live"}
    # The tags are those of posts that are open to everybody.
    assert member.posts() | {"completion of tags"} == everywhere | {"completion of tags"}
    assert len(member.people()) == len(PEOPLE_PAGES) + len(PEOPLE_ASKED) + 1
    if deed not in BEFORE:
        assert "completion of tags" in member.posts()
        assert visitor.posts() == everywhere
        assert len(visitor.people()) == len(PEOPLE_PAGES)

    do(pond, bob)

    assert member.posts() == set()
    assert not hides_person or member.people() == set()
    if is_for_all:
        assert visitor.posts() == set()
        assert not hides_person or visitor.people() == set()


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("deed", [deed for deed, (_, is_for_all, _) in DEEDS.items() if is_for_all])
def test_no_stream_sends_it_though_it_was_posted_before(
    deed,
    live,  # noqa: F811 - a fixture
    api_as,
    world,
    drain_outbox,
    bob,
):
    author = UserFactory.create(username="heronella")
    client = api_as(bob)
    add(client, ("heron", "words"), ("from:heronella", "person"), ("is:retweet heron", "copies"))
    stream = live(client)
    there = Pond(author, UserFactory.create(username="passer"))
    if deed in BEFORE:
        BEFORE[deed](there, bob)

    DEEDS[deed][0](there, bob)
    shown = post_tweet(author_id=bob.id, text="heron at last", now=clock.now()).id
    drain_outbox()

    stream.until(lambda: shown in stream.ids)
    assert CANARY not in stream.content.decode()
