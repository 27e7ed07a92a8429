"""OAuth 1.0a: requests that are signed (RFC 5849, HMAC-SHA1).

The door notes a signed request (`bring`) before anything answers it; whoever then asks who calls
(`apps.users.bearer`) has the signature checked. Signed are the method, the address, the query, a
form's body and the header's own members; JSON and multipart bodies are not. Which host a client
signed for depends on how it was pointed here, so the signature may be for any of a list of bases.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import product
from typing import Any
from urllib.parse import parse_qsl, unquote

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http.request import split_domain_port, validate_host
from django.utils.crypto import constant_time_compare

from apps.infra import clock
from apps.infra.errors import Unauthorized
from apps.infra.stores import aioredis
from apps.infra.web.handler import read_body
from apps.users.auth import Signer, signer_of_token
from apps.users.schemas import Actor
from apps.users.sealing import unseal

# How far a client's clock may be off, in seconds; a nonce is remembered for twice that.
WINDOW_SECONDS = 300
MAX_FIELDS = 1_000
# A form is taken apart to check its signature; what is larger comes as multipart.
MAX_FORM_BYTES = 1_048_576
MAX_NONCE = 128
FORM = "application/x-www-form-urlencoded"
_MEMBER = re.compile(r'\s*([A-Za-z_]+)="([^"]*)"\s*')
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class BadSignature(Unauthorized):
    """The signature is missing, wrong, too old, or was used before."""

    def __init__(self, detail: str = "Could not authenticate you.") -> None:
        super().__init__(detail)


@dataclass(slots=True)
class Signed:
    """A request with an OAuth header, as far as it is signed."""

    method: str
    # scheme and host as the client sees them, most likely first.
    bases: Sequence[str]
    # Percent-encoded, as sent.
    path: str
    query: str
    # Of a form; else empty.
    body: bytes
    # The members of the header, decoded.
    oauth: Mapping[str, str]
    # Checked once per request: its nonce is used up then.
    is_proven: bool = field(default=False)

    @property
    def token(self) -> str:
        """The token that it names; "" for none."""
        return self.oauth.get("oauth_token", "")

    @property
    def consumer_key(self) -> str:
        """The application that it names."""
        return self.oauth.get("oauth_consumer_key", "")


_signed: ContextVar[Signed | None] = ContextVar("signed_request", default=None)


def is_signed(authorization: bytes | None) -> bool:
    """Whether an Authorization header is of OAuth 1.0a."""
    return authorization is not None and authorization[:6].lower() == b"oauth "


async def bring(scope: MutableMapping[str, Any], receive: Receive) -> Receive:
    """Note the signed request that is being answered; gives what its body is read from now."""
    found: Mapping[bytes, bytes] = scope["found"]
    body, again = b"", receive
    if found.get(b"content-type", b"").partition(b";")[0].strip().lower() == FORM.encode():
        body = await read_body(receive)
        if len(body) > MAX_FORM_BYTES:
            raise RequestDataTooBig
        again = _once_more(body, receive)
    _signed.set(
        Signed(
            method=scope["method"],
            bases=_bases(found.get(b"host", b"").decode("latin-1")),
            path=(scope.get("raw_path") or scope["path"].encode()).decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            body=body,
            oauth=_members(found[b"authorization"].decode("latin-1")),
        )
    )
    return again


def _once_more(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return again


def _bases(host: str) -> list[str]:
    """The request's own address, if it is one of ours, and those that the settings name."""
    own: list[str] = []
    domain, _port = split_domain_port(host)
    if domain and validate_host(domain, settings.ALLOWED_HOSTS):
        # A proxy may have taken TLS off.
        own = [f"http://{host}", f"https://{host}"]
    return list(dict.fromkeys([*own, settings.PUBLIC_URL, *settings.OAUTH1_BASE_URLS]))


def _members(header: str) -> dict[str, str]:
    """`OAuth a="1", b="2"` decoded; empty where it cannot be read."""
    found: dict[str, str] = {}
    for part in header[6:].split(","):
        member = _MEMBER.fullmatch(part)
        if member is None or member[1] in found:
            return {}
        found[member[1]] = unquote(member[2])
    return found


def signed_request() -> Signed:
    """The signed request that is being answered. Raises BadSignature if it is none."""
    found = _signed.get()
    if found is None or not found.consumer_key:
        raise BadSignature
    return found


async def prove(signed: Signed, *, consumer_secret: str, token_secret: str) -> None:
    """Check the signature, the clock and the nonce; a nonce is good for one request.

    Raises:
        BadSignature. RedisDown: nobody knows whether the nonce was used.
    """
    oauth = signed.oauth
    if oauth.get("oauth_signature_method") != "HMAC-SHA1":
        raise BadSignature("The signature method must be HMAC-SHA1.")
    if oauth.get("oauth_version", "1.0") != "1.0":
        raise BadSignature("The version must be 1.0.")
    stamp, nonce = oauth.get("oauth_timestamp", ""), oauth.get("oauth_nonce", "")
    is_number = stamp.isascii() and stamp.isdigit() and len(stamp) <= 12  # noqa: PLR2004
    if not is_number or abs(clock.now_ms() // 1000 - int(stamp)) > WINDOW_SECONDS:
        raise BadSignature("Timestamp out of bounds.")
    if not 1 <= len(nonce) <= MAX_NONCE:
        raise BadSignature("The nonce has 1 to 128 characters.")
    if not _matches(signed, consumer_secret, token_secret):
        raise BadSignature
    # Only now: nobody fills the memory with made-up ones.
    await _use_nonce(f"{signed.consumer_key}\n{signed.token}\n{stamp}\n{nonce}")
    signed.is_proven = True


def _matches(signed: Signed, consumer_secret: str, token_secret: str) -> bool:
    # Not at boot: most processes never need it.
    from oauthlib.oauth1.rfc5849 import signature as rfc5849

    given = signed.oauth.get("oauth_signature", "")
    try:
        params = parse_qsl(signed.query, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        if signed.body:
            text = signed.body.decode()
            params += parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        told = [
            (name, value)
            for name, value in signed.oauth.items()
            if name not in {"oauth_signature", "realm"}
        ]
        normals = [rfc5849.normalize_parameters(params + told)]
        if doubled := {*params} & {*told}:
            # xdk says the token in the query, too, and signs it once.
            once = [one for one in params if one not in doubled]
            normals.append(rfc5849.normalize_parameters(once + told))
    except ValueError:
        return False
    client = _Secrets(consumer_secret, token_secret)
    for base, normal in product(signed.bases, normals):
        uri = rfc5849.base_string_uri(base + signed.path)
        text = rfc5849.signature_base_string(signed.method, uri, normal)
        made = rfc5849.sign_hmac_sha1_with_client(text, client)
        if constant_time_compare(made, given):
            return True
    return False


@dataclass(slots=True)
class _Secrets:
    """What oauthlib calls a client."""

    client_secret: str
    resource_owner_secret: str


async def _use_nonce(text: str) -> None:
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    seconds = str(2 * WINDOW_SECONDS + 60).encode()
    command = (b"SET", f"nonce:{digest}".encode(), b"1", b"NX", b"EX", seconds)
    (reply,) = await aioredis.client().pipe([command])
    if isinstance(reply, Exception):
        raise reply
    if reply is None:
        raise BadSignature("This nonce was used before.")


async def signed_actor() -> Actor:
    """Who signed the request that is being answered; the process has caught up with revocations.

    Raises:
        BadSignature: also if the token is unknown, revoked, or its person suspended.
    """
    signed = signed_request()
    signer = await signer_of_token(signed.token) if signed.token else None
    if signer is None or signer.consumer_key != signed.consumer_key:
        raise BadSignature
    if not signed.is_proven:
        await _prove_by(signed, signer)
    return signer.actor


async def _prove_by(signed: Signed, signer: Signer) -> None:
    consumer_secret, token_secret = unseal(signer.consumer_secret), unseal(signer.token_secret)
    if consumer_secret is None or token_secret is None:
        raise BadSignature
    await prove(signed, consumer_secret=consumer_secret, token_secret=token_secret)
