"""What each operation answers when it goes well: one table, and the schemas that it names."""

from dataclasses import dataclass, field

from twitterlite.openapi.errors import ERRORS
from twitterlite.openapi.objects import OBJECTS
from twitterlite.openapi.parts import (
    BOOLEAN,
    COUNT,
    ID,
    MEDIA_KEY,
    TEXT,
    TIME,
    TOKEN,
    Schema,
    ref,
    said,
    some,
    thing,
)

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """Statuses with their schemas; `refusals` are those beside the usual ones."""

    schemas: dict[int, Schema]
    content_type: str = JSON
    refusals: tuple[int, ...] = ()
    headers: Schema = field(default_factory=dict)


_ERRORS = some(ref("PartialError"))
_META_LIST = {"result_count": COUNT, "next_token": TOKEN, "previous_token": TOKEN}
_META_TWEETS = {**_META_LIST, "newest_id": ID, "oldest_id": ID}


def _one(name: str, *, includes: bool = False) -> Answer:
    """One thing, or why it is not there."""
    more = {"includes": ref("Includes")} if includes else {}
    schema = thing({"data": ref(name), **more, "errors": _ERRORS})
    return Answer({200: {**schema, "anyOf": [{"required": ["data"]}, {"required": ["errors"]}]}})


def _some(name: str, *, includes: bool = False) -> Answer:
    """Those of the named things that are there; the others under `errors`."""
    more = {"includes": ref("Includes")} if includes else {}
    schema = thing({"data": some(ref(name)), **more, "errors": _ERRORS})
    return Answer({200: {**schema, "anyOf": [{"required": ["data"]}, {"required": ["errors"]}]}})


def _page(
    name: str, meta: Schema, *, includes: bool = False, required: str = "result_count"
) -> Answer:
    """A page of a list; `data` is left out when it is empty, `meta` never."""
    more = {"includes": ref("Includes")} if includes else {}
    told = thing(meta, required)
    schema = thing({"data": some(ref(name)), **more, "errors": _ERRORS, "meta": told}, "meta")
    return Answer({200: schema})


def _done(*, status: int = 200, refusals: tuple[int, ...] = (), **members: Schema) -> Answer:
    """What a write says."""
    data = thing(dict(members), *members)
    return Answer({status: thing({"data": data}, "data")}, refusals=refusals)


def _users() -> Answer:
    return _page("User", _META_LIST, includes=True)


def _tweets() -> Answer:
    return _page("Tweet", _META_TWEETS, includes=True)


def _edge_tweets() -> Answer:
    # Their order is that of likes or bookmarks, so there is no newest id.
    return _page("Tweet", _META_LIST, includes=True)


def _lists() -> Answer:
    return _page("List", _META_LIST, includes=True)


_UPLOAD = thing(
    {
        "id": ID,
        "media_key": said(MEDIA_KEY, "Its number before the `_` may change until it is ready."),
        "expires_after_secs": COUNT,
        "size": COUNT,
        "processing_info": ref("ProcessingInfo"),
    },
    "id",
    "media_key",
    "expires_after_secs",
)
_NONE = Answer({200: thing({"meta": thing({"result_count": COUNT}, "result_count")}, "meta")})
_NO_META = thing({}, text="Always empty; X's description asks for it.")


def _upload(*, refusals: tuple[int, ...] = ()) -> Answer:
    return Answer({200: thing({"data": _UPLOAD, "meta": _NO_META}, "data", "meta")},
                  refusals=refusals)  # fmt: skip


_OLD_UPLOAD = thing(
    {
        "media_id": {"type": "integer"},
        "media_id_string": ID,
        "media_key": MEDIA_KEY,
        "expires_after_secs": COUNT,
        "size": COUNT,
        "image": thing({"image_type": TEXT, "w": COUNT, "h": COUNT}, "image_type", "w", "h"),
        "processing_info": ref("ProcessingInfo"),
    },
    "media_id",
    "media_id_string",
    "media_key",
    "expires_after_secs",
)
_SUMMARY = {
    "oneOf": [
        thing(dict.fromkeys(("created", "not_created", "valid", "invalid"), COUNT),
              "created", "not_created", "valid", "invalid"),
        thing({"deleted": COUNT, "not_deleted": COUNT}, "deleted", "not_deleted"),
    ]
}  # fmt: skip
_CHANGED_RULES = thing(
    {
        "data": some(ref("Rule")),
        "meta": thing({"sent": TIME, "summary": _SUMMARY}, "sent", "summary"),
        "errors": some({"anyOf": [ref("RefusedRule"), ref("PartialError")]}),
    },
    "meta",
)
_MATCH = thing({"id": ID, "tag": said(TEXT, "Always there, if only empty.")}, "id", "tag")
_CUT = thing(
    {"title": TEXT, "disconnect_type": TEXT, "detail": TEXT, "type": TEXT},
    "title",
    "disconnect_type",
    "detail",
    "type",
    text="The last line of a stream that was read too slowly.",
)
_STREAMED: Schema = {
    "description": "One line of many; lines end with CR LF, and empty ones keep the line open.",
    **thing(
        {
            "data": ref("Tweet"),
            "includes": ref("Includes"),
            "errors": some({"anyOf": [ref("PartialError"), _CUT]}),
            "matching_rules": some(_MATCH),
        }
    ),
    "anyOf": [{"required": ["data"]}, {"required": ["errors"]}],
}
_STREAM_HEADERS: Schema = {
    "Cache-Control": {"schema": TEXT, "required": True},
}
_COUNTS_META = {"total_tweet_count": COUNT, "next_token": TOKEN}
_ALT = thing({"alt_text": thing({"text": TEXT}, "text")}, "alt_text")


def _stream(*refusals: int) -> Answer:
    return Answer({200: _STREAMED}, refusals=refusals, headers=_STREAM_HEADERS)


ANSWERS: dict[str, Answer] = {
    # Tweets
    "POST /2/tweets": _done(
        status=201, refusals=(409,), id=ID, text=TEXT, edit_history_tweet_ids=some(ID)
    ),
    "GET /2/tweets": _some("Tweet", includes=True),
    "GET /2/tweets/{id}": _one("Tweet", includes=True),
    "GET /2/tweets/{id}/edit_history": _page("TweetVersion", {"result_count": COUNT}),
    "DELETE /2/tweets/{id}": _done(deleted=BOOLEAN),
    "POST /2/scheduled_tweets": Answer(
        {201: thing({"data": ref("ScheduledTweet")}, "data")}, refusals=(404, 409)
    ),
    "GET /2/scheduled_tweets": _page("ScheduledTweet", {"result_count": COUNT}),
    "GET /2/scheduled_tweets/{id}": _one("ScheduledTweet"),
    "PUT /2/scheduled_tweets/{id}": Answer(
        {200: thing({"data": ref("ScheduledTweet")}, "data")}, refusals=(404,)
    ),
    "DELETE /2/scheduled_tweets/{id}": _done(refusals=(404,), deleted=BOOLEAN),
    "PUT /2/tweets/{tweet_id}/hidden": _done(hidden=BOOLEAN),
    "POST /2/users/{id}/likes": _done(liked=BOOLEAN),
    "DELETE /2/users/{id}/likes/{tweet_id}": _done(liked=BOOLEAN),
    "POST /2/users/{id}/retweets": _done(rest_id=ID, retweeted=BOOLEAN),
    "DELETE /2/users/{id}/retweets/{source_tweet_id}": _done(retweeted=BOOLEAN),
    "GET /2/tweets/{id}/liking_users": _users(),
    "GET /2/tweets/{id}/retweeted_by": _users(),
    "GET /2/tweets/{id}/retweets": _edge_tweets(),
    "GET /2/tweets/{id}/quote_tweets": _edge_tweets(),
    "GET /2/users/{id}/liked_tweets": _edge_tweets(),
    "GET /2/users/reposts_of_me": _edge_tweets(),
    # Bookmarks
    "GET /2/users/{id}/bookmarks": _edge_tweets(),
    "POST /2/users/{id}/bookmarks": _done(bookmarked=BOOLEAN),
    "DELETE /2/users/{id}/bookmarks/{tweet_id}": _done(bookmarked=BOOLEAN),
    # Timelines
    "GET /2/users/{id}/tweets": _tweets(),
    "GET /2/users/{id}/mentions": _tweets(),
    "GET /2/users/{id}/timelines/reverse_chronological": _tweets(),
    "GET /2/lists/{id}/tweets": _tweets(),
    # Search
    "GET /2/tweets/search/recent": _tweets(),
    "GET /2/tweets/search/all": _tweets(),
    "GET /2/tweets/counts/recent": _page("Count", _COUNTS_META, required="total_tweet_count"),
    "GET /2/tweets/counts/all": _page("Count", _COUNTS_META, required="total_tweet_count"),
    "GET /2/users/search": _users(),
    # Users
    "GET /2/users/me": _one("User", includes=True),
    "GET /2/users": _some("User", includes=True),
    "GET /2/users/by": _some("User", includes=True),
    "GET /2/users/{id}": _one("User", includes=True),
    "GET /2/users/by/username/{username}": _one("User", includes=True),
    # Follows, mutes, blocks
    "GET /2/users/{id}/following": _users(),
    "GET /2/users/{id}/followers": _users(),
    "POST /2/users/{id}/following": _done(following=BOOLEAN, pending_follow=BOOLEAN),
    "DELETE /2/users/{source_user_id}/following/{target_user_id}": _done(following=BOOLEAN),
    "GET /2/users/{id}/muting": _users(),
    "POST /2/users/{id}/muting": _done(muting=BOOLEAN),
    "DELETE /2/users/{source_user_id}/muting/{target_user_id}": _done(muting=BOOLEAN),
    "GET /2/users/{id}/blocking": _users(),
    "POST /2/users/{id}/blocking": _done(blocking=BOOLEAN),
    "DELETE /2/users/{source_user_id}/blocking/{target_user_id}": _done(blocking=BOOLEAN),
    # Lists
    "POST /2/lists": _done(status=201, refusals=(409,), id=ID, name=TEXT),
    "GET /2/lists/{id}": _one("List", includes=True),
    "PUT /2/lists/{id}": _done(updated=BOOLEAN),
    "DELETE /2/lists/{id}": _done(deleted=BOOLEAN),
    "GET /2/lists/{id}/members": _users(),
    "POST /2/lists/{id}/members": _done(refusals=(409,), is_member=BOOLEAN),
    "DELETE /2/lists/{id}/members/{user_id}": _done(is_member=BOOLEAN),
    "GET /2/lists/{id}/followers": _users(),
    "GET /2/users/{id}/owned_lists": _lists(),
    "GET /2/users/{id}/list_memberships": _lists(),
    "GET /2/users/{id}/followed_lists": _lists(),
    "POST /2/users/{id}/followed_lists": _done(refusals=(409,), following=BOOLEAN),
    "DELETE /2/users/{id}/followed_lists/{list_id}": _done(following=BOOLEAN),
    "GET /2/users/{id}/pinned_lists": _page("List", {"result_count": COUNT}, includes=True),
    "POST /2/users/{id}/pinned_lists": _done(refusals=(409,), pinned=BOOLEAN),
    "DELETE /2/users/{id}/pinned_lists/{list_id}": _done(pinned=BOOLEAN),
    # Media
    "POST /2/media/upload": _upload(refusals=(408,)),
    "GET /2/media/upload": _upload(refusals=(404,)),
    "POST /2/media/upload/initialize": _upload(refusals=(408,)),
    "POST /2/media/upload/{id}/append": Answer(
        {
            200: thing(
                {"data": thing({"expires_at": COUNT}, "expires_at"), "meta": _NO_META},
                "data",
                "meta",
            )
        },
        refusals=(408, 409),
    ),
    "POST /2/media/upload/{id}/finalize": _upload(refusals=(408,)),
    "POST /2/media/metadata": _done(id=ID, associated_metadata=_ALT),
    "GET /2/media": _some("Media"),
    "GET /2/media/{media_key}": _one("Media"),
    "GET /1.1/media/upload.json": Answer({200: _OLD_UPLOAD}, refusals=(404,)),
    "POST /1.1/media/upload.json": Answer(
        {200: _OLD_UPLOAD, 202: _OLD_UPLOAD, 204: {}}, refusals=(404, 408, 409)
    ),
    "POST /1.1/media/metadata/create.json": Answer({200: thing({})}, refusals=(404,)),
    # Trends; where nothing trends, `data` is left out.
    "GET /2/trends/by/woeid/{woeid}": Answer(
        {200: thing({"data": some(ref("Trend"))})}, refusals=(404,)
    ),
    "GET /2/users/personalized_trends": Answer(
        {200: thing({"data": some(ref("PersonalizedTrend"))})}
    ),
    # Spaces, of which there are none.
    "GET /2/spaces": Answer({200: thing({"errors": _ERRORS}, "errors")}),
    "GET /2/spaces/{id}": Answer({200: thing({"errors": _ERRORS}, "errors")}),
    "GET /2/spaces/by/creator_ids": _NONE,
    "GET /2/spaces/search": _NONE,
    # Streams
    "GET /2/tweets/search/stream": _stream(409),
    "GET /2/tweets/sample/stream": _stream(),
    "GET /2/tweets/search/stream/rules": _page(
        "Rule", {"sent": TIME, "result_count": COUNT, "next_token": TOKEN}, required="sent"
    ),
    "POST /2/tweets/search/stream/rules": Answer({200: _CHANGED_RULES, 201: _CHANGED_RULES}),
}

COMPONENTS: Schema = {**OBJECTS, **ERRORS}
