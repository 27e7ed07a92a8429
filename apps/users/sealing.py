"""Secrets that must be read again, encrypted with a key that comes from SECRET_KEY.

OAuth 1.0a signs with the secrets themselves, so a hash is not enough. With another SECRET_KEY what
was sealed stays shut (unless the old one is in SECRET_KEY_FALLBACKS): its owner makes new keys.
"""

import base64
import hashlib
import hmac
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_PURPOSE = b"twitterlite sealed secrets 1"


@cache
def _boxes(keys: tuple[str, ...]) -> "MultiFernet":
    # Not at boot: most processes never need it.
    from cryptography.fernet import Fernet, MultiFernet

    derived = [hmac.digest(key.encode(), _PURPOSE, hashlib.sha256) for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])


def _box() -> "MultiFernet":
    return _boxes((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def seal(secret: str) -> str:
    """The secret, encrypted and authenticated."""
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str | None:
    """The secret; None if it was not sealed with this SECRET_KEY."""
    from cryptography.fernet import InvalidToken

    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def derived(text: str, *, length: int = 64) -> str:
    """Text that only this SECRET_KEY makes, always the same: letters, digits, `-` and `_`.

    Args:
        length: of the result, at most 86.
    """
    made = hmac.digest(settings.SECRET_KEY.encode(), f"{text}\0derived".encode(), hashlib.sha512)
    return base64.urlsafe_b64encode(made).decode().rstrip("=")[:length]
