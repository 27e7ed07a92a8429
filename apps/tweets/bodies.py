"""The body of POST /2/tweets: what is taken, what is taken without effect, and what is refused.

Everything that X's clients can send is decided here, so that nobody is left to guess.
"""

from typing import Annotated, Any

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from apps.infra.errors import Invalid
from apps.infra.web import problems
from apps.infra.web.params import Id, wrong
from apps.media.services.attaching import MAX_PICTURES
from apps.tweets import services
from apps.tweets.guards import REPLY_SETTINGS
from apps.tweets.models import MAX_OPTION
from apps.tweets.services_polls import MAX_MINUTES, MAX_OPTIONS, MIN_MINUTES, MIN_OPTIONS

MAX_TAGGED = 10
MAX_EXCLUDED = 100


class Strict(BaseModel):
    """A body in which every member means something."""

    model_config = ConfigDict(extra="forbid")


def _refused(why: str) -> Any:
    """A member that only null may stand in."""

    def check(value: Any, info: ValidationInfo) -> None:
        if value is not None:
            raise PydanticCustomError(
                "not_offered", "`{name}` is not offered here: {why}",
                {"name": info.field_name or "", "why": why},
            )  # fmt: skip

    return Annotated[
        None, BeforeValidator(check), WithJsonSchema({"type": "null", "description": why})
    ]


def _never(why: str) -> Any:
    """A switch that is off, and stays so."""

    def check(value: Any, info: ValidationInfo) -> bool:
        name = info.field_name or ""
        if value is None or value is False:
            return False
        if value is True:
            raise PydanticCustomError(
                "not_offered", "`{name}` is not offered here: {why}", {"name": name, "why": why}
            )
        raise wrong(name, value, "true or false")

    described = {"type": "boolean", "enum": [False], "description": why}
    return Annotated[bool, BeforeValidator(check), WithJsonSchema(described)]


def _switch(value: Any, info: ValidationInfo) -> bool:
    if not isinstance(value, bool):
        raise wrong(info.field_name or "", value, "true or false")
    return value


Switch = Annotated[bool, BeforeValidator(_switch)]


class ReplyIn(Strict):
    """Which tweet is answered."""

    in_reply_to_tweet_id: Id
    # Names are never put into a text here, so there is nobody to leave out.
    exclude_reply_user_ids: list[Id] | None = Field(
        None, max_length=MAX_EXCLUDED, description="Taken; a text names whom it names."
    )
    auto_populate_reply_metadata: Switch | None = Field(
        None, description="Taken; a text names whom it names."
    )


class MediaIn(Strict):
    """Pictures of one's own: up to four, or one animated GIF."""

    media_ids: list[Id] = Field(min_length=1, max_length=MAX_PICTURES)
    tagged_user_ids: list[Id] | None = Field(
        None, max_length=MAX_TAGGED, description="Taken; no one is shown as tagged yet."
    )


def _settings(value: Any, info: ValidationInfo) -> str:
    allowed = ("everyone", *REPLY_SETTINGS)
    if value in ("subscribers", "verified"):
        raise wrong(
            "reply_settings", value, "offered here: there are no paid and no checked accounts"
        )
    if not isinstance(value, str) or value not in allowed:
        raise wrong("reply_settings", value, f"one of [{','.join(allowed)}]")
    return value


ReplySettings = Annotated[
    str,
    BeforeValidator(_settings),
    WithJsonSchema({"type": "string", "enum": ["everyone", *REPLY_SETTINGS]}),
]


def _minutes(value: Any, info: ValidationInfo) -> int:
    if type(value) is int and MIN_MINUTES <= value <= MAX_MINUTES:
        return value
    raise wrong("poll.duration_minutes", value, f"between {MIN_MINUTES} and {MAX_MINUTES}")


class PollIn(Strict):
    """A question: the text asks, these are the answers."""

    options: list[Annotated[str, Field(strict=True, min_length=1, max_length=MAX_OPTION)]] = Field(
        min_length=MIN_OPTIONS, max_length=MAX_OPTIONS
    )
    duration_minutes: Annotated[
        int,
        BeforeValidator(_minutes),
        WithJsonSchema({"type": "integer", "minimum": MIN_MINUTES, "maximum": MAX_MINUTES}),
    ]
    reply_settings: ReplySettings | None = Field(None, description="As `reply_settings` outside.")


class EditIn(Strict):
    """Which tweet gets another text; what hangs on it stays, and so does its id."""

    previous_post_id: Id


class TweetIn(Strict):
    """A new tweet, reply or quote."""

    # What it may hold, `services.checked_text` says; nothing where there are pictures.
    text: str = ""
    reply: ReplyIn | None = None
    quote_tweet_id: Id | None = None
    reply_settings: ReplySettings | None = None
    media: MediaIn | None = None
    poll: PollIn | None = None
    edit_options: EditIn | None = None
    for_super_followers_only: _never("there are no paid accounts.") = False  # type: ignore[valid-type]
    nullcast: _never("every post is shown.") = False  # type: ignore[valid-type]
    made_with_ai: _never("posts carry no such label.") = False  # type: ignore[valid-type]
    paid_partnership: _never("posts carry no such label.") = False  # type: ignore[valid-type]
    share_with_followers: _never("there are no communities.") = False  # type: ignore[valid-type]
    card_uri: _refused("there are no cards.") = None  # type: ignore[valid-type]
    community_id: _refused("there are no communities.") = None  # type: ignore[valid-type]
    direct_message_deep_link: _refused("posts do not lead to messages.") = None  # type: ignore[valid-type]
    geo: _refused("there are no places.") = None  # type: ignore[valid-type]


# A body of one of these members alone is a plain post.
PLAIN = frozenset({"text"})


def plain_text(body: bytes | bytearray) -> str | None:
    """The text of a body that says nothing else, if it can be posted; None: see `read`."""
    try:
        content = orjson.loads(body)
        if type(content) is not dict or len(content) != 1:
            return None
        text = content.get("text")
        return services.checked_text(text) if type(text) is str else None
    except (orjson.JSONDecodeError, Invalid):
        return None


def read(content_type: str | None, body: bytes) -> TweetIn:
    """A body as it came.

    Raises:
        UnsupportedBody, BadJson. ValidationError: what a member says makes no sense.
    """
    if (content_type or "").partition(";")[0].strip().lower() != "application/json":
        raise problems.UnsupportedBody
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise problems.BadJson from error
    if not isinstance(content, dict):
        raise problems.BadJson
    return TweetIn.model_validate(content)
