"""Letters to people, and what their links do: a new password, a confirmed address.

A link is a signed token, nothing is stored. That of a reset holds a digest over the password and
the last log-in, so it is good once and dies with either.
"""

from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.infra.errors import Invalid, NotFound
from apps.users import services_security
from apps.users.models import SecurityEvent, User
from apps.users.services import BadProfile, EmailTaken, checked_email
from apps.users.services_tokens import revoke_person

CONFIRM_SECONDS = 24 * 3600
_SALT = "users.confirm_email"
Kind = SecurityEvent.Kind


class LinkOver(Invalid):
    """The link is old, was used, or never was one."""

    code = "link_over"

    def __init__(self) -> None:
        super().__init__(_("This link is over. Ask for a new one."))


class _Addressee(NamedTuple):
    id: int
    username: str
    email: str
    token: str


def _find(wanted: str) -> _Addressee | None:
    """Whose e-mail address or user name this is, if a letter can reach them."""
    wanted = wanted.strip().removeprefix("@")
    column = "email__iexact" if "@" in wanted else "username__iexact"
    user = User.objects.filter(**{column: wanted}).order_by("id").first()
    if user is None or not user.email or not user.is_active or user.suspended_at is not None:
        return None
    return _Addressee(user.pk, user.username, user.email, default_token_generator.make_token(user))


def send_reset(*, wanted: str, now: datetime) -> None:
    """Send whoever has this e-mail address or user name a link that sets a new password.

    In the language that is active. Says nothing of whether there is such an account: call it where
    nobody waits for it.
    """
    found = _find(wanted)
    if found is None:
        return
    minutes = settings.PASSWORD_RESET_TIMEOUT // 60
    body = _(
        "Somebody, probably you, asked for a new password for @%(name)s at TwitterLite.\n\n"
        "Choose it here within %(n)d minutes:\n%(link)s\n\n"
        "If it was not you, do nothing: the password stays as it is."
    ) % {
        "name": found.username,
        "n": minutes,
        "link": f"{settings.PUBLIC_URL.rstrip('/')}/reset/{found.id}/{found.token}",
    }
    send_mail(_("A new password for TwitterLite"), body, None, [found.email])


def _resetting(user_id: int, token: str) -> User:
    rows = User.objects.select_for_update().filter(id=user_id, is_active=True, suspended_at=None)
    user = rows.first()
    if user is None or not default_token_generator.check_token(user, token):
        raise LinkOver
    return user


@transaction.atomic
def ensure_link(*, user_id: int, token: str) -> None:
    """Raises LinkOver unless the link of a reset still works."""
    _resetting(user_id, token)


@transaction.atomic
def reset_password(*, user_id: int, token: str, password: str, now: datetime) -> None:
    """Set a new password. Every session of the account ends, so does all that applications were
    granted, and the link is used up.

    Raises:
        LinkOver. BadProfile: the password is too weak.
    """
    user = _resetting(user_id, token)
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise BadProfile(" ".join(error.messages), field="password") from error
    user.set_password(password)
    # Whoever was in the account may have let an application in.
    revoke_person(user_id=user_id, now=now)
    # Announces the account: sessions carry a digest of the old password and end.
    user.save(update_fields=["password"])
    services_security.end_others(
        user_id=user_id, session_key="", visit=services_security.NOWHERE, now=now
    )
    services_security.note(user_id=user_id, kind=Kind.PASSWORD_RESET, now=now)


def send_confirmation(*, user_id: int, email: str, password: str, now: datetime) -> str:
    """Send a link to a new address of an account; until it is followed nothing changes.

    Also to an address that another account has: only who reads its letters learns that.

    Raises:
        BadProfile: no address, or not the account's password.
    """
    address = checked_email(email)
    if address is None:
        raise BadProfile(_("This is not an e-mail address."), field="email")
    user = User.objects.filter(id=user_id).first()
    if user is None or not user.check_password(password):
        raise BadProfile(_("This is not your password."), field="password")
    token = signing.dumps([user_id, address], salt=_SALT)
    link = f"{settings.PUBLIC_URL.rstrip('/')}/settings/email/confirm?token={token}"
    body = _(
        "Follow this link within a day to use this address for @%(name)s at TwitterLite:\n"
        "%(link)s\n\nIf you do not know what this is about, do nothing."
    ) % {"name": user.username, "link": link}
    send_mail(_("Confirm your e-mail address for TwitterLite"), body, None, [address])
    return address


def confirm_email(*, user_id: int, token: str, now: datetime) -> str:
    """Take the address that a link was sent to.

    Raises:
        LinkOver: not a link of this account. EmailTaken.
    """
    try:
        owner_id, address = signing.loads(token, salt=_SALT, max_age=CONFIRM_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        raise LinkOver from None
    if owner_id != user_id:
        raise LinkOver
    user = User.objects.filter(id=user_id).first()
    if user is None:
        raise NotFound(_("There is no such account."))
    user.email = address
    try:
        with transaction.atomic():
            user.save(update_fields=["email"])
            services_security.note(user_id=user_id, kind=Kind.EMAIL_CHANGED, now=now)
    except IntegrityError as error:
        raise EmailTaken(_("This address has an account already."), field="email") from error
    return str(address)


def forget_email(*, user_id: int, now: datetime) -> None:
    """Remove the account's address."""
    user = User.objects.filter(id=user_id).first()
    if user is not None and user.email:
        user.email = None
        user.save(update_fields=["email"])
        services_security.note(user_id=user_id, kind=Kind.EMAIL_REMOVED, now=now)
