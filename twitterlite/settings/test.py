"""Tests: throw-away engines, fast password hashing, no connection pool."""

from twitterlite.settings.base import *
from twitterlite.settings.base import DATABASES

# A pooled connection outlives the test that opened it and blocks the drop of the database.
DATABASES["default"]["OPTIONS"].pop("pool", None)  # type: ignore[attr-defined]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = True
IS_DEVELOPMENT = True
