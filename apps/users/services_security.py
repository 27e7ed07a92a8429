"""Where an account is logged in, what happened to its door, and a new password for it.

A device is a session's row with a name. Ending one deletes the session, which every process hears
of: the next request from there is a visitor's. Of events each account keeps its newest.
"""

from datetime import datetime

from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import transaction
from django.utils.translation import gettext as _

from apps.infra.errors import NotFound
from apps.users.models import Device, SecurityEvent, User
from apps.users.schemas import Visit
from apps.users.services import BadProfile

Kind = SecurityEvent.Kind
# Of one account. More devices than anybody has; the one that was there longest is logged out.
MAX_DEVICES, MAX_EVENTS = 50, 100
NOWHERE = Visit("", "")


def note(*, user_id: int, kind: str, now: datetime, visit: Visit = NOWHERE) -> None:
    """Write down that something happened to an account's door."""
    events = SecurityEvent.objects.filter(user_id=user_id).order_by("-id")
    SecurityEvent.objects.create(
        user_id=user_id, kind=kind, agent=visit.agent, network=visit.network, at=now
    )
    if old := events.values_list("id", flat=True)[MAX_EVENTS : MAX_EVENTS + 1].first():
        SecurityEvent.objects.filter(user_id=user_id, id__lte=old).delete()


@transaction.atomic
def signed_in(*, user_id: int, session_key: str, visit: Visit, kind: str, now: datetime) -> None:
    """A session began: it is a device from now on.

    Args:
        kind: SIGNED_IN or SIGNED_UP.
    """
    keep_device(user_id=user_id, session_key=session_key, visit=visit, now=now)
    note(user_id=user_id, kind=kind, visit=visit, now=now)


def keep_device(*, user_id: int, session_key: str, visit: Visit, now: datetime) -> None:
    """Have a session in the list of devices; it stays as it is if it is there."""
    Device.objects.get_or_create(
        session_key=session_key,
        defaults={
            "user_id": user_id, "agent": visit.agent, "network": visit.network, "signed_in_at": now,
        },
    )  # fmt: skip
    mine = Device.objects.filter(user_id=user_id).order_by("-signed_in_at", "-id")
    for one in mine[MAX_DEVICES:]:
        _end(one.session_key)


def _end(session_key: str) -> None:
    # Row by row: each is announced.
    for session in Session.objects.filter(session_key=session_key):
        session.delete()
    Device.objects.filter(session_key=session_key).delete()


def alert_if_new(*, user_id: int, visit: Visit, now: datetime) -> bool:
    """Tell an account's address of a log-in from where there was none before; whether it was told.

    New is a browser and a network that were never noted together, unless this is the first
    log-in of all. Call it after the log-in was noted, where nobody waits for it.
    """
    user = User.objects.filter(id=user_id).first()
    entered = SecurityEvent.objects.filter(
        user_id=user_id, kind__in=(Kind.SIGNED_IN, Kind.SIGNED_UP)
    )
    same = entered.filter(agent=visit.agent, network=visit.network)
    if user is None or not user.email or same.count() > 1 or entered.count() == same.count():
        return False
    body = _(
        "Somebody logged in to @%(name)s at TwitterLite from a browser that was not seen before:\n"
        "%(agent)s, %(network)s\n\n"
        "If it was you, all is well. If not, change your password: that logs out all other"
        " devices.\n%(link)s"
    ) % {
        "name": user.username,
        "agent": visit.agent or "?",
        "network": visit.network or "?",
        "link": _address("settings/password"),
    }
    send_mail(_("A new log-in to TwitterLite"), body, None, [user.email])
    return True


def tell_of_password(*, user_id: int) -> None:
    """Tell an account's address that its password was changed."""
    user = User.objects.filter(id=user_id).first()
    if user is None or not user.email:
        return
    body = _(
        "The password of @%(name)s at TwitterLite was changed.\n\n"
        "If it was not you, choose a new one with a link that we send to this address:\n%(link)s"
    ) % {"name": user.username, "link": _address("reset")}
    send_mail(_("Your password for TwitterLite was changed"), body, None, [user.email])


def _address(path: str) -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}/{path}"


@transaction.atomic
def change_password(
    *, user_id: int, current: str, password: str, session_key: str, visit: Visit, now: datetime
) -> User:
    """Set a new password for who knows the old one. All other devices are logged out.

    The caller gives its own session the new password's hash.

    Returns:
        The account with the new password.

    Raises:
        BadProfile: not the password, or the new one is too weak.
    """
    user = User.objects.select_for_update().get(id=user_id)
    if not user.check_password(current):
        raise BadProfile(_("This is not your password."), field="current")
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise BadProfile(" ".join(error.messages), field="password") from error
    user.set_password(password)
    # Announces the account: sessions carry a digest of the old password.
    user.save(update_fields=["password"])
    for one in Device.objects.filter(user_id=user_id).exclude(session_key=session_key):
        _end(one.session_key)
    note(user_id=user_id, kind=Kind.PASSWORD_CHANGED, visit=visit, now=now)
    return user


@transaction.atomic
def end_device(*, user_id: int, device_id: int, visit: Visit, now: datetime) -> None:
    """Log a device of one's own out. Raises NotFound."""
    found = Device.objects.filter(user_id=user_id, id=device_id).first()
    if found is None:
        raise NotFound(_("This device is logged out already."))
    _end(found.session_key)
    note(user_id=user_id, kind=Kind.DEVICE_ENDED, visit=visit, now=now)


@transaction.atomic
def end_others(*, user_id: int, session_key: str, visit: Visit, now: datetime) -> int:
    """Log all devices of an account out but one; how many these were."""
    others = list(Device.objects.filter(user_id=user_id).exclude(session_key=session_key))
    for one in others:
        _end(one.session_key)
    if others:
        note(user_id=user_id, kind=Kind.OTHERS_ENDED, visit=visit, now=now)
    return len(others)
