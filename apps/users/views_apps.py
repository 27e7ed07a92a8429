"""Pages of applications: those that one makes (/developer/apps), those that one lets act
(/settings/apps)."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from apps.infra import clock
from apps.infra.errors import DomainError, NotFound
from apps.infra.web import pages
from apps.users import attempts, queries_apps, services_apps, services_tokens
from apps.users.forms import ApplicationForm, NewApplicationForm
from apps.users.permissions import SCOPES
from apps.users.schemas import ApplicationOut
from apps.users.services_apps import Keys

MINE = "/developer/apps"
TOO_MANY = 429


async def _mine(viewer: Any, application_id: int) -> ApplicationOut:
    """An application of the viewer; that of somebody else does not exist either."""
    one = await queries_apps.application_by_id(application_id)
    if one is None or one.owner_id != viewer.pk:
        raise NotFound(_("This page is gone or never was."))
    return one


@pages.members
async def applications(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """What one has registered, newest first."""
    found = await queries_apps.applications_of(viewer.pk)
    return pages.page(request, "users/apps.html", viewer, {"list": found, "tab": "settings"})


def _shown_once(
    request: HttpRequest, viewer: Any, application_id: int, secrets: list[tuple[Any, str]]
) -> HttpResponse:
    context = {
        "secrets": [(label, value) for label, value in secrets if value],
        "application_id": application_id,
        "tab": "settings",
    }
    response = pages.page(request, "users/app_keys.html", viewer, context)
    # Neither the browser nor anything on the way may keep it.
    response.headers["Cache-Control"] = "no-store"
    return response


def _of_keys(keys: Keys) -> list[tuple[Any, str]]:
    return [
        (_("API key"), keys.consumer_key),
        (_("API key secret"), keys.consumer_secret),
        (_("Client ID"), keys.client_id),
        (_("Client secret"), keys.client_secret),
    ]


@never_cache
@pages.members
async def new_application(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Register an application; its secrets are in the answer, and nowhere else."""
    form = NewApplicationForm(request.POST if request.method == "POST" else None)
    wait: int | None = None
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        try:
            await attempts.new_keys(viewer.pk)
            keys = await sync_to_async(services_apps.create_application)(
                owner_id=viewer.pk,
                now=clock.now(),
                is_confidential=not given.pop("is_public"),
                **given,
            )
        except DomainError as error:
            form.refuse(error)
            wait = error.retry_after_seconds
        else:
            return _shown_once(request, viewer, keys.application_id, _of_keys(keys))
    context = {"form": form, "tab": "settings", "heading": _("New application")}
    status = pages.INVALID if form.errors else 200
    response = pages.page(
        request, "users/app_form.html", viewer, context, status=TOO_MANY if wait else status
    )
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


@pages.members
async def application(request: HttpRequest, viewer: Any, application_id: int) -> HttpResponseBase:
    """Change an application, and make its keys anew."""
    one = await _mine(viewer, application_id)
    current = {name: getattr(one, name) for name in ("name", "description", "website", "access")}
    current["redirect_uris"] = "\n".join(one.redirect_uris)
    form = ApplicationForm(request.POST if request.method == "POST" else None, initial=current)
    if request.method == "POST" and form.is_valid():
        try:
            await sync_to_async(services_apps.update_application)(
                owner_id=viewer.pk, application_id=one.id, now=clock.now(), **form.cleaned_data
            )
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Changes saved."))
            return HttpResponseRedirect(f"{MINE}/{one.id}")
    context = {"form": form, "app": one, "tab": "settings", "heading": one.name}
    status = pages.INVALID if form.errors else 200
    return pages.page(request, "users/app_form.html", viewer, context, status=status)


def _made(kind: str, viewer: Any, application_id: int) -> list[tuple[Any, str]]:
    """New keys of a kind, as (label, value). Raises NotFound and what the services raise."""
    who: dict[str, Any] = {"application_id": application_id, "now": clock.now()}
    if kind == "consumer":
        return _of_keys(services_apps.regenerate_consumer(owner_id=viewer.pk, **who))
    if kind == "client":
        return _of_keys(services_apps.regenerate_client_secret(owner_id=viewer.pk, **who))
    if kind == "bearer":
        return [(_("Bearer token"), services_tokens.app_only_token(**who))]
    if kind == "own":
        token, secret = services_tokens.issue_oauth1(user_id=viewer.pk, **who)
        return [(_("Access token"), token), (_("Access token secret"), secret)]
    raise NotFound(_("This page is gone or never was."))


@never_cache
@pages.deed
async def new_keys(
    request: HttpRequest, viewer: Any, application_id: int, kind: str
) -> HttpResponseBase:
    """Make keys or a token; they are in the answer, and nowhere else."""
    await _mine(viewer, application_id)
    await attempts.new_keys(viewer.pk)
    secrets = await sync_to_async(_made)(kind, viewer, application_id)
    return _shown_once(request, viewer, application_id, secrets)


@pages.members
async def delete(request: HttpRequest, viewer: Any, application_id: int) -> HttpResponseBase:
    """Ask, then delete an application with all its tokens."""
    one = await _mine(viewer, application_id)
    if request.method == "POST":
        await sync_to_async(services_apps.delete_application)(
            owner_id=viewer.pk, application_id=one.id, now=clock.now()
        )
        messages.success(request, _("The application is gone, and so is all it was allowed."))
        return HttpResponseRedirect(MINE)
    context = {
        "action": request.path,
        "question": _("Delete %(name)s?") % {"name": one.name},
        "consequence": _("It stops working for everybody who uses it, at once and for good."),
        "yes": _("Delete"),
        "no": _("Keep"),
        "back": f"{MINE}/{one.id}",
    }
    return pages.page(request, "parts/confirm_page.html", viewer, context)


@pages.members
async def granted(request: HttpRequest, viewer: Any) -> HttpResponseBase:
    """Which applications one lets act, and what they may do."""
    grants = await queries_apps.grants_of(viewer.pk)
    context = {
        "tab": "settings",
        "page": "apps",
        "heading": _("Applications"),
        "list": [(one, [SCOPES[word] for word in one.scopes if word in SCOPES]) for one in grants],
    }
    return pages.page(request, "users/granted.html", viewer, context)


@pages.deed
async def take_back(request: HttpRequest, viewer: Any, application_id: int) -> HttpResponseBase:
    """Take back all that one granted an application."""
    await sync_to_async(services_tokens.revoke_grants)(
        user_id=viewer.pk, application_id=application_id, now=clock.now()
    )
    return pages.done(request, _("The permission is taken back."), fallback="/settings/apps")
