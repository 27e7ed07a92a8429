"""Pages of accounts: sign-up, log-in, settings, about."""

from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from apps.infra import clock
from apps.infra.errors import DomainError, Forbidden, RateLimited
from apps.infra.web import pages
from apps.users import attempts, letters, services, services_security
from apps.users.backends import UsernameBackend
from apps.users.forms import (
    AppearanceForm,
    DomainForm,
    LogInForm,
    PrivacyForm,
    ProfileForm,
    SignUpForm,
)
from apps.users.hashing import HashingBusy, hashing
from apps.users.models import SecurityEvent
from apps.users.visits import visit_of

HOME = "/home"
THEME_AGE_SECONDS = 365 * 24 * 3600


def _enter(request: HttpRequest, username: str, password: str) -> bool:
    """Start a session; False when name and password do not fit."""
    user = authenticate(request, username=username, password=password)
    if user is None:
        return False
    login(request, user)
    _note(request, user.pk, SecurityEvent.Kind.SIGNED_IN)
    return True


def _note(request: HttpRequest, user_id: int, kind: str) -> None:
    services_security.signed_in(
        user_id=user_id,
        session_key=request.session.session_key or "",
        visit=visit_of(request),
        kind=kind,
        now=clock.now(),
    )


async def _alert(request: HttpRequest) -> None:
    await sync_to_async(services_security.alert_if_new)(
        user_id=int(request.session[SESSION_KEY]), visit=visit_of(request), now=clock.now()
    )


async def _let_in(
    attempt: attempts.LogIn, request: HttpRequest, username: str, password: str
) -> bool:
    try:
        return await hashing(_enter, request, username, password)
    except HashingBusy:
        await attempt.give_back()
        raise


@never_cache
@sensitive_post_parameters("password")
@pages.everyone
async def log_in(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """Log in, then go where one wanted to go, or back to where one was."""
    was = pages.came_from(request, HOME) if request.method == "GET" else HOME
    # From the front one does not come back to it: it is for visitors.
    target = pages.next_path(request, HOME if was == "/" else was)
    if viewer is not None:
        return HttpResponseRedirect(target)
    form, refusal = LogInForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        username = given["username"].removeprefix("@")
        attempt = attempts.LogIn(request, username)
        try:
            await attempt.begin()
            if await _let_in(attempt, request, username, given["password"]):
                response = HttpResponseRedirect(target)
                await attempt.succeeded(response)
                letters.start(_alert(request))
                return response
            form.add_error(None, _("The user name or the password is wrong."))
        except RateLimited as error:
            refusal = error
            form.refuse(error)
    return _form_page(request, "users/login.html", {"form": form, "next": target}, refusal)


def _form_page(
    request: HttpRequest, template: str, context: dict[str, Any], refusal: RateLimited | None
) -> HttpResponse:
    """A visitor's form; where one has to wait, it says how long."""
    if refusal is None:
        status = pages.INVALID if context["form"].errors else 200
        return pages.page(request, template, None, context, status=status)
    response = pages.page(request, template, None, context, status=refusal.status)
    response.headers["Retry-After"] = str(refusal.retry_after_seconds)
    return response


@pages.everyone
async def log_in_as_staff(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """The admin's log-in is everybody's: there is one door, and one count of attempts."""
    if viewer is not None and not viewer.is_staff:
        raise Forbidden(_("You do not have the right to see this page."))
    return HttpResponseRedirect(
        "/login?" + urlencode({"next": pages.next_path(request, "/admin/")})
    )


def _join(request: HttpRequest, username: str, password: str, name: str) -> None:
    made = services.create_user(username=username, password=password, name=name, now=clock.now())
    # Not `_enter`, which would hash the password once more.
    login(request, UsernameBackend().get_user(made.id))
    _note(request, made.id, SecurityEvent.Kind.SIGNED_UP)


@never_cache
@sensitive_post_parameters("password")
@pages.everyone
async def sign_up(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """Open an account and log in, then go where one wanted to go."""
    target = pages.next_path(request, HOME)
    if viewer is not None:
        return HttpResponseRedirect(target)
    form, refusal = SignUpForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        try:
            await attempts.sign_up(request)
            await hashing(_join, request, **form.cleaned_data)
        except RateLimited as error:
            refusal = error
            form.refuse(error)
        except HashingBusy:
            await attempts.sign_up_failed(request)
            raise
        except DomainError as error:
            await attempts.sign_up_failed(request)
            form.refuse(error)
        else:
            messages.success(
                request, _("Welcome. Follow a few people and their posts appear here.")
            )
            return HttpResponseRedirect(target)
    return _form_page(request, "users/signup.html", {"form": form, "next": target}, refusal)


@pages.deed
async def log_out(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """End the session."""
    await sync_to_async(logout)(request)
    return HttpResponseRedirect("/")


def _settings_page(
    request: HttpRequest, viewer: Any, name: str, form: Any, **more: Any
) -> HttpResponse:
    headings = {"profile": _("Profile"), "privacy": _("Privacy"), "appearance": _("Appearance")}
    templates = {"profile": "settings", "privacy": "privacy", "appearance": "appearance"}
    context = {
        "tab": "settings",
        "page": name,
        "heading": headings[name],
        "action": f"/settings/{name}",
        "form": form,
        **more,
    }
    status = pages.INVALID if form.errors else 200
    return pages.page(request, f"users/{templates[name]}.html", viewer, context, status=status)


def _saved(request: HttpRequest, name: str) -> HttpResponse:
    messages.success(request, _("Changes saved."))
    return HttpResponseRedirect(f"/settings/{name}")


async def _submit(form: DomainForm, service: Any, **arguments: Any) -> bool:
    """Call a service with the form's values; False when one of the two refused."""
    if not form.is_valid():
        return False
    try:
        await sync_to_async(service)(**arguments, now=clock.now(), **form.cleaned_data)
    except DomainError as error:
        form.refuse(error)
        return False
    return True


@pages.members
async def settings_profile(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Change the public profile."""
    current = {name: getattr(viewer, name) for name in ("name", "bio", "location", "url")}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=current)
    if request.method == "POST" and await _submit(form, services.update_profile, user_id=viewer.pk):
        return _saved(request, "profile")
    return _settings_page(request, viewer, "profile", form)


def _protect(*, user_id: int, is_protected: bool, now: Any) -> None:
    services.set_protected(user_id=user_id, protected=is_protected, now=now)


@pages.members
async def settings_privacy(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Protect the account, or open it again."""
    current = {"is_protected": viewer.is_protected}
    form = PrivacyForm(request.POST if request.method == "POST" else None, initial=current)
    if request.method == "POST" and await _submit(form, _protect, user_id=viewer.pk):
        return _saved(request, "privacy")
    return _settings_page(request, viewer, "privacy", form)


@pages.members
async def settings_appearance(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Choose the theme; kept in a cookie of this browser."""
    form = AppearanceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        response = _saved(request, "appearance")
        response.set_cookie(
            pages.THEME_COOKIE,
            form.cleaned_data["theme"],
            max_age=THEME_AGE_SECONDS,
            samesite="Lax",
            httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
        )
        return response
    return _settings_page(request, viewer, "appearance", form, themes=AppearanceForm.THEMES)


@pages.everyone
async def about(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """What this place is; with `?keys`, the list of keys alone for the dialog."""
    if pages.is_part(request) and "keys" in request.GET:
        return pages.page(request, "parts/keys_sheet.html", viewer)
    return pages.page(request, "about.html", viewer)
