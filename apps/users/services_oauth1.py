"""Verbs of the three steps in which OAuth 1.0a gets a token: ask, consent, fetch."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.crypto import constant_time_compare

from apps.infra.errors import Invalid, Unauthorized
from apps.users.models import RequestToken
from apps.users.sealing import seal
from apps.users.services import digest_of
from apps.users.services_apps import letters
from apps.users.services_tokens import SWEEP_AFTER, issue_oauth1

LIFETIME = timedelta(minutes=10)
# A PIN has seven digits, so guesses are few.
MAX_TRIES = 5
PIN_DIGITS = 7
OOB = "oob"


class FlowOver(Invalid):
    """The request token is unknown, too old, or was used."""

    code = "request_token_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An access token; this is the only time it can be seen."""

    token: str
    secret: str
    user_id: int


@transaction.atomic
def begin(
    *, application_id: int, redirect_uris: tuple[str, ...], callback: str | None, now: datetime
) -> tuple[str, str]:
    """A request token and its secret, for ten minutes.

    Args:
        redirect_uris: those that are registered.
        callback: one of them, or "oob" for a PIN; None takes the first that is registered.

    Raises:
        Invalid: the address was not registered.
    """
    wanted = callback if callback is not None else (*redirect_uris, OOB)[0]
    if wanted != OOB and wanted not in redirect_uris:
        raise Invalid("Callback URL not approved for this client application.")
    RequestToken.objects.filter(expires_at__lt=now - SWEEP_AFTER).delete()
    token, secret = letters(27), letters(32)
    RequestToken.objects.create(
        digest=digest_of(token), secret=seal(secret), application_id=application_id,
        callback=wanted, expires_at=now + LIFETIME,
    )  # fmt: skip
    return token, secret


@transaction.atomic
def consent(*, token: str, user_id: int, now: datetime) -> tuple[str, str]:
    """Write down that a person agrees; gives the callback and the verifier to bring there.

    Raises:
        FlowOver: also if somebody agreed or refused before.
    """
    row = _waiting(token, now)
    is_pin = row.callback == OOB
    verifier = f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}}" if is_pin else letters(32)
    row.user_id, row.verifier_digest = user_id, digest_of(verifier)
    row.save(update_fields=["user_id", "verifier_digest"])
    return row.callback, verifier


@transaction.atomic
def refuse(*, token: str, now: datetime) -> str:
    """Write down that a person does not agree; gives the callback. Raises FlowOver."""
    row = _waiting(token, now)
    row.delete()
    return row.callback


def _waiting(token: str, now: datetime) -> RequestToken:
    rows = RequestToken.objects.select_for_update()
    row = rows.filter(digest=digest_of(token), user_id=None, expires_at__gt=now).first()
    if row is None:
        raise FlowOver("This request is over. Go back to the application and begin again.")
    return row


def fetch(*, application_id: int, token: str, verifier: str, now: datetime) -> Fetched:
    """The access token, once; a request token is void after five wrong verifiers.

    Raises:
        Unauthorized: nobody agreed, the verifier is wrong, or it is over.
    """
    with transaction.atomic():
        found = _fetched(application_id, token, verifier, now)
    # Outside: the count of tries stays.
    if found is None:
        raise Unauthorized("Error processing your OAuth request: Invalid oauth_verifier parameter")
    return found


def _fetched(application_id: int, token: str, verifier: str, now: datetime) -> Fetched | None:
    rows = RequestToken.objects.select_for_update()
    row = rows.filter(
        digest=digest_of(token), application_id=application_id, expires_at__gt=now
    ).first()
    if row is None or row.user_id is None:
        return None
    if not constant_time_compare(digest_of(verifier), row.verifier_digest):
        row.tries += 1
        if row.tries >= MAX_TRIES:
            row.delete()
        else:
            row.save(update_fields=["tries"])
        return None
    row.delete()
    made, secret = issue_oauth1(application_id=application_id, user_id=row.user_id, now=now)
    return Fetched(token=made, secret=secret, user_id=row.user_id)
