"""Verbs about tokens that people grant to applications: OAuth 2, app-only, OAuth 1.0a.

Each checks and changes in one transaction, and announces what ends before it commits, so that it
holds on the very next request in every process.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.crypto import constant_time_compare

from apps.infra import ids
from apps.infra.errors import DomainError, Forbidden, NotFound
from apps.users.models import AccessToken, Application, AuthorizationCode, RequestToken, User
from apps.users.permissions import OFFLINE, READ_SCOPES, SCOPES, WRITE_SCOPES, within
from apps.users.sealing import derived, seal
from apps.users.services import digest_of
from apps.users.services_apps import access_held, letters, revoke_all

ACCESS_LIFETIME = timedelta(hours=2)
REFRESH_LIFETIME = timedelta(days=180)
CODE_LIFETIME = timedelta(minutes=2)
# How long what has expired is kept, so that a second use is still recognized.
SWEEP_AFTER = timedelta(days=1)
REFRESH, OAUTH1 = "r.", "1."
_CHALLENGE_METHODS = {"s256": "S256", "plain": "plain"}
_CHALLENGE_LENGTHS = range(1, 129)


class OAuthError(DomainError):
    """A refusal in the words of RFC 6749; `error` is the stable one."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail)
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """New tokens; this is the only time they can be seen."""

    access_token: str
    refresh_token: str
    scopes: str
    expires_in_seconds: int


def checked_scopes(*, wanted: str, access: str) -> str:
    """The scopes that an application asks for, sorted, without repeats.

    Raises:
        OAuthError: an unknown one, none, or one beyond what the application may ask for.
    """
    scopes = frozenset(wanted.split())
    unknown = scopes - SCOPES.keys()
    if unknown or not scopes:
        raise OAuthError("invalid_scope", f"No such scope: {' '.join(sorted(unknown)) or '(none)'}")
    if not within(access, scopes):
        raise OAuthError("invalid_scope", "This application may only read.")
    return " ".join(sorted(scopes))


def checked_method(method: str) -> str:
    """A PKCE method in its usual letters; none means plain (RFC 7636). Raises OAuthError."""
    found = _CHALLENGE_METHODS.get((method or "plain").lower())
    if found is None:
        raise OAuthError("invalid_request", "code_challenge_method must be S256 or plain.")
    return found


@transaction.atomic
def grant_code(
    *,
    application_id: int,
    user_id: int,
    redirect_uri: str,
    scopes: str,
    code_challenge: str,
    challenge_method: str,
    now: datetime,
) -> str:
    """Write down a consent; the code can be seen this once.

    Raises:
        OAuthError: the challenge has no or too many characters.
    """
    if len(code_challenge) not in _CHALLENGE_LENGTHS:
        raise OAuthError("invalid_request", "code_challenge has 1 to 128 characters.")
    AuthorizationCode.objects.filter(expires_at__lt=now - SWEEP_AFTER).delete()
    code = letters(60)
    AuthorizationCode.objects.create(
        digest=digest_of(code), application_id=application_id, user_id=user_id,
        family_id=ids.next_id(), redirect_uri=redirect_uri, scopes=scopes,
        code_challenge=code_challenge, challenge_method=challenge_method,
        expires_at=now + CODE_LIFETIME,
    )  # fmt: skip
    return code


def redeem_code(
    *, application_id: int, code: str, redirect_uri: str, verifier: str, now: datetime
) -> Issued:
    """Tokens for a code. One that comes a second time takes back what it gave.

    Raises:
        OAuthError: the code, the address or the verifier is not the right one.
    """
    with transaction.atomic():
        found = _redeemed(application_id, code, redirect_uri, verifier, now)
    if isinstance(found, Issued):
        return found
    _end_family(application_id, found, now)
    raise OAuthError("invalid_grant", "The authorization code is not valid.")


# What a second use tells: the family whose tokens must end; None: there is nothing to end.
_Family = int | None


def _redeemed(
    application_id: int, code: str, redirect_uri: str, verifier: str, now: datetime
) -> Issued | _Family:
    access = access_held(application_id)
    if access is None:
        return None
    rows = AuthorizationCode.objects.select_for_update()
    row = rows.filter(digest=digest_of(code), application_id=application_id).first()
    if row is None:
        return None
    if row.used_at is not None:
        return row.family_id
    row.used_at = now
    row.save(update_fields=["used_at"])
    if (
        row.expires_at <= now
        or row.redirect_uri != redirect_uri
        or not constant_time_compare(_challenge(row.challenge_method, verifier), row.code_challenge)
        or not _is_active(row.user_id)
        or not within(access, frozenset(row.scopes.split()))
    ):
        return None
    return _issue(application_id, row.user_id, row.family_id, row.scopes, now)


def _end_family(application_id: int, family_id: _Family, now: datetime) -> None:
    """In a transaction of its own: the refusal that follows must not undo it."""
    if family_id is None:
        return
    with transaction.atomic():
        Application.objects.select_for_update().filter(id=application_id).first()
        revoke_all(AccessToken.objects.filter(family_id=family_id), now)


def _challenge(method: str, verifier: str) -> str:
    if method == "plain":
        return verifier
    hashed = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(hashed).decode().rstrip("=")


def _is_active(user_id: int) -> bool:
    return User.objects.filter(id=user_id, suspended_at=None, is_active=True).exists()


def _issue(application_id: int, user_id: int, family_id: int, scopes: str, now: datetime) -> Issued:
    AccessToken.objects.filter(family_id=family_id, expires_at__lt=now - SWEEP_AFTER).delete()
    access_token, refresh_token = letters(64), ""
    shared = {
        "user_id": user_id, "application_id": application_id, "family_id": family_id,
        "scopes": scopes, "created_at": now,
    }  # fmt: skip
    AccessToken.objects.create(
        digest=digest_of(access_token), expires_at=now + ACCESS_LIFETIME, **shared
    )
    if OFFLINE in scopes.split():
        refresh_token = letters(64)
        AccessToken.objects.create(
            digest=REFRESH + digest_of(refresh_token), kind=AccessToken.Kind.REFRESH,
            expires_at=now + REFRESH_LIFETIME, **shared,
        )  # fmt: skip
    return Issued(
        access_token=access_token, refresh_token=refresh_token, scopes=scopes,
        expires_in_seconds=int(ACCESS_LIFETIME.total_seconds()),
    )  # fmt: skip


def refresh(*, application_id: int, refresh_token: str, now: datetime) -> Issued:
    """New tokens for a refresh token, which is void then. One that comes a second time was stolen,
    or its heir was: all tokens of that consent end.

    Raises:
        OAuthError: it is not valid, or not this application's.
    """
    with transaction.atomic():
        found = _refreshed(application_id, refresh_token, now)
    if isinstance(found, Issued):
        return found
    _end_family(application_id, found, now)
    raise OAuthError("invalid_grant", "The refresh token is not valid.")


def _refreshed(application_id: int, refresh_token: str, now: datetime) -> Issued | _Family:
    if access_held(application_id) is None:
        return None
    rows = AccessToken.objects.select_for_update().filter(application_id=application_id)
    row = rows.filter(digest=REFRESH + digest_of(refresh_token)).first()
    if row is None or row.user_id is None or row.family_id is None:
        return None
    if row.used_at is not None:
        return row.family_id
    if row.revoked_at is not None or (row.expires_at and row.expires_at <= now):
        return None
    if not _is_active(row.user_id):
        return None
    row.used_at = now
    row.save(update_fields=["used_at"])
    return _issue(application_id, row.user_id, row.family_id, row.scopes, now)


@transaction.atomic
def revoke(*, application_id: int, token: str, now: datetime) -> bool:
    """End a token of this application; a refresh token takes along what came of its consent.
    False if there was nothing to end."""
    digest = digest_of(token)
    Application.objects.select_for_update().filter(id=application_id).first()
    mine = AccessToken.objects.filter(application_id=application_id)
    if revoke_all(mine.filter(digest=digest), now):
        return True
    heir = mine.filter(digest=REFRESH + digest).first()
    return heir is not None and revoke_all(mine.filter(family_id=heir.family_id), now) > 0


@transaction.atomic
def revoke_grants(*, user_id: int, application_id: int, now: datetime) -> int:
    """Take back all that one person granted an application; how many tokens ended."""
    Application.objects.select_for_update().filter(id=application_id).first()
    codes = AuthorizationCode.objects.filter(user_id=user_id, application_id=application_id)
    codes.filter(used_at=None).update(used_at=now)
    tokens = AccessToken.objects.filter(user_id=user_id, application_id=application_id)
    return revoke_all(tokens, now)


@transaction.atomic
def revoke_person(*, user_id: int, now: datetime) -> int:
    """Take back all that a person granted any application, and what is on its way to be granted;
    how many tokens ended.

    In this order: who is redeeming something holds its row, and what they made is seen after it.
    """
    AuthorizationCode.objects.filter(user_id=user_id, used_at=None).update(used_at=now)
    RequestToken.objects.filter(user_id=user_id).delete()
    tokens = AccessToken.objects.filter(user_id=user_id, revoked_at=None)
    list(tokens.select_for_update().order_by("digest").values_list("digest", flat=True))
    return revoke_all(tokens, now)


@transaction.atomic
def app_only_token(*, application_id: int, now: datetime) -> str:
    """An application's own bearer token: the same one until it is invalidated.

    Raises:
        Forbidden: its owner is suspended.
    """
    one = Application.objects.select_for_update().get(id=application_id)
    if not _is_active(one.owner_id):
        raise Forbidden("This account is suspended.")
    while True:
        token = _app_only(one)
        row, _ = AccessToken.objects.get_or_create(
            digest=digest_of(token),
            defaults={
                "kind": AccessToken.Kind.APP, "application_id": one.id, "scopes": READ_SCOPES,
                "created_at": now,
            },
        )  # fmt: skip
        if row.revoked_at is None:
            return token
        one.bearer_generation += 1
        one.save(update_fields=["bearer_generation"])


def _app_only(one: Application) -> str:
    # Not stored, and not random: X's clients expect the same one again.
    return "A" * 22 + derived(f"app-only {one.id} {one.bearer_generation}", length=86)


@transaction.atomic
def invalidate_app_only(*, application_id: int, token: str, now: datetime) -> bool:
    """End an application's own bearer token; the next one is another. False if it is not that."""
    Application.objects.select_for_update().filter(id=application_id).first()
    mine = AccessToken.objects.filter(application_id=application_id, kind=AccessToken.Kind.APP)
    return revoke_all(mine.filter(digest=digest_of(token)), now) > 0


@transaction.atomic
def issue_oauth1(*, application_id: int, user_id: int, now: datetime) -> tuple[str, str]:
    """An OAuth 1.0a access token, `<user id>-<letters>`, and its secret; the only time they can be
    seen. It does not expire.

    Raises:
        Forbidden: the account is suspended. NotFound: the application is gone.
    """
    access = access_held(application_id)
    if access is None:
        raise NotFound("There is no such application.")
    if not _is_active(user_id):
        raise Forbidden("This account is suspended.")
    token, secret = f"{user_id}-{letters(40)}", letters(45)
    AccessToken.objects.create(
        digest=OAUTH1 + digest_of(token), kind=AccessToken.Kind.OAUTH1, user_id=user_id,
        application_id=application_id, secret=seal(secret), created_at=now,
        scopes=WRITE_SCOPES if access == Application.Access.WRITE else READ_SCOPES,
    )  # fmt: skip
    return token, secret
