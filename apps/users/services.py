"""Verbs about accounts and tokens."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.infra import ids
from apps.infra.errors import Conflict, Forbidden, Invalid, NotFound
from apps.infra.eventlog.log import publish
from apps.infra.shown_names import shown_name
from apps.infra.stores import invalidation
from apps.users.events import UserChanged
from apps.users.models import (
    MAX_BIO,
    MAX_NAME,
    AccessToken,
    Application,
    User,
)
from apps.users.schemas import UserOut

_USERNAME = re.compile(r"[A-Za-z0-9_]{1,15}")
# Names that are addresses of the site.
_ADDRESSES = """
2 about admin api bookmarks compose developer drafts explore feed hashtag healthz help home i
intent language lists live login logout manifest me media messages metrics notifications oauth
oauth2 oembed offline public readyz requests reset rules scheduled search settings signup sitemap
static status terms tos twitterlite www
"""
RESERVED = frozenset(_ADDRESSES.split())
COUNTERS = frozenset({"followers_count", "following_count", "tweet_count", "listed_count"})
ALL_SCOPES = (
    "block.read block.write bookmark.read bookmark.write follows.read follows.write like.read"
    " like.write list.read list.write media.write mute.read mute.write offline.access"
    " space.read timeline.read tweet.moderate.write tweet.read tweet.write users.read"
)


class UsernameTaken(Conflict):
    """Somebody has this name, in some letter case."""

    code = "username_taken"


class EmailTaken(Conflict):
    """Another account uses this address."""

    code = "email_taken"


class BadProfile(Invalid):
    """A profile field breaks its rule; `field` names it."""

    code = "bad_profile"


def to_out(user: User) -> UserOut:
    """The shape in which an account leaves this app."""
    return UserOut(
        id=user.id,
        username=user.username,
        name=user.name,
        bio=user.bio,
        location=user.location,
        url=user.url,
        lang=user.lang,
        is_protected=user.is_protected,
        is_suspended=user.suspended_at is not None or not user.is_active,
        created_at=user.created_at,
        followers_count=user.followers_count,
        following_count=user.following_count,
        tweet_count=user.tweet_count,
        pinned_tweet_id=user.pinned_tweet_id,
        listed_count=user.listed_count,
        avatar=user.avatar,
        banner=user.banner,
    )


def create_user(
    *, username: str, password: str, now: datetime, name: str = "", email: str | None = None
) -> UserOut:
    """Open an account.

    Raises:
        BadProfile: a field breaks its rule. UsernameTaken, EmailTaken.
    """
    username = _checked_username(username)
    user = User(
        id=ids.next_id(), username=username, name=_name(name) or username,
        email=checked_email(email), created_at=now,
    )  # fmt: skip
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise BadProfile(" ".join(error.messages), field="password") from error
    user.set_password(password)
    _save_new(user)
    return to_out(user)


def _save_new(user: User) -> None:
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        if "email" in str(error):
            raise EmailTaken(_("This address has an account already."), field="email") from error
        raise UsernameTaken(
            _("@%(username)s is taken.") % {"username": user.username}, field="username"
        ) from error


def _checked_username(username: str) -> str:
    username = username.strip().removeprefix("@")
    if not _USERNAME.fullmatch(username):
        raise BadProfile(
            _("A user name has 1 to 15 letters A to Z, digits or underscores."), field="username"
        )
    if username.lower() in RESERVED:
        raise UsernameTaken(
            _("@%(username)s is an address of this site.") % {"username": username},
            field="username",
        )
    return username


def checked_email(email: str | None) -> str | None:
    """An address without spaces around it, None for an empty one. Raises BadProfile."""
    if not email or not email.strip():
        return None
    try:
        validate_email(email.strip())
    except ValidationError as error:
        raise BadProfile(_("This is not an e-mail address."), field="email") from error
    return email.strip()


def _text(field: str, value: str, limit: int) -> str:
    value = value.strip()
    if len(value) > limit:
        raise BadProfile(
            _("%(n)s characters, the limit is %(limit)s.") % {"n": len(value), "limit": limit},
            field=field,
        )
    if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise BadProfile(_("This text holds characters that cannot be stored."), field=field)
    return value


def _name(name: str) -> str:
    """As it is shown; "" if nothing of it can be seen."""
    return _text("name", shown_name(name), MAX_NAME)


def authenticate(*, username: str, password: str) -> UserOut | None:
    """The account whose password this is, or None; suspended people get None."""
    from apps.users.backends import UsernameBackend

    user = UsernameBackend().authenticate(None, username=username, password=password)
    return to_out(user) if user else None


def update_profile(
    *, user_id: int, name: str, bio: str, location: str, url: str, now: datetime
) -> UserOut:
    """Replace the public profile. Raises BadProfile."""
    url = _text("url", url, 100)
    if url and not re.match(r"https?://[^\s]+$", url):
        raise BadProfile(_("A web address begins with http:// or https://."), field="url")
    values = {
        "name": _name(name),
        "bio": _text("bio", bio, MAX_BIO),
        "location": _text("location", location, 30),
        "url": url,
    }
    if not values["name"]:
        raise BadProfile(_("A name has at least one character."), field="name")
    return _change(user_id, "profile", **values)


def set_picture(*, user_id: int, which: Literal["avatar", "banner"], address: str) -> str:
    """Show a picture as the account's own, or over its profile; at once. "" for the drawn one.

    Args:
        address: below the address of all pictures; the caller sees to it that it stays.

    Returns:
        The address of the picture that was there before.
    """
    before = User.objects.filter(id=user_id).values_list(which, flat=True).first() or ""
    _change(user_id, "profile", **{which: address})
    return before


def set_protected(*, user_id: int, protected: bool, now: datetime) -> UserOut:
    """Show the account's posts to followers only, or to everybody again; at once."""
    return _change(user_id, "protected", is_protected=protected)


def set_language(*, user_id: int, lang: str, now: datetime) -> UserOut:
    """Have pages speak a language (a code of `settings.LANGUAGES`), or "" the browser's."""
    if lang and lang not in dict(settings.LANGUAGES):
        raise BadProfile(_("Choose one of the languages."), field="lang")
    return _change(user_id, "language", lang=lang)


def suspend_user(*, user_id: int, now: datetime) -> UserOut:
    """Take an account and all it posted out of sight, and revoke its tokens; at once."""
    return _change(user_id, "suspended", suspended_at=now)


def unsuspend_user(*, user_id: int, now: datetime) -> UserOut:
    """Bring a suspended account back."""
    return _change(user_id, "suspended", suspended_at=None)


@transaction.atomic
def _change(user_id: int, what: str, **values: object) -> UserOut:
    user = User.objects.select_for_update().filter(id=user_id).first()
    if user is None:
        raise NotFound(_("There is no such account."))
    for name, value in values.items():
        setattr(user, name, value)
    # Announces the account.
    user.save(update_fields=list(values))
    publish(UserChanged(user_id=user_id, what=what))
    if what == "suspended":
        _announce_tokens(user_id)
    return to_out(user)


def _announce_tokens(user_id: int) -> None:
    """What this account's tokens open has changed: those that act for it, and those with which its
    applications act for themselves."""
    own = Application.objects.filter(owner_id=user_id).values("id")
    concerned = Q(user_id=user_id) | Q(kind=AccessToken.Kind.APP, application_id__in=own)
    rows = AccessToken.objects.filter(concerned, revoked_at=None)
    invalidation.announce([("k", digest) for digest in rows.values_list("digest", flat=True)])


def change_counts(changes: dict[int, dict[str, int]]) -> None:
    """Add to counters of accounts, in the caller's transaction.

    Args:
        changes: user id → counter column (one of `COUNTERS`) → delta.
    """
    with connection.cursor() as cursor:
        # In the order of ids: two writers who change the same two rows must not wait crosswise.
        for user_id in sorted(changes):
            deltas = changes[user_id]
            for column in deltas:
                if column not in COUNTERS:
                    raise ValueError(column)
            sets = ", ".join(f"{column} = greatest({column} + %s, 0)" for column in deltas)
            cursor.execute(
                f"update users set {sets} where id = %s",  # noqa: S608 (columns checked above)
                [*deltas.values(), user_id],
            )
    # Shown counts may be a moment old; they are never held back.
    entries: list[tuple[str, int | str]] = [("u", user_id) for user_id in changes]
    transaction.on_commit(lambda: invalidation.announce(entries, hold=False))


def digest_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def issue_token(
    *,
    user_id: int,
    now: datetime,
    scopes: str = ALL_SCOPES,
    application_id: int | None = None,
    lifetime: timedelta | None = None,
) -> str:
    """A new bearer token; this is the only time it can be seen.

    Args:
        scopes: space-separated. lifetime: None for a token that does not expire.

    Raises:
        NotFound: no such account. Forbidden: it is suspended.
    """
    user = User.objects.filter(id=user_id).first()
    if user is None:
        raise NotFound(_("There is no such account."))
    if user.suspended_at is not None or not user.is_active:
        raise Forbidden(_("This account is suspended."))
    token = secrets.token_urlsafe(32)
    AccessToken.objects.create(
        digest=digest_of(token), user_id=user_id, scopes=scopes, application_id=application_id,
        created_at=now, expires_at=now + lifetime if lifetime else None,
    )  # fmt: skip
    return token


@transaction.atomic
def revoke_token(*, token: str, now: datetime) -> bool:
    """Make a token useless from the next request on; False if it was already."""
    digest = digest_of(token)
    changed = AccessToken.objects.filter(digest=digest, revoked_at=None).update(revoked_at=now)
    invalidation.announce([("k", digest)])
    return bool(changed)
