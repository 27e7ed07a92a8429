"""Accounts as JSON of the API, field by field."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from django.conf import settings
from ninja import Schema
from pydantic import Field, ValidationInfo, field_validator

from apps.infra.web import envelope
from apps.infra.web.envelope import missing, timestamp
from apps.infra.web.fragments import Fragments, Selection
from apps.infra.web.params import words_in, words_of, wrong
from apps.users.schemas import UserOut

MAX_RENDERED = 20_000
PINNED = "pinned_tweet_id"


@dataclass(frozen=True, slots=True)
class Brought:
    """What an answer has beside its accounts."""

    includes: Mapping[str, list[bytes]] = field(default_factory=dict)
    errors: Sequence[Mapping[str, str]] = ()


class Tweets(Protocol):
    """What is known of tweets, a storey above: `apps.tweets.rendering_users`."""

    def entities_of(self, user: UserOut) -> dict[str, Any] | None:
        """The `entities` field."""

    def fields(self) -> Collection[str]:
        """What `tweet.fields` may name."""

    async def pinned_tweets(
        self, users: Sequence[UserOut], tweet_fields: str, *, viewer_id: int | None
    ) -> Brought:
        """What the expansion `pinned_tweet_id` brings."""


_tweets: list[Tweets] = []


def know_tweets(tweets: Tweets) -> None:
    """Be told of tweets, as the application is put together."""
    _tweets[:] = [tweets]


def _entities(user: UserOut) -> dict[str, Any] | None:
    return _tweets[0].entities_of(user)


def _address(picture: str) -> str | None:
    """Where an uploaded picture is; the drawn ones have no address."""
    return f"{settings.MEDIA_URL}{picture}" if picture else None


_FIELDS: dict[str, Any] = {
    "id": lambda user: str(user.id),
    "name": lambda user: user.name,
    "username": lambda user: user.username,
    "created_at": lambda user: timestamp(user.created_at),
    "description": lambda user: user.bio,
    "location": lambda user: user.location or None,
    "url": lambda user: user.url or None,
    "entities": _entities,
    "protected": lambda user: user.is_protected,
    PINNED: lambda user: str(user.pinned_tweet_id) if user.pinned_tweet_id else None,
    "profile_banner_url": lambda user: _address(user.banner),
    "profile_image_url": lambda user: _address(user.avatar),
    "verified": lambda user: False,
    "verified_type": lambda user: "none",
    "public_metrics": lambda user: {
        "followers_count": user.followers_count,
        "following_count": user.following_count,
        "tweet_count": user.tweet_count,
        "listed_count": user.listed_count,
    },
}
_DEFAULT = ("id", "name", "username")
# Known to X's clients; nothing of ours fills them, so they are taken and left out.
_UNFILLED = [
    "affiliation",
    "confirmed_email",
    "connection_status",
    "is_identity_verified",
    "most_recent_tweet_id",
    "parody",
    "receives_your_dm",
    "subscription",
    "subscription_type",
    "verified_followers_count",
    "withheld",
]
USER_FIELDS = (*_FIELDS, *_UNFILLED)
USER_EXPANSIONS = ("affiliation.user_id", "most_recent_tweet_id", PINNED)

_fragments: Fragments[UserOut] = Fragments("u", _FIELDS, max_items=MAX_RENDERED, name="user_json")


def _fields_of_tweets() -> dict[str, Any]:
    # Without the words where tweets are not known yet: `twitterlite.openapi` adds them.
    words = {"enum": sorted(_tweets[0].fields())} if _tweets else {}
    return {"type": "array", "items": {"type": "string", **words}}


class UserFields(Schema):
    """What to tell of each account."""

    user_fields: words_of(USER_FIELDS) = Field("", alias="user.fields")  # type: ignore[valid-type]
    expansions: words_of(USER_EXPANSIONS) = ""  # type: ignore[valid-type]
    tweet_fields: str = Field(
        "",
        alias="tweet.fields",
        description="Of pinned tweets.",
        json_schema_extra=lambda schema: schema.update(_fields_of_tweets()),
    )

    @field_validator("tweet_fields", mode="before")
    @classmethod
    def _known(cls, value: Any, info: ValidationInfo) -> str:
        words = [word for word in words_in(value, info) if word]
        known = _tweets[0].fields() if words else ()
        for word in words:
            if word not in known:
                raise wrong("tweet.fields", word, f"one of [{','.join(sorted(known))}]")
        return ",".join(words)

    def selection(self) -> Selection:
        """What was asked for, ready to render."""
        return user_selection(self.user_fields, self.expansions)


@lru_cache(maxsize=256)
def user_selection(user_fields: str = "", expansions: str = "") -> Selection:
    """The fields that a comma-joined `user.fields` asks for, with those that always come and those
    that expansions follow."""
    wanted = {*_DEFAULT, *user_fields.split(",")}
    if PINNED in expansions.split(","):
        wanted.add(PINNED)
    return Selection(tuple(name for name in _FIELDS if name in wanted))


def render_user(user: UserOut, selection: Selection) -> bytes:
    """One account."""
    return _fragments.render(user.id, user, selection, now=time.monotonic())


def render_users(users: Iterable[UserOut], selection: Selection) -> list[bytes]:
    """Accounts in their order."""
    now = time.monotonic()
    return [_fragments.render(user.id, user, selection, now=now) for user in users]


async def brought_by(
    users: Sequence[UserOut], fields: UserFields, *, viewer_id: int | None
) -> Brought:
    """What the expansions ask for beside these accounts."""
    if PINNED not in fields.expansions.split(","):
        return Brought()
    return await _tweets[0].pinned_tweets(users, fields.tweet_fields, viewer_id=viewer_id)


async def answer_users(
    users: Sequence[UserOut],
    fields: UserFields,
    *,
    viewer_id: int | None,
    errors: Sequence[Mapping[str, str]] = (),
    meta: Mapping[str, Any] | None = None,
) -> bytes:
    """The envelope of a list of accounts, with what the expansions ask for."""
    brought = await brought_by(users, fields, viewer_id=viewer_id)
    return envelope.many(
        render_users(users, fields.selection()),
        meta=meta,
        includes=brought.includes,
        errors=[*errors, *brought.errors],
    )


def user_missing(parameter: str, value: str, user: UserOut | None) -> dict[str, str]:
    """The partial error for an account that cannot be shown."""
    error = missing("user", parameter, value)
    if user is not None and user.is_suspended:
        error |= {"title": "Forbidden", "detail": f"User has been suspended: [{value}]."}
    return error
