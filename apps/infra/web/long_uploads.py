"""Uploads of many megabytes by a form of the site: from the line to disk, never to memory.

Who asks is looked at before a byte is taken, for a body may be as large as a disk. Then the form
goes the way of every page, with its file where it already lies.
"""

import asyncio
import contextlib
import io
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpResponse, parse_cookie
from django.utils.translation import gettext as _

from apps.infra.errors import Unavailable
from apps.infra.resilience import deadline
from apps.infra.stores import invalidation
from apps.infra.web.handler import Disconnected, Pages, Receive, Scope, Send, send_response
from apps.infra.web.threads import in_thread

# Beside the file: the form's token and what multipart adds.
FORM_BYTES = 65_536
# In one process; the others are told to come again.
AT_ONCE = 4
# A line that is silent for so long has gone; a whole upload may take an hour.
SILENT_SECONDS, WHOLE_SECONDS = 60.0, 3_600.0
_AT_A_TIME = 1_048_576


class TooLarge(Exception):
    """More comes than is taken."""


class LongUploads:
    """The door of one form.

    Args:
        folder: where files are put; made when it is missing.
        max_bytes: of a file.
        identify: whom a session key speaks for.
        too_large: where people are led who send more, with an explanation.
    """

    def __init__(
        self, pages: Pages, *, folder: Callable[[], Path], max_bytes: Callable[[], int],
        identify: Callable[[str], Awaitable[int | None]], too_large: str,
    ) -> None:  # fmt: skip
        self._pages = pages
        self._folder = folder
        self._max_bytes = max_bytes
        self._identify = identify
        self._too_large = too_large
        # Whose uploads are under way, one each.
        self._members: set[int] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request.

        Raises:
            Unavailable: enough are under way. Disconnected.
        """
        if scope["method"] != "POST":
            # Its body is nobody's to read: here it has no limit.
            await self._pages.serve(scope, io.BytesIO(), receive, send, is_large=False)
            return
        member = await self._member(scope)
        if member is None:
            await _lead(f"/login?next={self._too_large.partition('?')[0]}", receive, send)
            return
        limit = self._max_bytes() + FORM_BYTES
        length = scope["found"].get(b"content-length", b"")
        if length and not (length.isdigit() and int(length) <= limit):
            await _lead(self._too_large, receive, send)
            return
        if member in self._members or len(self._members) >= AT_ONCE:
            text = _("Enough is being uploaded just now. Try again in some minutes.")
            raise Unavailable(text, retry_after_seconds=120)
        self._members.add(member)
        try:
            await self._take(scope, receive, send, limit)
        finally:
            self._members.discard(member)

    async def _member(self, scope: Scope) -> int | None:
        cookies = parse_cookie(scope["found"].get(b"cookie", b"").decode("latin-1"))
        key = cookies.get(settings.SESSION_COOKIE_NAME, "")
        if not key:
            return None
        await invalidation.catch_up()
        return await self._identify(key)

    async def _take(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        folder = self._folder()
        await in_thread(folder.mkdir, parents=True, exist_ok=True)
        handler = _IntoFolder(folder)
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                try:
                    async with asyncio.timeout(WHOLE_SECONDS):
                        await _receive_into(file, receive, limit)
                except (TooLarge, TimeoutError):
                    await _lead(self._too_large, receive, send)
                    return
                file.seek(0)
                # Reading the form takes its time from the disk, and is not waited for here.
                await self._pages.serve(
                    scope, file, receive, send, is_large=True, handlers=[handler]
                )
        finally:
            await in_thread(handler.remove)


class _IntoFolder(FileUploadHandler):
    """Puts the file of a form into a folder; whoever wants to keep it moves it away."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._paths: list[Path] = []
        self._file: IO[bytes] | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """A file begins."""
        super().new_file(*args, **kwargs)
        made = tempfile.NamedTemporaryFile(dir=self._folder, prefix="upload-", delete=False)  # noqa: SIM115
        self._paths.append(Path(made.name))
        self._file = made

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """A part of it."""
        if self._file is not None:
            self._file.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        """It is whole."""
        if self._file is None:
            return None
        self._file.flush()
        self._file.seek(0)
        # The form's reading was slow; from here on the request has its time.
        deadline.start()
        return UploadedFile(self._file, self.file_name, self.content_type, file_size, self.charset)

    def remove(self) -> None:
        """Remove what nobody has moved away."""
        if self._file is not None:
            self._file.close()
        for path in self._paths:
            path.unlink(missing_ok=True)


async def _receive_into(file: IO[bytes], receive: Receive, limit: int) -> None:
    """Write a body to a file, a megabyte at a time, in a thread: a disk may be slow."""
    waiting = bytearray()
    total, more = 0, True
    while more:
        async with asyncio.timeout(SILENT_SECONDS):
            message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        total += len(part)
        if total > limit:
            raise TooLarge
        waiting += part
        more = message.get("more_body", False)
        if len(waiting) >= _AT_A_TIME or not more:
            await in_thread(file.write, bytes(waiting))
            waiting.clear()


async def _lead(address: str, receive: Receive, send: Send) -> None:
    response = HttpResponse(status=303, headers={"Location": address, "Connection": "close"})
    with contextlib.suppress(Disconnected):
        await send_response(response, receive, send)
