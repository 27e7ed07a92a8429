"""What an application does: register, send a person to the consent page, ask for tokens."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from apps.infra import clock
from apps.users.models import User
from apps.users.services_apps import Keys, create_application
from tests.browsing import Browser
from tests.http import Client, Response

BACK = "https://app.example/back"
VERIFIER = "v" * 64
SCOPES = "tweet.read users.read offline.access"


def challenge(verifier: str = VERIFIER) -> str:
    """The S256 challenge."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass
class App:
    """One registered application."""

    keys: Keys
    http: Client

    def basic(self, name: str = "", secret: str = "") -> str:
        """The header of a confidential client."""
        pair = f"{name or self.keys.client_id}:{secret or self.keys.client_secret}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def url(self, **other: str) -> str:
        """Where it sends people; an empty value leaves a parameter out."""
        asked = {
            "response_type": "code", "client_id": self.keys.client_id, "redirect_uri": BACK,
            "scope": SCOPES, "state": "s 1", "code_challenge": challenge(),
            "code_challenge_method": "S256", **other,
        }  # fmt: skip
        return "/i/oauth2/authorize?" + urlencode({k: v for k, v in asked.items() if v})

    def code(self, browser: Browser, **other: str) -> str:
        """The code that a person's consent gives."""
        return sent_back(self.allow(browser, **other))["code"]

    def allow(self, browser: Browser, **other: str) -> Any:
        """What comes when a person allows it."""
        return browser.post(self.url(**other), {"decision": "allow"})

    def ask(self, path: str = "/2/oauth2/token", *, json: bool = False, **fields: str) -> Response:
        """A request for tokens, as a form or as JSON."""
        headers = {} if not self.keys.client_secret else {"authorization": self.basic()}
        if not self.keys.client_secret:
            fields.setdefault("client_id", self.keys.client_id)
        if json:
            return self.http.post(path, fields, **headers)
        form = urlencode(fields).encode()
        return self.http.post(path, form, "application/x-www-form-urlencoded", **headers)

    def redeem(self, code: str, /, **other: Any) -> Response:
        """The code for tokens."""
        asked = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": BACK,
            "code_verifier": VERIFIER, **other,
        }  # fmt: skip
        return self.ask(**asked)

    def refresh(self, refresh_token: str, **other: Any) -> Response:
        """A refresh token for new ones."""
        return self.ask(grant_type="refresh_token", refresh_token=refresh_token, **other)

    def bearer(self, token: str) -> Client:
        """A client that speaks with a token."""
        return Client(self.http._loop, token)


def sent_back(answer: Any) -> dict[str, str]:
    """The query with which a browser is sent back to the application."""
    assert answer.status_code == 302, answer.text
    location = answer.headers["location"]
    assert location.startswith(BACK), location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def register(owner: User, http: Client, **other: Any) -> App:
    """A new application; confidential, with one address, unless said otherwise."""
    given = {"name": "Test app", "redirect_uris": BACK, "now": clock.now(), **other}
    return App(create_application(owner_id=owner.id, **given), http)
