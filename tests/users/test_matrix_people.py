"""Who may see and do what with whom: every operation of the API's description × how the other
person stands to the one who asks.

alice asks. bob is open; frank is protected, and she follows him; carol is protected, and she does
not; dave is suspended; erin blocks her; henry is blocked by her. An operation without a row fails.
"""

import json

import pytest

from apps.graph.services import block_user
from apps.graph.services_lists import add_member, create_list
from apps.infra import clock
from apps.tweets.services import post_tweet
from apps.users.services import suspend_user, unsuspend_user
from tests.conformance import world as worlds
from tests.conformance.world import operations
from tests.factories import UserFactory
from tests.http import Client
from tests.users.test_matrix import TOKENS

PEOPLE = ("bob", "frank", "carol", "dave", "erin", "henry")
TWEETS = {"bob": "quote", "frank": "franks", "carol": "carols", "dave": "daves", "erin": "erins",
          "henry": "henrys"}  # fmt: skip
# What comes: the thing (or it is done), nothing and why, an empty list, a refusal.
SHOWN, WHY, EMPTY, REFUSED = "shown", "why", "empty", "refused"
# Operation → how it is aimed at somebody, and what comes for bob, frank, carol, dave, erin, henry.
# `{user}`, `{name}`, `{tweet}`, `{list}` are theirs; `{me}` and `{own}` those of the one who asks.
TABLE: dict[str, tuple[str, tuple[str, ...]]] = {
    "GET /2/users": (
        "/2/users?ids={user}",
        (SHOWN, SHOWN, SHOWN, WHY, SHOWN, SHOWN),
    ),
    "GET /2/users/by": (
        "/2/users/by?usernames={name}",
        (SHOWN, SHOWN, SHOWN, WHY, SHOWN, SHOWN),
    ),
    "GET /2/users/by/username/{username}": (
        "/2/users/by/username/{name}",
        (SHOWN, SHOWN, SHOWN, WHY, SHOWN, SHOWN),
    ),
    "GET /2/users/{id}": (
        "/2/users/{user}",
        (SHOWN, SHOWN, SHOWN, WHY, SHOWN, SHOWN),
    ),
    "GET /2/users/search": (
        "/2/users/search?query={name}",
        (SHOWN, SHOWN, SHOWN, EMPTY, EMPTY, EMPTY),
    ),
    "GET /2/users/{id}/tweets": (
        "/2/users/{user}/tweets",
        (SHOWN, SHOWN, WHY, WHY, EMPTY, EMPTY),
    ),
    "GET /2/users/{id}/mentions": (
        "/2/users/{user}/mentions",
        (SHOWN, EMPTY, WHY, WHY, WHY, WHY),
    ),
    "GET /2/users/{id}/liked_tweets": (
        "/2/users/{user}/liked_tweets",
        (SHOWN, SHOWN, WHY, WHY, WHY, WHY),
    ),
    "GET /2/users/{id}/following": (
        "/2/users/{user}/following",
        (SHOWN, EMPTY, WHY, WHY, WHY, EMPTY),
    ),
    "GET /2/users/{id}/followers": (
        "/2/users/{user}/followers",
        (SHOWN, SHOWN, WHY, WHY, WHY, EMPTY),
    ),
    "GET /2/users/{id}/owned_lists": (
        "/2/users/{user}/owned_lists",
        (SHOWN, SHOWN, WHY, WHY, WHY, WHY),
    ),
    "GET /2/users/{id}/list_memberships": (
        "/2/users/{user}/list_memberships",
        (SHOWN, SHOWN, WHY, WHY, WHY, WHY),
    ),
    "GET /2/users/{id}/followed_lists": (
        "/2/users/{user}/followed_lists",
        (SHOWN, EMPTY, WHY, WHY, WHY, WHY),
    ),
    "GET /2/users/{id}/timelines/reverse_chronological": (
        "/2/users/{me}/timelines/reverse_chronological?tweet.fields=author_id",
        (EMPTY, SHOWN, EMPTY, EMPTY, EMPTY, EMPTY),
    ),
    "GET /2/tweets": (
        "/2/tweets?ids={tweet}",
        (SHOWN, SHOWN, WHY, WHY, WHY, WHY),
    ),
    "GET /2/tweets/{id}": (
        "/2/tweets/{tweet}",
        (SHOWN, SHOWN, WHY, WHY, WHY, WHY),
    ),
    "GET /2/tweets/{id}/edit_history": (
        "/2/tweets/{tweet}/edit_history",
        (SHOWN, SHOWN, WHY, WHY, WHY, WHY),
    ),
    "GET /2/tweets/{id}/liking_users": (
        "/2/tweets/{tweet}/liking_users",
        (EMPTY, EMPTY, WHY, WHY, WHY, WHY),
    ),
    "GET /2/tweets/{id}/retweeted_by": (
        "/2/tweets/{tweet}/retweeted_by",
        (EMPTY, EMPTY, WHY, WHY, WHY, WHY),
    ),
    "GET /2/tweets/{id}/retweets": (
        "/2/tweets/{tweet}/retweets",
        (EMPTY, EMPTY, WHY, WHY, WHY, WHY),
    ),
    "GET /2/tweets/{id}/quote_tweets": (
        "/2/tweets/{tweet}/quote_tweets",
        (EMPTY, EMPTY, WHY, WHY, WHY, WHY),
    ),
    "GET /2/tweets/search/recent": (
        "/2/tweets/search/recent?query=tea&tweet.fields=author_id&max_results=100",
        (SHOWN, SHOWN, EMPTY, EMPTY, EMPTY, EMPTY),
    ),
    "GET /2/tweets/search/all": (
        "/2/tweets/search/all?query=tea&tweet.fields=author_id&max_results=100",
        (SHOWN, SHOWN, EMPTY, EMPTY, EMPTY, EMPTY),
    ),
    "GET /2/lists/{id}": (
        "/2/lists/{list}",
        (SHOWN, SHOWN, WHY, WHY, WHY, WHY),
    ),
    "GET /2/lists/{id}/members": (
        "/2/lists/{list}/members",
        (SHOWN, SHOWN, WHY, WHY, WHY, WHY),
    ),
    "GET /2/lists/{id}/followers": (
        "/2/lists/{list}/followers",
        (EMPTY, EMPTY, WHY, WHY, WHY, WHY),
    ),
    "GET /2/lists/{id}/tweets": (
        "/2/lists/{list}/tweets?tweet.fields=author_id",
        (SHOWN, SHOWN, EMPTY, EMPTY, EMPTY, EMPTY),
    ),
    "POST /2/tweets": (
        '/2/tweets {"text": "x", "reply": {"in_reply_to_tweet_id": "{tweet}"}}',
        (SHOWN, SHOWN, REFUSED, REFUSED, REFUSED, REFUSED),
    ),
    "DELETE /2/tweets/{id}": (
        "/2/tweets/{tweet}",
        (REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED),
    ),
    "PUT /2/tweets/{tweet_id}/hidden": (
        '/2/tweets/{tweet}/hidden {"hidden": true}',
        (REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED),
    ),
    "POST /2/users/{id}/likes": (
        '/2/users/{me}/likes {"tweet_id": "{tweet}"}',
        (SHOWN, SHOWN, REFUSED, REFUSED, REFUSED, REFUSED),
    ),
    "DELETE /2/users/{id}/likes/{tweet_id}": (
        "/2/users/{me}/likes/{tweet}",
        (SHOWN, SHOWN, SHOWN, SHOWN, SHOWN, SHOWN),
    ),
    "POST /2/users/{id}/retweets": (
        '/2/users/{me}/retweets {"tweet_id": "{tweet}"}',
        (SHOWN, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED),
    ),
    "DELETE /2/users/{id}/retweets/{source_tweet_id}": (
        "/2/users/{me}/retweets/{tweet}",
        (SHOWN, SHOWN, SHOWN, SHOWN, SHOWN, SHOWN),
    ),
    "POST /2/users/{id}/bookmarks": (
        '/2/users/{me}/bookmarks {"tweet_id": "{tweet}"}',
        (SHOWN, SHOWN, REFUSED, REFUSED, REFUSED, REFUSED),
    ),
    "DELETE /2/users/{id}/bookmarks/{tweet_id}": (
        "/2/users/{me}/bookmarks/{tweet}",
        (SHOWN, SHOWN, SHOWN, SHOWN, SHOWN, SHOWN),
    ),
    "POST /2/users/{id}/following": (
        '/2/users/{me}/following {"target_user_id": "{user}"}',
        (SHOWN, SHOWN, SHOWN, REFUSED, REFUSED, REFUSED),
    ),
    "DELETE /2/users/{source_user_id}/following/{target_user_id}": (
        "/2/users/{me}/following/{user}",
        (SHOWN, SHOWN, SHOWN, SHOWN, SHOWN, SHOWN),
    ),
    "POST /2/users/{id}/muting": (
        '/2/users/{me}/muting {"target_user_id": "{user}"}',
        (SHOWN, SHOWN, SHOWN, REFUSED, SHOWN, SHOWN),
    ),
    "DELETE /2/users/{source_user_id}/muting/{target_user_id}": (
        "/2/users/{me}/muting/{user}",
        (SHOWN, SHOWN, SHOWN, SHOWN, SHOWN, SHOWN),
    ),
    "POST /2/users/{id}/blocking": (
        '/2/users/{me}/blocking {"target_user_id": "{user}"}',
        (SHOWN, SHOWN, SHOWN, REFUSED, SHOWN, SHOWN),
    ),
    "DELETE /2/users/{source_user_id}/blocking/{target_user_id}": (
        "/2/users/{me}/blocking/{user}",
        (SHOWN, SHOWN, SHOWN, SHOWN, SHOWN, SHOWN),
    ),
    "DELETE /2/lists/{id}": (
        "/2/lists/{list}",
        (REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED),
    ),
    "POST /2/lists/{id}/members": (
        '/2/lists/{own}/members {"user_id": "{user}"}',
        (SHOWN, SHOWN, SHOWN, REFUSED, REFUSED, REFUSED),
    ),
    "DELETE /2/lists/{id}/members/{user_id}": (
        "/2/lists/{own}/members/{user}",
        (SHOWN, SHOWN, SHOWN, SHOWN, SHOWN, SHOWN),
    ),
    "POST /2/users/{id}/followed_lists": (
        '/2/users/{me}/followed_lists {"list_id": "{list}"}',
        (SHOWN, SHOWN, REFUSED, REFUSED, REFUSED, REFUSED),
    ),
    "DELETE /2/users/{id}/followed_lists/{list_id}": (
        "/2/users/{me}/followed_lists/{list}",
        (SHOWN, SHOWN, SHOWN, SHOWN, SHOWN, SHOWN),
    ),
    "POST /2/users/{id}/pinned_lists": (
        '/2/users/{me}/pinned_lists {"list_id": "{list}"}',
        (SHOWN, SHOWN, REFUSED, REFUSED, REFUSED, REFUSED),
    ),
    "DELETE /2/users/{id}/pinned_lists/{list_id}": (
        "/2/users/{me}/pinned_lists/{list}",
        (SHOWN, SHOWN, SHOWN, SHOWN, SHOWN, SHOWN),
    ),
}


# These mix the things of many: what counts is whether somebody's are among them.
MIXED = {
    "GET /2/tweets/search/recent",
    "GET /2/tweets/search/all",
    "GET /2/users/{id}/timelines/reverse_chronological",
    "GET /2/users/search",
    "GET /2/lists/{id}/tweets",
}
# What is the asker's own, or nobody's, and why no other person matters.
NOBODY_ELSE = {
    "GET /2/users/me": "oneself",
    "POST /2/lists": "one's own",
    "PUT /2/lists/{id}": "refused to others: test_matrix",
    "POST /2/scheduled_tweets": "as POST /2/tweets: tests/tweets/test_scheduled.py",
    "GET /2/scheduled_tweets": "one's own",
    "GET /2/scheduled_tweets/{id}": "one's own: tests/tweets/test_scheduled.py",
    "PUT /2/scheduled_tweets/{id}": "one's own: tests/tweets/test_scheduled.py",
    "DELETE /2/scheduled_tweets/{id}": "one's own: tests/tweets/test_scheduled.py",
    "GET /2/users/{id}/bookmarks": "one's own; of tweets as everywhere",
    "GET /2/users/{id}/muting": "one's own",
    "GET /2/users/{id}/blocking": "one's own",
    "GET /2/users/{id}/pinned_lists": "one's own",
    "GET /2/users/reposts_of_me": "one's own tweets",
    "GET /2/tweets/counts/recent": "numbers; tests/search holds them against what is found",
    "GET /2/tweets/counts/all": "numbers; tests/search holds them against what is found",
    "GET /2/tweets/search/stream": "tests/search/test_streams.py",
    "GET /2/tweets/sample/stream": "tests/search/test_streams.py",
    "GET /2/tweets/search/stream/rules": "an application's own",
    "POST /2/tweets/search/stream/rules": "an application's own",
    "GET /2/media": "pictures of tweets that one may see: tests/media",
    "GET /2/media/{media_key}": "pictures of tweets that one may see: tests/media",
    "POST /2/media/upload": "one's own",
    "GET /2/media/upload": "one's own: tests/media",
    "POST /2/media/upload/initialize": "one's own",
    "POST /2/media/upload/{id}/append": "one's own: tests/media",
    "POST /2/media/upload/{id}/finalize": "one's own: tests/media",
    "POST /2/media/metadata": "one's own: tests/media",
    "GET /1.1/media/upload.json": "one's own: tests/media",
    "POST /1.1/media/upload.json": "one's own",
    "POST /1.1/media/metadata/create.json": "one's own: tests/media",
    "GET /2/trends/by/woeid/{woeid}": "words and numbers of open accounts: tests/trends",
    "GET /2/users/personalized_trends": "words and numbers of open accounts: tests/trends",
    "GET /2/spaces": "there are none",
    "GET /2/spaces/{id}": "there are none",
    "GET /2/spaces/by/creator_ids": "there are none",
    "GET /2/spaces/search": "there are none",
}


def outcome(answer, of=None):
    """What came of it; of a list that mixes people, whether it holds somebody's things."""
    if answer.status_code in {403, 404}:
        return REFUSED
    assert answer.status_code < 300, answer.content
    told = answer.json()
    if of is not None:
        return SHOWN if any(of in json.dumps(one) for one in told.get("data", [])) else EMPTY
    if "data" in told:
        return SHOWN
    return WHY if "errors" in told else EMPTY


class Scene:
    """A world with somebody whom alice blocks, and things of everybody."""

    def __init__(self, there, loop):
        self.there = there
        self.client = Client(loop, there.token)

    def ask(self, name, aim, person):
        """What comes of an operation that is aimed at somebody."""
        there, method = self.there, name.split(" ")[0]
        values = {
            "me": str(there.me),
            "user": str(there.people[person].id),
            "tweet": str(there.tweets[TWEETS[person]]),
            "list": str(there.lists[f"of {person}"]),
            "own": str(there.lists["own"]),
            "name": person,
        }
        for key, value in values.items():
            aim = aim.replace(f"{{{key}}}", value)
        path, _, body = aim.partition(" ")
        headers = {"content-type": "application/json"}
        answer = self.client.request(method, path, body=body.encode(), headers=headers)
        return outcome(answer, values["user"] if name in MIXED else None)


@pytest.fixture
def scene(world, loop, drain_outbox):
    there = worlds.make()
    now = clock.now()
    henry = there.people["henry"] = UserFactory(username="henry")
    there.tweets["henrys"] = post_tweet(author_id=henry.id, text="tea of henry", now=now).id
    unsuspend_user(user_id=there.people["dave"].id, now=now)
    for person in PEOPLE:
        owner = there.people[person].id
        made = create_list(owner_id=owner, name=person, now=now)
        there.lists[f"of {person}"] = made.id
        add_member(user_id=owner, list_id=made.id, member_id=owner, now=now)
    suspend_user(user_id=there.people["dave"].id, now=now)
    block_user(blocker_id=there.me, blocked_id=henry.id, now=now)
    drain_outbox()
    return Scene(there, loop)


def test_every_operation_is_in_the_table():
    described = {name for name in operations() if name not in TOKENS}

    assert described - TABLE.keys() - NOBODY_ELSE.keys() == set()
    assert not TABLE.keys() & NOBODY_ELSE.keys()
    assert (TABLE.keys() | NOBODY_ELSE.keys()) <= described


def _late(name):
    """Unfollowing, and then blocking, changes what comes of everything else."""
    return ("blocking" in name, "/following" in name and not name.startswith("GET"))


@pytest.mark.parametrize("are_reads", [True, False], ids=["reads", "writes"])
def test_people_see_and_do_what_they_may(are_reads, scene):
    names = sorted((one for one in TABLE if one.startswith("GET") == are_reads), key=_late)

    came = {
        name: dict(
            zip(PEOPLE, (scene.ask(name, TABLE[name][0], one) for one in PEOPLE), strict=True)
        )
        for name in names
    }

    assert came == {name: dict(zip(PEOPLE, TABLE[name][1], strict=True)) for name in names}
