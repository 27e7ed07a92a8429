"""The one table of limits: which operation belongs to which group, and how often a group may be
asked for by one person, by one application without a person, or from one address.

The windows are X's, its figures where they leave people room. A limit is a bucket: it holds as
many requests as stand here, and refills evenly over the window. `RATE_LIMIT_FACTOR` multiplies all
of them. An operation that the table lacks is one of the last two groups.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

MINUTES_15 = 900
HOURS_3 = 10_800
DAY = 86_400
# Requests to these addresses are counted, and all their answers say what is left.
COUNTED = ("/2/", "/1.1/", "/oauth2/", "/oauth/request_token", "/oauth/access_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Operations that share a bucket.

    `person` and `application` are requests per window, 0 where such a caller is never let in;
    `what` completes "… requests for".
    """

    name: str
    what: str
    person: int
    application: int = 0
    window_seconds: int = MINUTES_15
    operations: tuple[str, ...] = ()


TABLE: tuple[Group, ...] = (
    Group(
        name="home",
        what="home timelines",
        person=900,
        operations=("GET /2/users/{id}/timelines/reverse_chronological",),
    ),
    Group(
        name="timelines",
        what="timelines of accounts",
        person=900,
        application=10_000,
        operations=(
            "GET /2/users/{id}/tweets",
            "GET /2/users/{id}/mentions",
            "GET /2/users/{id}/liked_tweets",
            "GET /2/users/reposts_of_me",
        ),
    ),
    Group(
        name="posts",
        what="posts",
        person=900,
        application=3_500,
        operations=("GET /2/tweets", "GET /2/tweets/{id}"),
    ),
    Group(
        name="about_posts",
        what="quotes, reposts, likes and versions of posts",
        person=900,
        application=900,
        operations=(
            "GET /2/tweets/{id}/edit_history",
            "GET /2/tweets/{id}/quote_tweets",
            "GET /2/tweets/{id}/retweeted_by",
            "GET /2/tweets/{id}/retweets",
            "GET /2/tweets/{id}/liking_users",
        ),
    ),
    Group(
        name="search",
        what="searches",
        person=450,
        application=450,
        operations=(
            "GET /2/tweets/search/recent",
            "GET /2/tweets/search/all",
            "GET /2/users/search",
            "GET /2/trends/by/woeid/{woeid}",
            "GET /2/users/personalized_trends",
        ),
    ),
    Group(
        name="counts",
        what="counts of posts",
        person=300,
        application=300,
        operations=("GET /2/tweets/counts/recent", "GET /2/tweets/counts/all"),
    ),
    Group(
        name="streams",
        what="connections to streams",
        person=50,
        application=50,
        operations=("GET /2/tweets/search/stream", "GET /2/tweets/sample/stream"),
    ),
    Group(
        name="stream_rules",
        what="rules of streams",
        person=450,
        application=450,
        operations=(
            "GET /2/tweets/search/stream/rules",
            "GET /2/tweets/search/stream/rules/counts",
            "POST /2/tweets/search/stream/rules",
        ),
    ),
    Group(
        name="users",
        what="accounts",
        person=900,
        application=900,
        operations=(
            "GET /2/users",
            "GET /2/users/by",
            "GET /2/users/by/username/{username}",
            "GET /2/users/{id}",
            "GET /2/users/me",
        ),
    ),
    Group(
        name="follows",
        what="lists of followers, followed, muted and blocked accounts",
        person=900,
        application=900,
        operations=(
            "GET /2/users/{id}/followers",
            "GET /2/users/{id}/following",
            "GET /2/users/{id}/muting",
            "GET /2/users/{id}/blocking",
        ),
    ),
    Group(
        name="bookmarks",
        what="bookmarks and scheduled posts",
        person=900,
        operations=(
            "GET /2/scheduled_tweets",
            "GET /2/scheduled_tweets/{id}",
            "GET /2/users/{id}/bookmarks",
            "GET /2/users/{id}/bookmarks/folders",
            "GET /2/users/{id}/bookmarks/folders/{folder_id}",
        ),
    ),
    Group(
        name="lists",
        what="lists",
        person=900,
        application=900,
        operations=(
            "GET /2/lists/{id}",
            "GET /2/lists/{id}/followers",
            "GET /2/lists/{id}/members",
            "GET /2/lists/{id}/tweets",
            "GET /2/users/{id}/list_memberships",
            "GET /2/users/{id}/owned_lists",
            "GET /2/users/{id}/followed_lists",
            "GET /2/users/{id}/pinned_lists",
        ),
    ),
    Group(
        name="media",
        what="pictures",
        person=900,
        application=900,
        operations=("GET /2/media", "GET /2/media/{media_key}"),
    ),
    Group(
        name="spaces",
        what="spaces",
        person=300,
        application=300,
        operations=(
            "GET /2/spaces",
            "GET /2/spaces/{id}",
            "GET /2/spaces/by/creator_ids",
            "GET /2/spaces/search",
        ),
    ),
    Group(
        name="messages",
        what="direct messages",
        person=450,
        operations=(
            "GET /2/dm_events",
            "GET /2/dm_events/{event_id}",
            "GET /2/dm_conversations/{id}/dm_events",
            "GET /2/dm_conversations/with/{participant_id}/dm_events",
        ),
    ),
    Group(
        name="post",
        what="new posts",
        person=300,
        window_seconds=HOURS_3,
        operations=("POST /2/tweets", "POST /2/scheduled_tweets", "PUT /2/scheduled_tweets/{id}"),
    ),
    Group(
        name="repost",
        what="reposts, and taking them back",
        person=300,
        window_seconds=HOURS_3,
        operations=(
            "POST /2/users/{id}/retweets",
            "DELETE /2/users/{id}/retweets/{source_tweet_id}",
        ),
    ),
    Group(
        name="delete",
        what="deleting posts",
        person=300,
        window_seconds=HOURS_3,
        operations=("DELETE /2/tweets/{id}", "DELETE /2/scheduled_tweets/{id}"),
    ),
    Group(
        name="like",
        what="likes and bookmarks, and taking them back",
        person=1_000,
        window_seconds=DAY,
        operations=(
            "POST /2/users/{id}/likes",
            "DELETE /2/users/{id}/likes/{tweet_id}",
            "POST /2/users/{id}/bookmarks",
            "DELETE /2/users/{id}/bookmarks/{tweet_id}",
        ),
    ),
    Group(
        name="follow",
        what="following and unfollowing",
        person=400,
        window_seconds=DAY,
        operations=(
            "POST /2/users/{id}/following",
            "DELETE /2/users/{source_user_id}/following/{target_user_id}",
        ),
    ),
    # What protects people is never scarce.
    Group(
        name="protect",
        what="muting, blocking and hiding",
        person=300,
        operations=(
            "POST /2/users/{id}/muting",
            "DELETE /2/users/{source_user_id}/muting/{target_user_id}",
            "POST /2/users/{id}/blocking",
            "DELETE /2/users/{source_user_id}/blocking/{target_user_id}",
            "PUT /2/tweets/{tweet_id}/hidden",
        ),
    ),
    Group(
        name="change_lists",
        what="changing lists",
        person=300,
        operations=(
            "POST /2/lists",
            "PUT /2/lists/{id}",
            "DELETE /2/lists/{id}",
            "POST /2/lists/{id}/members",
            "DELETE /2/lists/{id}/members/{user_id}",
            "POST /2/users/{id}/followed_lists",
            "DELETE /2/users/{id}/followed_lists/{list_id}",
            "POST /2/users/{id}/pinned_lists",
            "DELETE /2/users/{id}/pinned_lists/{list_id}",
        ),
    ),
    Group(
        name="upload",
        what="steps of uploads",
        person=1_875,
        operations=(
            "GET /2/media/upload",
            "POST /2/media/upload",
            "POST /2/media/upload/initialize",
            "POST /2/media/upload/{id}/append",
            "POST /2/media/upload/{id}/finalize",
            "POST /2/media/metadata",
            "GET /1.1/media/upload.json",
            "POST /1.1/media/upload.json",
            "POST /1.1/media/metadata/create.json",
        ),
    ),
    Group(
        name="message",
        what="sending direct messages",
        person=1_440,
        window_seconds=DAY,
        operations=(
            "DELETE /2/dm_events/{event_id}",
            "POST /2/dm_conversations",
            "POST /2/dm_conversations/with/{participant_id}/messages",
            "POST /2/dm_conversations/{dm_conversation_id}/messages",
        ),
    ),
    Group(name="other_reads", what="other reads", person=900, application=900),
    Group(name="other_writes", what="other changes", person=300, application=300),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of bucket. Each caller has one of its own.

    A strict rule guards secrets: while the state Redis is down, few requests pass instead of many.
    """

    name: str
    what: str
    limit: int
    window_seconds: int = MINUTES_15
    is_strict: bool = False

    @property
    def window(self) -> str:
        """In words: `15 minutes`."""
        return {MINUTES_15: "15 minutes", HOURS_3: "3 hours", DAY: "24 hours"}.get(
            self.window_seconds, f"{self.window_seconds // 60} minutes"
        )


# Requests with no token, or with one that opens nothing, by address.
STRANGERS = Rule(name="strangers", what="requests without a valid token", limit=300)
# Log-in: by address; by account and address; and by account, from browsers in which nobody has
# logged in to it before. So a guesser is slowed, and whoever owns the account keeps a way in.
# Whoever gets in gives back what it cost.
LOGIN_ADDRESS = Rule(name="login.address", what="log-ins", limit=60, is_strict=True)
LOGIN_HERE = Rule(name="login.here", what="log-ins", limit=10, is_strict=True)
# Not strict, or five guesses would shut the account to its owner while the state Redis is down.
LOGIN_ACCOUNT = Rule(name="login.account", what="log-ins", limit=100)
SIGNUP = Rule(name="signup", what="new accounts", limit=20, window_seconds=HOURS_3, is_strict=True)
# Letters: by the address that asks, and by whom they are for. Who asks is not told of the latter.
LETTERS_ADDRESS = Rule(name="letters.address", what="letters", limit=10, is_strict=True)
LETTERS_TO = Rule(name="letters.to", what="letters", limit=3, window_seconds=3600, is_strict=True)
# New applications and keys, by person.
APPLICATIONS = Rule(
    name="applications", what="new applications and keys", limit=50, window_seconds=DAY,
    is_strict=True,
)  # fmt: skip
# Of the token endpoints: what failed, by address; what succeeded, by application.
TOKEN_ADDRESS = Rule(name="token.address", what="refused token requests", limit=300, is_strict=True)
TOKEN_APPLICATION = Rule(name="token.app", what="tokens", limit=15_000)
GUARDS = (
    STRANGERS,
    LOGIN_ADDRESS,
    LOGIN_HERE,
    LOGIN_ACCOUNT,
    SIGNUP,
    LETTERS_ADDRESS,
    LETTERS_TO,
    APPLICATIONS,
    TOKEN_ADDRESS,
    TOKEN_APPLICATION,
)

# Pages of the site, and parts of them: of a member, and of an address whose people are not logged
# in. What a form does is charged to the group of its operation.
PAGES = Rule(name="pages", what="pages", limit=3_000)
VISITORS = Rule(name="visitors", what="pages", limit=3_000)
SITE = (PAGES, VISITORS)

# By name of the group: of a person, of an application.
PERSON: Mapping[str, Rule] = {
    one.name: Rule(
        name=one.name, what=one.what, limit=one.person, window_seconds=one.window_seconds
    )
    for one in TABLE
}
APPLICATION: Mapping[str, Rule] = {
    one.name: Rule(
        name=f"{one.name}.app",
        what=one.what,
        # Who is never let in is told so, not counted scarcely.
        limit=one.application or one.person,
        window_seconds=one.window_seconds,
    )
    for one in TABLE
}
_GROUP_OF = {operation: one.name for one in TABLE for operation in one.operations}
# A part of a route that stands for a value.
_PART = re.compile(r"<(?:\w+:)?(\w+)>")
_READS = {"GET", "HEAD", "OPTIONS"}


@lru_cache(maxsize=1_024)
def operation_of(method: str, route: str) -> str:
    """The name of an operation by its route: `GET /2/users/{id}`."""
    return f"{method} /" + _PART.sub(r"{\1}", route)


@lru_cache(maxsize=1_024)
def group_of(method: str, route: str) -> str:
    """The group of an operation."""
    operation = operation_of("GET" if method == "HEAD" else method, route)
    return _GROUP_OF.get(operation) or ("other_reads" if method in _READS else "other_writes")
