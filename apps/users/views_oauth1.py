"""OAuth 1.0a: the three steps in which an application gets a person's token."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any
from urllib.parse import parse_qs, urlencode

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from apps.infra import clock
from apps.infra.errors import Invalid
from apps.infra.web import pages, problems
from apps.infra.web.threads import in_thread
from apps.users import attempts, queries, queries_apps, services_oauth1
from apps.users.permissions import READ_SCOPES, WRITE_SCOPES
from apps.users.schemas import ApplicationOut
from apps.users.sealing import unseal
from apps.users.services_oauth1 import OOB
from apps.users.signing import BadSignature, Signed, prove, signed_request
from apps.users.views_oauth import back, consent

Endpoint = Callable[[HttpRequest], Coroutine[Any, Any, dict[str, str]]]


def _endpoint(endpoint: Endpoint) -> Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]:
    """POST only (GET too, as on X); the answer is a form. Errors are problems of the API."""

    @csrf_exempt
    @wraps(endpoint)
    async def answer(request: HttpRequest) -> HttpResponse:
        if request.method not in {"POST", "GET"}:
            return problems.not_allowed("GET, POST").response()
        await attempts.token_asked(request)
        told = urlencode(await endpoint(request))
        await attempts.token_given(request)
        response = HttpResponse(told, content_type="application/x-www-form-urlencoded")
        response.headers["Cache-Control"] = "no-store"
        return response

    return answer


def _given(signed: Signed, name: str) -> str | None:
    """A member of the OAuth header, or of the form or query."""
    if name in signed.oauth:
        return signed.oauth[name]
    for text in (signed.body.decode("utf-8", "replace"), signed.query):
        found = parse_qs(text, keep_blank_values=True)
        if name in found:
            return found[name][0]
    return None


async def _consumer(signed: Signed) -> tuple[ApplicationOut, str]:
    """The application that signed, and its secret. Raises BadSignature."""
    found = await queries_apps.application_by_consumer_key(signed.consumer_key)
    secret = unseal(found.consumer_secret_sealed) if found is not None else None
    if found is None or not secret:
        raise BadSignature
    return found, secret


@_endpoint
async def request_token(request: HttpRequest) -> dict[str, str]:
    """Step 1, POST /oauth/request_token."""
    signed = signed_request()
    found, secret = await _consumer(signed)
    await prove(signed, consumer_secret=secret, token_secret="")
    await attempts.application_known(found.id)
    token, token_secret = await in_thread(
        services_oauth1.begin,
        application_id=found.id,
        redirect_uris=found.redirect_uris,
        callback=_given(signed, "oauth_callback") or None,
        now=clock.now(),
    )
    return {
        "oauth_token": token,
        "oauth_token_secret": token_secret,
        "oauth_callback_confirmed": "true",
    }


@_endpoint
async def access_token(request: HttpRequest) -> dict[str, str]:
    """Step 3, POST /oauth/access_token."""
    signed = signed_request()
    found, secret = await _consumer(signed)
    flow = await queries_apps.flow_of(signed.token)
    token_secret = unseal(flow.secret) if flow is not None else None
    if flow is None or flow.application_id != found.id or not token_secret:
        raise BadSignature
    await prove(signed, consumer_secret=secret, token_secret=token_secret)
    await attempts.application_known(found.id)
    fetched = await in_thread(
        services_oauth1.fetch,
        application_id=found.id,
        token=signed.token,
        verifier=_given(signed, "oauth_verifier") or "",
        now=clock.now(),
    )
    user = (await queries.users_by_ids([fetched.user_id])).get(fetched.user_id)
    return {
        "oauth_token": fetched.token,
        "oauth_token_secret": fetched.secret,
        "user_id": str(fetched.user_id),
        "screen_name": user.username if user is not None else "",
    }


@pages.everyone
async def authorize(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """Step 2, GET and POST /oauth/authorize (and /oauth/authenticate): ask the person.

    The same path with `client_id` is another protocol's.
    """
    token = request.GET.get("oauth_token", "")
    if not token:
        raise Http404
    flow = await queries_apps.flow_of(token)
    found = await queries_apps.application_by_id(flow.application_id) if flow is not None else None
    if flow is None or found is None or flow.is_agreed:
        raise Invalid(_("This request is over. Go back to the application and begin again."))
    if viewer is None:
        return pages.to_login(request)
    address = "" if flow.callback == OOB else flow.callback
    if request.method != "POST":
        words = WRITE_SCOPES if found.access == "write" else READ_SCOPES
        return await consent(request, viewer, found, words.split(), address)
    if request.POST.get("decision") != "allow":
        await sync_to_async(services_oauth1.refuse)(token=token, now=clock.now())
        return back(address, {"denied": token}) if address else _pin(request, viewer, found, "")
    callback, verifier = await sync_to_async(services_oauth1.consent)(
        token=token, user_id=viewer.pk, now=clock.now()
    )
    if callback == OOB:
        return _pin(request, viewer, found, verifier)
    return back(callback, {"oauth_token": token, "oauth_verifier": verifier})


def _pin(request: HttpRequest, viewer: Any, found: ApplicationOut, pin: str) -> HttpResponse:
    """The number to type into the application; "" says that nothing was granted."""
    response = pages.page(request, "users/pin.html", viewer, {"app": found, "pin": pin})
    response.headers["Cache-Control"] = "no-store"
    return response
