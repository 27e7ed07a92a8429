"""Pages of who gets in: devices, what happened, a new password."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from apps.infra import clock
from apps.infra.errors import DomainError, RateLimited
from apps.infra.web import pages
from apps.users import attempts, letters, queries_security, services_security
from apps.users.forms import PasswordForm
from apps.users.hashing import HashingBusy, hashing
from apps.users.models import SecurityEvent
from apps.users.visits import visit_of

SHOWN_EVENTS = 20
_Kind = SecurityEvent.Kind
SENTENCES = {
    _Kind.SIGNED_UP: gettext_lazy("Account opened"),
    _Kind.SIGNED_IN: gettext_lazy("Logged in"),
    _Kind.PASSWORD_CHANGED: gettext_lazy("Password changed"),
    _Kind.PASSWORD_RESET: gettext_lazy("Password set with a link"),
    _Kind.EMAIL_CHANGED: gettext_lazy("E-mail address confirmed"),
    _Kind.EMAIL_REMOVED: gettext_lazy("E-mail address removed"),
    _Kind.DEVICE_ENDED: gettext_lazy("A device was logged out"),
    _Kind.OTHERS_ENDED: gettext_lazy("All other devices were logged out"),
}


def _key(request: HttpRequest) -> str:
    return request.session.session_key or ""


@never_cache
@pages.members
async def security(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Where one is logged in, and what happened lately."""
    # Also a session that began before devices were kept.
    await sync_to_async(services_security.keep_device)(
        user_id=viewer.pk, session_key=_key(request), visit=visit_of(request), now=clock.now()
    )
    events = await queries_security.security_events_of(viewer.pk, limit=SHOWN_EVENTS)
    context = {
        "tab": "settings",
        "page": "security",
        "heading": _("Security"),
        "devices": await queries_security.devices_of(viewer.pk, session_key=_key(request)),
        "events": [(one, SENTENCES[_Kind(one.kind)]) for one in events],
    }
    return pages.page(request, "users/security.html", viewer, context)


@pages.deed
async def end_device(request: HttpRequest, viewer: Any, device_id: int) -> HttpResponseBase:
    """Log a device out."""
    await sync_to_async(services_security.end_device)(
        user_id=viewer.pk, device_id=device_id, visit=visit_of(request), now=clock.now()
    )
    return pages.done(request, _("The device is logged out."), fallback="/settings/security")


@pages.deed
async def end_others(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Log all devices out but this one."""
    await sync_to_async(services_security.end_others)(
        user_id=viewer.pk, session_key=_key(request), visit=visit_of(request), now=clock.now()
    )
    return pages.done(
        request, _("All other devices are logged out."), fallback="/settings/security"
    )


def _change(request: HttpRequest, user_id: int, given: dict[str, str]) -> None:
    visit, now = visit_of(request), clock.now()
    user = services_security.change_password(
        user_id=user_id, session_key=_key(request), visit=visit, now=now, **given
    )
    # Another key: who has read the old one is out, too.
    update_session_auth_hash(request, user)
    services_security.keep_device(user_id=user_id, session_key=_key(request), visit=visit, now=now)


@never_cache
@sensitive_post_parameters("current", "password")
@pages.members
async def settings_password(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Change the password; whoever else is logged in is not any more."""
    form, status = PasswordForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST" and form.is_valid():
        attempt = attempts.LogIn(request, viewer.username)
        try:
            await attempt.begin()
            await hashing(_change, request, viewer.pk, dict(form.cleaned_data))
        except HashingBusy:
            await attempt.give_back()
            raise
        except DomainError as error:
            form.refuse(error)
            status = error.status if isinstance(error, RateLimited) else pages.INVALID
        else:
            letters.start(sync_to_async(services_security.tell_of_password)(user_id=viewer.pk))
            messages.success(request, _("Your password is new. All other devices are logged out."))
            response = HttpResponseRedirect("/settings/security")
            await attempt.succeeded(response)
            return response
    elif form.errors:
        status = pages.INVALID
    context = {
        "tab": "settings",
        "page": "security",
        "heading": _("Password"),
        "action": "/settings/password",
        "form": form,
    }
    return pages.page(request, "users/password.html", viewer, context, status=status)
