"""Accounts as JSON of the API, field by field."""

import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from ninja import Schema
from pydantic import Field

from apps.infra.web.envelope import missing, timestamp
from apps.infra.web.fragments import Fragments, Selection
from apps.infra.web.params import words_of
from apps.users.schemas import UserOut

MAX_RENDERED = 20_000
_FIELDS: dict[str, Any] = {
    "id": lambda user: str(user.id),
    "name": lambda user: user.name,
    "username": lambda user: user.username,
    "created_at": lambda user: timestamp(user.created_at),
    "description": lambda user: user.bio,
    "location": lambda user: user.location or None,
    "url": lambda user: user.url or None,
    "protected": lambda user: user.is_protected,
    "pinned_tweet_id": lambda user: str(user.pinned_tweet_id) if user.pinned_tweet_id else None,
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
    "entities",
    "is_identity_verified",
    "most_recent_tweet_id",
    "parody",
    "profile_banner_url",
    "profile_image_url",
    "receives_your_dm",
    "subscription",
    "subscription_type",
    "verified_followers_count",
    "withheld",
]
USER_FIELDS = (*_FIELDS, *_UNFILLED)
USER_EXPANSIONS = ("affiliation.user_id", "most_recent_tweet_id", "pinned_tweet_id")

_fragments: Fragments[UserOut] = Fragments("u", _FIELDS, max_items=MAX_RENDERED, name="user_json")


class UserFields(Schema):
    """What to tell of each account."""

    user_fields: words_of(USER_FIELDS) = Field("", alias="user.fields")  # type: ignore[valid-type]
    expansions: words_of(USER_EXPANSIONS) = ""  # type: ignore[valid-type]


@lru_cache(maxsize=256)
def user_selection(user_fields: str = "") -> Selection:
    """The fields that a comma-joined `user.fields` asks for, with those that always come."""
    wanted = {*_DEFAULT, *user_fields.split(",")}
    return Selection(tuple(name for name in _FIELDS if name in wanted))


def render_user(user: UserOut, selection: Selection) -> bytes:
    """One account."""
    return _fragments.render(user.id, user, selection, now=time.monotonic())


def render_users(users: Iterable[UserOut], selection: Selection) -> list[bytes]:
    """Accounts in their order."""
    now = time.monotonic()
    return [_fragments.render(user.id, user, selection, now=now) for user in users]


def user_missing(parameter: str, value: str, user: UserOut | None) -> dict[str, str]:
    """The partial error for an account that cannot be shown."""
    error = missing("user", parameter, value)
    if user is not None and user.is_suspended:
        error |= {"title": "Forbidden", "detail": f"User has been suspended: [{value}]."}
    return error
