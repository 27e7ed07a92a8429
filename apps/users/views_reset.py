"""Pages of a forgotten password, and of the e-mail address that brings a new one."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from apps.infra import clock
from apps.infra.errors import DomainError, RateLimited
from apps.infra.web import pages
from apps.users import attempts, letters, services_letters
from apps.users.forms import EmailForm, NewPasswordForm, ResetForm
from apps.users.hashing import HashingBusy, hashing


async def _send(wanted: str) -> None:
    if await attempts.may_get_letter(wanted):
        await sync_to_async(services_letters.send_reset)(wanted=wanted, now=clock.now())


@never_cache
@pages.everyone
async def reset(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """Ask for a link. The answer and the time it takes are the same for every name."""
    form = ResetForm(request.POST or None)
    context: dict[str, Any] = {"form": form, "sent": False}
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            await attempts.letter_asked(request)
        except RateLimited as error:
            form.refuse(error)
            response = pages.page(request, "users/reset.html", None, context, status=error.status)
            response.headers["Retry-After"] = str(error.retry_after_seconds)
            return response
        letters.start(_send(form.cleaned_data["account"]))
        context["sent"] = True
    elif form.errors:
        status = pages.INVALID
    return pages.page(request, "users/reset.html", None, context, status=status)


@never_cache
@sensitive_post_parameters("password")
@pages.everyone
async def new_password(
    request: HttpRequest, viewer: Any | None, user_id: int, token: str
) -> HttpResponseBase:
    """Choose a new password with the link of a letter."""
    form = NewPasswordForm(request.POST or None)
    context = {"form": form, "action": request.path}
    try:
        await sync_to_async(services_letters.ensure_link)(user_id=user_id, token=token)
        if request.method == "POST" and form.is_valid():
            await hashing(
                services_letters.reset_password,
                user_id=user_id, token=token, now=clock.now(), **form.cleaned_data,
            )  # fmt: skip
            messages.success(request, _("Your password is new. Log in with it."))
            return HttpResponseRedirect("/login")
    except services_letters.LinkOver as error:
        over = {"form": ResetForm(), "sent": False, "over": error.detail}
        return pages.page(request, "users/reset.html", None, over, status=error.status)
    except HashingBusy:
        raise
    except DomainError as error:
        form.refuse(error)
    status = pages.INVALID if form.errors else 200
    response = pages.page(request, "users/new_password.html", None, context, status=status)
    # The address of this page opens the account: no other site is told it.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@sensitive_post_parameters("password")
@pages.members
async def settings_email(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Say where a link to a new password may go."""
    if request.method == "POST" and "forget" in request.POST:
        await sync_to_async(services_letters.forget_email)(user_id=viewer.pk, now=clock.now())
        messages.success(request, _("The address is removed."))
        return HttpResponseRedirect("/settings/email")
    form = EmailForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            await attempts.letter_asked(request)
            address = await hashing(
                services_letters.send_confirmation,
                user_id=viewer.pk, now=clock.now(), **form.cleaned_data,
            )  # fmt: skip
        except HashingBusy:
            raise
        except DomainError as error:
            form.refuse(error)
            status = error.status if isinstance(error, RateLimited) else pages.INVALID
        else:
            text = _("A link is on its way to %(address)s. Follow it to confirm the address.")
            messages.success(request, text % {"address": address})
            return HttpResponseRedirect("/settings/email")
    context = {
        "tab": "settings",
        "page": "email",
        "heading": _("E-mail"),
        "action": "/settings/email",
        "form": form,
    }
    status = pages.INVALID if form.errors and status == 200 else status  # noqa: PLR2004
    return pages.page(request, "users/email.html", viewer, context, status=status)


@pages.members
async def confirm_email(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """The link of the letter to a new address, opened by its account."""
    token = request.GET.get("token", "")
    await sync_to_async(services_letters.confirm_email)(
        user_id=viewer.pk, token=token, now=clock.now()
    )
    messages.success(request, _("Your address is confirmed."))
    return HttpResponseRedirect("/settings/email")
