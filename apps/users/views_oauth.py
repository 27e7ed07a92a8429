"""OAuth 2: the consent page, and what applications ask for tokens; app-only tokens too.

Bodies are forms or JSON, as clients of X send both. Errors are those of RFC 6749: `error`,
`error_description`.
"""

import base64
import binascii
from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import orjson
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from apps.infra import clock
from apps.infra.errors import DomainError, Invalid, RateLimited
from apps.infra.web import pages, problems
from apps.infra.web.threads import in_thread
from apps.users import attempts, queries, queries_apps, services_tokens
from apps.users.permissions import READ_SCOPES, SCOPES
from apps.users.schemas import ApplicationOut
from apps.users.sealing import unseal
from apps.users.services import digest_of
from apps.users.services_tokens import Issued, OAuthError

Params = Mapping[str, str]
Endpoint = Callable[[HttpRequest, Params], Coroutine[Any, Any, dict[str, Any]]]
UNAUTHORIZED = 401
MAX_FIELDS = 50


# ── What applications ask ────────────────────────────────────────────────────


def _params(request: HttpRequest) -> dict[str, str]:
    """The body's members that are text. Raises OAuthError."""
    try:
        if request.content_type == "application/json":
            found = orjson.loads(request.body or b"{}")
            if not isinstance(found, dict):
                raise OAuthError("invalid_request", "The body is not a JSON object.")
            return {name: value for name, value in found.items() if isinstance(value, str)}
        text = request.body.decode()
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise OAuthError("invalid_request", "The body could not be read.") from error


def _basic(request: HttpRequest) -> tuple[str, str] | None:
    """Name and secret of an `Authorization: Basic` header. Raises OAuthError."""
    scheme, _sep, given = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon:
        raise OAuthError("invalid_client", "The Authorization header could not be read.")
    return unquote_plus(name), unquote_plus(secret)


def _answer(content: Mapping[str, Any], status: int = 200) -> HttpResponse:
    response = HttpResponse(orjson.dumps(content), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response


def _endpoint(endpoint: Endpoint) -> Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]:
    """POST only; what it refuses becomes the JSON of RFC 6749."""

    @csrf_exempt
    @wraps(endpoint)
    async def answer(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return problems.not_allowed("POST").response()
        await attempts.token_asked(request)
        try:
            told = _answer(await endpoint(request, _params(request)))
            await attempts.token_given(request)
            return told
        except RateLimited:
            raise
        except OAuthError as error:
            content = {"error": error.error, "error_description": error.detail}
            if error.error != "invalid_client":
                return _answer(content, 400)
            response = _answer(content, UNAUTHORIZED)
            response.headers["WWW-Authenticate"] = 'Basic realm="api"'
            return response
        except DomainError as error:
            content = {"error": "access_denied", "error_description": error.detail}
            return _answer(content, error.status)

    return answer


async def _client(request: HttpRequest, params: Params) -> ApplicationOut:
    """The application that asks. One that can keep a secret has to show it. Raises OAuthError."""
    name, secret = _basic(request) or (params.get("client_id", ""), params.get("client_secret", ""))
    found = await queries_apps.application_by_client_id(name) if name else None
    if found is not None and not found.is_confidential:
        await attempts.application_named(request, found.id)
        return found
    # Compared in every case, so time tells nobody which client ids exist.
    expected = found.client_secret_digest if found is not None else ""
    if not constant_time_compare(digest_of(secret), expected or digest_of("")) or not secret:
        raise OAuthError("invalid_client", "Missing or wrong client credentials.")
    assert found is not None, "an empty secret was refused"  # noqa: S101
    await attempts.application_known(found.id)
    return found


async def _consumer(request: HttpRequest) -> ApplicationOut:
    """The application whose API key and secret are in the header. Raises OAuthError."""
    key, secret = _basic(request) or ("", "")
    found = await queries_apps.application_by_consumer_key(key) if key else None
    expected = unseal(found.consumer_secret_sealed) if found is not None else None
    matches = constant_time_compare(digest_of(secret), digest_of(expected or ""))
    if found is None or not expected or not matches:
        raise OAuthError("invalid_client", "Unable to verify your credentials")
    await attempts.application_known(found.id)
    return found


def _needed(params: Params, name: str) -> str:
    value = params.get(name, "")
    if not value:
        raise OAuthError("invalid_request", f"Missing required parameter [{name}].")
    return value


@_endpoint
async def app_only_token(request: HttpRequest, params: Params) -> dict[str, Any]:
    """POST /oauth2/token: an application's own bearer token, the same until it is invalidated."""
    found = await _consumer(request)
    if params.get("grant_type") != "client_credentials":
        raise OAuthError("unsupported_grant_type", "grant_type must be client_credentials.")
    token = await in_thread(
        services_tokens.app_only_token, application_id=found.id, now=clock.now()
    )
    return {"token_type": "bearer", "access_token": token}


@_endpoint
async def invalidate_token(request: HttpRequest, params: Params) -> dict[str, Any]:
    """POST /oauth2/invalidate_token: end it; the next one is another."""
    found = await _consumer(request)
    token = params.get("access_token") or request.GET.get("access_token", "")
    ended = await in_thread(
        services_tokens.invalidate_app_only, application_id=found.id, token=token, now=clock.now()
    )
    if not ended:
        raise OAuthError("invalid_request", "This is no token of this application.")
    return {"access_token": token}


@_endpoint
async def token(request: HttpRequest, params: Params) -> dict[str, Any]:
    """POST /2/oauth2/token."""
    found = await _client(request, params)
    who: dict[str, Any] = {"application_id": found.id, "now": clock.now()}
    grant = params.get("grant_type")
    if grant == "authorization_code":
        issued = await in_thread(
            services_tokens.redeem_code,
            code=_needed(params, "code"),
            redirect_uri=_needed(params, "redirect_uri"),
            verifier=_needed(params, "code_verifier"),
            **who,
        )
        return _told(issued)
    if grant == "refresh_token":
        refresh_token = _needed(params, "refresh_token")
        return _told(await in_thread(services_tokens.refresh, refresh_token=refresh_token, **who))
    if grant == "client_credentials":
        if not found.is_confidential:
            raise OAuthError("unauthorized_client", "A public application has no token of its own.")
        own = await in_thread(services_tokens.app_only_token, **who)
        return {"token_type": "bearer", "access_token": own, "scope": READ_SCOPES}
    raise OAuthError("unsupported_grant_type", f"No such grant_type: {grant or '(none)'}")


def _told(issued: Issued) -> dict[str, Any]:
    content: dict[str, Any] = {
        "token_type": "bearer",
        "expires_in": issued.expires_in_seconds,
        "access_token": issued.access_token,
        "scope": issued.scopes,
    }
    if issued.refresh_token:
        content["refresh_token"] = issued.refresh_token
    return content


@_endpoint
async def revoke(request: HttpRequest, params: Params) -> dict[str, Any]:
    """POST /2/oauth2/revoke. What is not (or no longer) a token of this application needs no
    revoking: the answer is the same (RFC 7009)."""
    found = await _client(request, params)
    await in_thread(
        services_tokens.revoke,
        application_id=found.id,
        token=_needed(params, "token"),
        now=clock.now(),
    )
    return {"revoked": True}


# ── What people are asked ────────────────────────────────────────────────────


def back(uri: str, params: Mapping[str, str]) -> HttpResponse:
    """Send a browser to an application's registered address, which may be in a scheme of its
    own."""
    joint = "&" if urlsplit(uri).query else "?"
    location = uri + joint + urlencode(params)
    return HttpResponse(status=302, headers={"Location": location, "Cache-Control": "no-store"})


def allow_leaving(response: HttpResponse, uri: str) -> HttpResponse:
    """Let the page's form end at this address; browsers hold `form-action` against redirects."""
    parts = urlsplit(uri)
    is_web = parts.scheme in {"http", "https"}
    source = f"{parts.scheme}://{parts.netloc}" if is_web else f"{parts.scheme}:"
    response._csp_update = {"form-action": [source]}  # type: ignore[attr-defined]
    return response


async def consent(
    request: HttpRequest, viewer: Any, found: ApplicationOut, scopes: list[str], uri: str
) -> HttpResponse:
    """The page that says what an application asks for."""
    owner = (await queries.users_by_ids([found.owner_id])).get(found.owner_id)
    context = {
        "app": found,
        "owner": owner,
        "sentences": [SCOPES[word] for word in scopes],
        "host": urlsplit(uri).netloc or uri.partition(":")[0],
        "action": request.get_full_path(),
    }
    response = pages.page(request, "users/consent.html", viewer, context)
    response.headers["Cache-Control"] = "no-store"
    return allow_leaving(response, uri) if uri else response


async def _asking(params: Params) -> tuple[ApplicationOut, str]:
    """The application and the address it wants people back at. Raises Invalid: nobody is sent to an
    address that was not registered."""
    found = await queries_apps.application_by_client_id(params.get("client_id", ""))
    if found is None:
        raise Invalid(_("There is no such application. Tell those who sent you here."))
    uri = params.get("redirect_uri", "")
    if uri not in found.redirect_uris:
        raise Invalid(
            _("%(name)s sent you here with an address to come back to that it has not registered.")
            % {"name": found.name}
        )
    return found, uri


def _wanted(params: Params, found: ApplicationOut) -> dict[str, str]:
    """What the application asks for, checked. Raises OAuthError."""
    if params.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code.")
    return {
        "scopes": services_tokens.checked_scopes(
            wanted=params.get("scope", ""), access=found.access
        ),
        "code_challenge": _needed(params, "code_challenge"),
        "challenge_method": services_tokens.checked_method(params.get("code_challenge_method", "")),
    }


@pages.everyone
async def authorize(request: HttpRequest, viewer: Any | None) -> HttpResponseBase:
    """GET and POST /i/oauth2/authorize: ask a person, and send them back with a code."""
    params = {name: request.GET[name] for name in request.GET}
    found, uri = await _asking(params)
    state = {"state": params["state"]} if "state" in params else {}
    try:
        wanted = _wanted(params, found)
        if viewer is None:
            return pages.to_login(request)
        if request.method != "POST":
            return await consent(request, viewer, found, wanted["scopes"].split(), uri)
        if request.POST.get("decision") != "allow":
            raise OAuthError("access_denied", "The person said no.")
        code = await sync_to_async(services_tokens.grant_code)(
            application_id=found.id,
            user_id=viewer.pk,
            redirect_uri=uri,
            now=clock.now(),
            **wanted,
        )
    except OAuthError as error:
        told = {"error": error.error, "error_description": error.detail}
        return back(uri, {**told, **state})
    return back(uri, {"code": code, **state})
