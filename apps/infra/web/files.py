"""Static files, under addresses that change with their content and may be kept for ever.

`/static/css/app.css?h=…`: with the right hash the answer is immutable; without it, it holds for a
minute. Files are read once, compressed as well as can be and served from memory, in every
environment alike: nothing is collected or built beforehand, and a file that is edited has another
address on the next page. What is not known here (the admin's fonts) goes the ordinary way.
"""

import asyncio
import functools
import hashlib
import mimetypes
import os
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

import brotli
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.exceptions import SuspiciousFileOperation

from apps.infra.web.compression import KINDS, MIN_BYTES, encoding_for
from apps.infra.web.handler import Receive, Scope, Send

# Larger ones go the ordinary way.
MAX_BYTES = 400_000
MAX_FILES = 500
_HASH_CHARS = 8
FOR_EVER = b"public, max-age=31536000, immutable"
FOR_A_MINUTE = b"public, max-age=60"
Door = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in memory: as it is, and compressed where that makes it smaller."""

    digest: str
    kind: str
    body: bytes
    brotli: bytes
    gzip: bytes

    def encoded(self, accepted: str) -> tuple[bytes, bytes]:
        """The body for an Accept-Encoding, and its encoding."""
        wanted = encoding_for(accepted.replace("zstd", ""))
        if wanted == "br" and self.brotli:
            return self.brotli, b"br"
        if wanted and self.gzip:
            return self.gzip, b"gzip"
        return self.body, b""


class HashedFiles(StaticFilesStorage):
    """Gives files their addresses (`STORAGES["staticfiles"]`)."""

    def __init__(self) -> None:
        super().__init__()
        self._addresses: dict[str, str] = {}

    def url(self, name: str | None) -> str:
        """The address, with the content's hash where the file is one of ours."""
        name = name or ""
        known = self._addresses.get(name)
        if known is None or settings.DEBUG:
            known = self._addresses[name] = self._address_of(name)
        return known

    def _address_of(self, name: str) -> str:
        address = super().url(name)
        path, _, fragment = address.partition("#")
        digest = _digest_of(name.partition("#")[0])
        if not digest:
            return address
        return f"{path}?h={digest}" + (f"#{fragment}" if fragment else "")


def _digest_of(name: str) -> str:
    found = _found(name)
    return _digest(*found) if found is not None else ""


def _found(name: str) -> tuple[str, int] | None:
    """Where a file is and when it was changed; looked for anew only where files are edited."""
    path = (_find if settings.DEBUG else _find_once)(name)
    if path is None:
        return None
    if not settings.DEBUG:
        return path, 0
    return path, os.stat(path).st_mtime_ns


def _find(name: str) -> str | None:
    if not name or name.endswith("/"):
        return None
    try:
        path = finders.find(name)
    except (SuspiciousFileOperation, ValueError):
        return None
    if not isinstance(path, str) or not os.path.isfile(path):
        return None
    return path if os.path.getsize(path) <= MAX_BYTES else None


_find_once = functools.lru_cache(maxsize=MAX_FILES)(_find)


@functools.lru_cache(maxsize=MAX_FILES)
def _digest(path: str, _changed: int) -> str:
    content = Path(path).read_bytes()
    return hashlib.sha256(content).hexdigest()[:_HASH_CHARS]


@functools.lru_cache(maxsize=MAX_FILES)
def _kept(path: str, changed: int) -> Kept:
    body = Path(path).read_bytes()
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    packs = len(body) >= MIN_BYTES and kind.startswith(KINDS)
    return Kept(
        digest=_digest(path, changed),
        kind=kind,
        body=body,
        brotli=brotli.compress(body) if packs else b"",
        gzip=zlib.compress(body, 9, 31) if packs else b"",
    )


class StaticFiles:
    """The door of `/static/`."""

    def __init__(self, otherwise: Door) -> None:
        """Hand over who answers for what is not known here."""
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file."""
        name = scope["path"].removeprefix(settings.STATIC_URL)
        found = _found(name) if scope["method"] in {"GET", "HEAD"} else None
        if found is None:
            await self._otherwise(scope, receive, send)
            return
        scope["route"] = "static"
        # The first time it is compressed, which takes a while.
        kept = await asyncio.to_thread(_kept, *found)
        await _send(kept, scope, send)


async def _send(kept: Kept, scope: Scope, send: Send) -> None:
    asked = scope["found"]
    wanted = parse_qs(scope["query_string"].decode("latin-1")).get("h", [""])[-1]
    body, encoding = kept.encoded(asked.get(b"accept-encoding", b"").decode("latin-1"))
    etag = f'W/"{kept.digest}"'.encode()
    headers = [
        (b"content-type", kept.kind.encode()),
        (b"cache-control", FOR_EVER if wanted == kept.digest else FOR_A_MINUTE),
        (b"etag", etag),
        (b"vary", b"Accept-Encoding"),
        (b"x-content-type-options", b"nosniff"),
        (b"access-control-allow-origin", b"*"),
    ]
    if encoding:
        headers.append((b"content-encoding", encoding))
    status = 304 if etag in asked.get(b"if-none-match", b"") else 200
    if status == 200:  # noqa: PLR2004 (a status)
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    is_empty = status != 200 or scope["method"] == "HEAD"  # noqa: PLR2004
    await send({"type": "http.response.body", "body": b"" if is_empty else body})
