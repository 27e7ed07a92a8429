"""Browser sessions: PostgreSQL keeps them, the process remembers them and whom they speak for.

A session is a secret like a token and is remembered as one: under the digest of its key, in a
cache that the invalidation log makes exact (`apps.users.auth` does the same for tokens). Whoever
changes or deletes a session or an account announces it; a request catches up with the log before
it asks here. So a log-out holds on the next request in every process, and while the log cannot be
read, every request asks PostgreSQL. The password and what changes without an announcement are
not remembered.
"""

import hashlib
import json
import re
import time
from datetime import datetime
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, load_backend
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore as TableStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_save, pre_delete
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from apps.infra import clock
from apps.infra.errors import Unavailable
from apps.infra.stores import aiopostgres, invalidation
from apps.infra.stores.cache import LocalCache
from apps.users.backends import UsernameBackend
from apps.users.models import Device, User

MAX_CACHED = 50_000
# As Django makes them; nothing else was ever given out.
_KEY = re.compile(r"[a-z0-9]{32}")
_FIND = "select session_data, expire_date from django_session where session_key = %s"
# Not here: the password and the pinned tweet, which no page needs of its reader, and what changes
# unannounced or often (last_login and the counts). They are read from PostgreSQL when somebody asks
# for them.
_COLUMNS = (
    "id, is_superuser, username, name, bio, location, url, email, lang, is_active, is_staff,"
    " is_protected, suspended_at, created_at, avatar"
)
# In the model's order, in which `from_db` takes them.
_FIELDS = [one.attname for one in User._meta.concrete_fields if one.attname in _COLUMNS.split(", ")]
_FIND_ACCOUNT = f"select password, {_COLUMNS} from users where id = %s"  # noqa: S608 (constants)


class Known(NamedTuple):
    """What was found of a request's session before anything else of it is handled.

    `text` is the session's data as JSON, None where there is no such session; `user` is None
    where Django has to look itself. `refusal` says that PostgreSQL did not answer.
    """

    text: str | None = None
    user: User | AnonymousUser | None = None
    refusal: Unavailable | None = None


class _Session(NamedTuple):
    text: str
    user_id: int | None
    backend: str
    auth_hash: str
    expires_at_ms: int


class _Account(NamedTuple):
    values: tuple[Any, ...]
    # What a session of this account must carry.
    auth_hash: str


_sessions: LocalCache[str, _Session] = LocalCache("k", max_items=MAX_CACHED, name="sessions")
_accounts: LocalCache[int, _Account] = LocalCache("u", max_items=MAX_CACHED, name="accounts")


class SessionStore(TableStore):
    """Django's table of sessions (`SESSION_ENGINE`); what is known is not read again."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._known: Known | None = None

    def recall(self, known: Known) -> None:
        """Take what was found under this key a moment ago."""
        if known.text is None and known.refusal is None:
            self._session_key = None
            self._session_cache: dict[str, Any] = {}
        else:
            self._known = known

    def load(self) -> dict[str, Any]:
        """The session's data. Raises Unavailable if PostgreSQL did not answer a moment ago."""
        return super().load() if self._known is None else _data_of(self._known)

    async def aload(self) -> dict[str, Any]:
        """The same for coroutines."""
        return await super().aload() if self._known is None else _data_of(self._known)


def _data_of(known: Known) -> dict[str, Any]:
    if known.refusal is not None:
        raise known.refusal
    return cast("dict[str, Any]", json.loads(known.text or "{}"))


async def recall(request: HttpRequest) -> None:
    """Find the session and the account of a browser's request: `request.known`.

    One round trip to Redis (catching up with the log, once for all requests of a moment) where
    the process remembers both, and one statement more for each that it does not. A visitor
    without a session costs nothing.
    """
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if key is None or not _KEY.fullmatch(key):
        request.known = Known(user=AnonymousUser())  # type: ignore[attr-defined]
        return
    await invalidation.catch_up()
    request.is_caught_up = True  # type: ignore[attr-defined]
    try:
        request.known = await _known(key)  # type: ignore[attr-defined]
    except Unavailable as refusal:
        request.known = Known(refusal=refusal)  # type: ignore[attr-defined]


def remembered(key: str) -> tuple[int, object, object] | None:
    """Whom a session speaks for if both are in memory: their id, and what is kept of the session
    and of the account. While these are the very same, `recall` finds the very same; the caller
    has caught up with the log."""
    session = _sessions.get(digest_of(key)) if _KEY.fullmatch(key) else None
    if session is None or session.user_id is None or session.expires_at_ms <= clock.now_ms():
        return None
    account = _accounts.get(session.user_id)
    return None if account is None else (session.user_id, session, account)


async def account_of(key: str) -> int | None:
    """Whom a session key speaks for now; the caller has caught up with the log.

    Raises:
        Unavailable: PostgreSQL was needed and does not answer.
    """
    user = (await _known(key)).user if _KEY.fullmatch(key) else None
    return user.pk if user is not None and user.is_authenticated else None


async def _known(key: str) -> Known:
    session = await _session_of(key)
    if session is None:
        return Known(user=AnonymousUser())
    return Known(session.text, await _user_of(session))


async def _session_of(key: str) -> _Session | None:
    """A session that has not expired."""
    digest = digest_of(key)
    session = _sessions.get(digest)
    if session is None:
        started = time.monotonic()
        rows = await aiopostgres.fetch(_FIND, (key,))
        if rows:
            session = _decoded(*rows[0])
            _sessions.put(digest, session, started=started)
        _sessions.count(hits=0, misses=1)
    else:
        _sessions.count(hits=1, misses=0)
    return session if session is not None and session.expires_at_ms > clock.now_ms() else None


def _decoded(session_data: str, expires_at: datetime) -> _Session:
    data = SessionStore().decode(session_data)
    user_id = str(data.get(SESSION_KEY, ""))
    return _Session(
        text=json.dumps(data),
        user_id=int(user_id) if user_id.isdecimal() else None,
        backend=str(data.get(BACKEND_SESSION_KEY, "")),
        auth_hash=str(data.get(HASH_SESSION_KEY, "")),
        expires_at_ms=clock.to_ms(expires_at),
    )


async def _user_of(session: _Session) -> User | AnonymousUser | None:
    """Whom a session speaks for; None where its hash is not the account's: the password was
    changed, or the secret key was."""
    if session.user_id is None or session.backend not in settings.AUTHENTICATION_BACKENDS:
        return AnonymousUser()
    account = await _account_of(session.user_id)
    if account is None:
        return AnonymousUser()
    user = User.from_db(DEFAULT_DB_ALIAS, _FIELDS, account.values)
    if not cast("UsernameBackend", load_backend(session.backend)).user_can_authenticate(user):
        return AnonymousUser()
    return user if constant_time_compare(session.auth_hash, account.auth_hash) else None


async def _account_of(user_id: int) -> _Account | None:
    account = _accounts.get(user_id)
    if account is None:
        started = time.monotonic()
        rows = await aiopostgres.fetch(_FIND_ACCOUNT, (user_id,))
        if not rows:
            return None
        password, *values = rows[0]
        named = dict(zip(_COLUMNS.split(", "), values, strict=True))
        account = _Account(
            tuple(named[field] for field in _FIELDS),
            User(password=password).get_session_auth_hash(),
        )
        _accounts.put(user_id, account, started=started)
    return account


def digest_of(session_key: str) -> str:
    """The name of a session in memory and in the invalidation log, where its key would open a
    door; never that of a token."""
    return hashlib.sha256(b"session:" + session_key.encode()).hexdigest()


def _on_save(instance: AbstractBaseSession, created: bool, **_signal: Any) -> None:
    if not created:
        invalidation.announce([("k", digest_of(instance.session_key))])


def _on_delete(instance: AbstractBaseSession, **_signal: Any) -> None:
    invalidation.announce([("k", digest_of(instance.session_key))])
    Device.objects.filter(session_key=instance.session_key).delete()


def listen() -> None:
    """Have every change of a session's row announced, whoever makes it."""
    from django.contrib.sessions.models import Session

    post_save.connect(_on_save, sender=Session, dispatch_uid="sessions.save")
    pre_delete.connect(_on_delete, sender=Session, dispatch_uid="sessions.delete")
