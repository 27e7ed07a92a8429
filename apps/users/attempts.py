"""How often somebody may try to get in: log-in, sign-up, tokens, applications.

A guess at a password is counted before the password is looked at, against its address, against
its account from that address, and against its account from anywhere. The last would let anybody
lock out anybody, so a browser in which its owner has logged in before is counted by itself: a
signed cookie says so. Whoever gets in gets back what it cost. Accounts that do not exist are
counted alike. While the state Redis is down, few attempts pass in each process.
"""

import hashlib
import secrets
from collections.abc import Sequence

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from apps.infra.errors import RateLimited
from apps.infra.resilience import ratelimit, rules
from apps.infra.resilience.rules import Rule
from apps.infra.web.page_limits import address_of, in_words

COOKIE = f"{settings.COOKIE_PREFIX}known"
COOKIE_SECONDS = 365 * 24 * 3600
# Accounts that one browser is remembered for.
MAX_ACCOUNTS = 4
_SALT = "users.known_browser"


def _account(username: str) -> str:
    """The same for every spelling that finds the same account, and nothing that can be read."""
    # Upper first, as the database compares: a dotless i or a long s is found as a plain one.
    folded = username.strip().upper().lower()
    return hashlib.sha256(folded.encode("utf-8", "replace")).hexdigest()[:24]


class LogIn:
    """One attempt to log in to one account."""

    def __init__(self, request: HttpRequest, username: str) -> None:
        self._account = _account(username)
        self._browser, self._accounts = _known(request)
        here = address_of(request)
        if self._account in self._accounts:
            self._taken: Sequence[tuple[Rule, str]] = [
                (rules.LOGIN_HERE, f"b{self._browser}:{self._account}")
            ]
        else:
            self._taken = [
                (rules.LOGIN_ADDRESS, here),
                (rules.LOGIN_HERE, f"{here}:{self._account}"),
                (rules.LOGIN_ACCOUNT, f"n{self._account}"),
            ]

    async def begin(self) -> None:
        """Count it. Raises RateLimited, in words for people."""
        await _take(*self._taken)

    async def give_back(self) -> None:
        """It cost nothing: the password was right, or nobody looked at it."""
        await ratelimit.give_back(*self._taken)

    async def succeeded(self, response: HttpResponse) -> None:
        """Give back what it cost, and know this browser from now on."""
        await self.give_back()
        others = [one for one in self._accounts if one != self._account]
        accounts = [self._account, *others][:MAX_ACCOUNTS]
        response.set_cookie(
            COOKIE,
            signing.dumps([self._browser, *accounts], salt=_SALT),
            max_age=COOKIE_SECONDS,
            samesite="Lax",
            httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
        )


def _known(request: HttpRequest) -> tuple[str, list[str]]:
    """What a browser is called, and the accounts that it has logged in to, latest first."""
    try:
        given = request.COOKIES.get(COOKIE, "")
        browser, *accounts = signing.loads(given, salt=_SALT, max_age=COOKIE_SECONDS)
    except (signing.BadSignature, ValueError):
        return secrets.token_hex(8), []
    return browser, accounts


async def sign_up(request: HttpRequest) -> None:
    """Count a new account. Raises RateLimited."""
    await _take((rules.SIGNUP, address_of(request)))


async def sign_up_failed(request: HttpRequest) -> None:
    """There is no new account: whoever looks for a free name may go on."""
    await ratelimit.give_back((rules.SIGNUP, address_of(request)))


async def letter_asked(request: HttpRequest) -> None:
    """Count a letter that somebody asks for, at their address. Raises RateLimited."""
    await _take((rules.LETTERS_ADDRESS, address_of(request)))


async def may_get_letter(recipient: str) -> bool:
    """Count a letter to somebody; False when there were many. Whoever asked is not to be told: it
    would say whether the account has an address."""
    try:
        await ratelimit.take((rules.LETTERS_TO, f"m{_account(recipient)}"))
    except RateLimited:
        return False
    return True


async def new_keys(user_id: int) -> None:
    """Count a new application or new keys. Raises RateLimited."""
    await _take((rules.APPLICATIONS, f"u{user_id}"))


async def token_asked(request: HttpRequest) -> None:
    """Count a request for a token, before its secrets are looked at. Raises RateLimited."""
    await ratelimit.take((rules.TOKEN_ADDRESS, address_of(request)))


async def token_given(request: HttpRequest) -> None:
    """It was in order: its address gets back what it cost."""
    await ratelimit.give_back((rules.TOKEN_ADDRESS, address_of(request)))


async def application_known(application_id: int) -> None:
    """Count a request for a token of an application that has proved who it is. Raises
    RateLimited."""
    await ratelimit.take((rules.TOKEN_APPLICATION, f"a{application_id}"))


async def application_named(request: HttpRequest, application_id: int) -> None:
    """The same for one that has no secret: anybody may use its name, so each address by itself."""
    await ratelimit.take((rules.TOKEN_APPLICATION, f"a{application_id}:{address_of(request)}"))


async def _take(*wanted: tuple[Rule, str]) -> None:
    try:
        await ratelimit.take(*wanted)
    except RateLimited as refusal:
        raise in_words(refusal) from refusal
