"""Accounts, tweets, lists, pictures and polls as JSON Schemas; the members are those of X."""

from twitterlite.openapi.parts import (
    BOOLEAN,
    COUNT,
    ID,
    MEDIA_KEY,
    TEXT,
    TIME,
    URI,
    USERNAME,
    Schema,
    ref,
    said,
    some,
    thing,
    words,
)

_PLACE = {
    "start": said(COUNT, "Where it begins, in code points."),
    "end": said(COUNT, "Where it has ended."),
}


def _entity(properties: Schema, *required: str) -> Schema:
    return thing({**_PLACE, **properties}, "start", "end", *required)


_SIZED_IMAGE = thing({"url": URI, "width": COUNT, "height": COUNT}, "url", "width", "height")
_URLS = some(
    _entity(
        {
            "url": TEXT,
            "expanded_url": TEXT,
            "display_url": TEXT,
            "unwound_url": TEXT,
            "title": TEXT,
            "description": TEXT,
            "status": COUNT,
            "media_key": MEDIA_KEY,
            "images": some(_SIZED_IMAGE),
        },
        "url",
    )
)
_ENTITIES = thing(
    {
        "hashtags": some(_entity({"tag": TEXT}, "tag")),
        "cashtags": some(_entity({"tag": TEXT}, "tag")),
        "mentions": some(_entity({"username": USERNAME, "id": ID}, "username")),
        "urls": _URLS,
    },
    text="What stands in a text. Places count code points.",
)

_USER = thing(
    {
        "id": ID,
        "name": TEXT,
        "username": USERNAME,
        "created_at": TIME,
        "description": TEXT,
        "entities": thing({"description": ref("Entities"), "url": thing({"urls": _URLS}, "urls")}),
        "location": TEXT,
        "url": TEXT,
        "pinned_tweet_id": ID,
        "profile_image_url": URI,
        "profile_banner_url": URI,
        "protected": said(BOOLEAN, "Only followers see the posts."),
        "verified": BOOLEAN,
        "verified_type": words("none"),
        "most_recent_tweet_id": ID,
        "connection_status": {
            "type": "array",
            "items": words(
                "follow_request_received",
                "follow_request_sent",
                "blocking",
                "followed_by",
                "following",
                "muting",
            ),
        },
        "public_metrics": thing(
            {
                "followers_count": COUNT,
                "following_count": COUNT,
                "tweet_count": COUNT,
                "listed_count": COUNT,
                "like_count": COUNT,
                "media_count": COUNT,
            },
            "followers_count",
            "following_count",
            "tweet_count",
            "listed_count",
        ),
    },
    "id",
    "name",
    "username",
    text="An account.",
)

_TWEET = thing(
    {
        "id": ID,
        "text": said(TEXT, "Exactly as it was posted."),
        "edit_history_tweet_ids": said(some(ID), "Its own id: an edit keeps it."),
        "attachments": thing({"media_keys": some(MEDIA_KEY), "poll_ids": some(ID)}),
        "author_id": ID,
        "conversation_id": said(ID, "The post with which the conversation began."),
        "created_at": TIME,
        "display_text_range": {"type": "array", "items": COUNT, "minItems": 2, "maxItems": 2},
        "edit_controls": thing(
            {"edits_remaining": COUNT, "is_edit_eligible": BOOLEAN, "editable_until": TIME},
            "edits_remaining",
            "is_edit_eligible",
            "editable_until",
        ),
        "entities": ref("Entities"),
        "in_reply_to_user_id": ID,
        "lang": said(TEXT, "A BCP 47 tag; `und` where it is not known."),
        "possibly_sensitive": BOOLEAN,
        "public_metrics": thing(
            {
                "retweet_count": COUNT,
                "reply_count": COUNT,
                "like_count": COUNT,
                "quote_count": COUNT,
                "bookmark_count": COUNT,
                "impression_count": said(COUNT, "0: nobody counts here who looks at what."),
            },
            "retweet_count",
            "reply_count",
            "like_count",
            "quote_count",
            "bookmark_count",
            "impression_count",
        ),
        "referenced_tweets": some(
            thing({"type": words("retweeted", "quoted", "replied_to"), "id": ID}, "type", "id")
        ),
        "reply_settings": words("everyone", "following", "mentionedUsers"),
        "source": said(TEXT, "The program that posted it."),
    },
    "id",
    "text",
    "edit_history_tweet_ids",
    text="A post, reply, quote or retweet.",
)

_VERSION = thing(
    {
        "version": said(COUNT, "1 is what was posted."),
        "text": TEXT,
        "created_at": said(TIME, "From then on it said this."),
    },
    "version",
    "text",
    "created_at",
    text="What a tweet says, or said.",
)

_SCHEDULED = thing(
    {
        "id": said(ID, "Not that of the tweet, which gets one when it is posted."),
        "text": TEXT,
        "scheduled_at": TIME,
        "created_at": TIME,
        "reply_settings": words("everyone", "following", "mentionedUsers"),
        "in_reply_to_tweet_id": ID,
        "quote_tweet_id": ID,
        "media_ids": some(ID),
        "poll": thing(
            {"options": some(TEXT, at_least=2), "duration_minutes": COUNT},
            "options",
            "duration_minutes",
        ),
        "failure": thing(
            {"at": TIME, "code": TEXT, "detail": TEXT},
            "at",
            "code",
            "detail",
            text="Why it could not be posted when it was due.",
        ),
    },
    "id",
    "text",
    "scheduled_at",
    "created_at",
    "reply_settings",
    text="A tweet that waits for its time.",
)

_LIST = thing(
    {
        "id": ID,
        "name": TEXT,
        "created_at": TIME,
        "description": TEXT,
        "follower_count": COUNT,
        "member_count": COUNT,
        "owner_id": ID,
        "private": BOOLEAN,
    },
    "id",
    "name",
    text="A list of accounts.",
)

_MEDIA = thing(
    {
        "media_key": MEDIA_KEY,
        "type": words("photo", "animated_gif"),
        "width": said(COUNT, "In pixels, of the largest variant."),
        "height": COUNT,
        "alt_text": TEXT,
        "url": URI,
        "preview_image_url": URI,
        "variants": some(
            thing({"bit_rate": COUNT, "content_type": TEXT, "url": URI}, "content_type", "url")
        ),
    },
    "media_key",
    "type",
    text="A picture.",
)

_POLL = thing(
    {
        "id": ID,
        "options": {
            "type": "array",
            "minItems": 2,
            "maxItems": 4,
            "items": thing(
                {"position": COUNT, "label": TEXT, "votes": COUNT}, "position", "label", "votes"
            ),
        },
        "duration_minutes": {"type": "integer", "minimum": 5, "maximum": 10_080},
        "end_datetime": TIME,
        "voting_status": words("open", "closed"),
    },
    "id",
    "options",
    text="A question with two to four answers.",
)

_RULE = thing(
    {"id": ID, "value": TEXT, "tag": TEXT}, "id", "value", text="A rule of the filtered stream."
)

_COUNT = thing(
    {"start": TIME, "end": TIME, "tweet_count": COUNT}, "start", "end", "tweet_count",
    text="How many posts lie between two times.",
)  # fmt: skip

_TREND = thing({"trend_name": TEXT, "tweet_count": COUNT})
_PERSONALIZED_TREND = thing(
    {"category": TEXT, "post_count": COUNT, "trend_name": TEXT, "trending_since": TIME}
)

_INCLUDES = thing(
    {
        "users": some(ref("User")),
        "tweets": some(ref("Tweet")),
        "media": some(ref("Media")),
        "polls": some(ref("Poll")),
    },
    text="What `expansions` asked for, each once.",
)

OBJECTS: Schema = {
    "User": _USER,
    "Tweet": _TWEET,
    "ScheduledTweet": _SCHEDULED,
    "TweetVersion": _VERSION,
    "List": _LIST,
    "Media": _MEDIA,
    "Poll": _POLL,
    "Rule": _RULE,
    "Count": _COUNT,
    "Trend": _TREND,
    "PersonalizedTrend": _PERSONALIZED_TREND,
    "Entities": _ENTITIES,
    "Includes": _INCLUDES,
}
