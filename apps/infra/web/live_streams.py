"""One open stream of a page, and the words on its wire: server-sent events."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from apps.infra.telemetry import metrics

# A page that takes nothing for so long is cut, and comes back with the id of what it read last.
CUT_SECONDS = 20.0
# How long one that is ended from here may take to read why.
GOODBYE_SECONDS = 2.0


class Stream:
    """What the hub knows of a page that listens.

    Events are states ("so many new posts"), so of one kind only the newest waits: what a slow
    reader has not taken is bounded by the number of kinds.
    """

    __slots__ = (
        "abort",
        "beat_at",
        "beats",
        "counted_at",
        "digest",
        "dirty",
        "ended",
        "ids",
        "is_full",
        "looked_at",
        "pending",
        "probe",
        "pulled",
        "session_key",
        "since",
        "stuck_since",
        "told",
        "user_id",
        "wake",
    )

    def __init__(
        self,
        user_id: int,
        session_key: str,
        *,
        digest: str = "",
        since: int | None = None,
        ids: Sequence[int] = (),
        abort: Callable[[], None] | None = None,
    ) -> None:
        """Describe a stream; `LiveHub.open` makes it hear.

        Args:
            digest: the name of the session in the invalidation log.
            since: the newest id of the home timeline that the page shows; None: it shows none.
            ids: the posts on the page, whose counters it wants.
            abort: ends the connection whatever is still to be written.
        """
        self.user_id, self.session_key, self.digest = user_id, session_key, digest
        self.since, self.ids, self.abort = since, tuple(ids), abort
        self.wake = asyncio.Event()
        self.ended = ""
        self.pending: dict[str, bytes] = {}
        self.stuck_since = 0.0
        self.beat_at, self.beats = 0.0, 0
        # Of the home timeline: what Redis said last, when it was read, what the page was told.
        self.probe: tuple[Any, ...] | None = None
        self.looked_at, self.told, self.is_full = 0.0, 0, False
        self.pulled: frozenset[int] = frozenset()
        self.counted_at = 0.0
        self.dirty: set[int] = set()

    def offer(self, kind: str, data: bytes, position: bytes) -> None:
        """Have an event sent; one of the kind that still waits is not needed any more."""
        self._put(kind, b"id: %b\nevent: %b\ndata: %b\n\n" % (position, kind.encode(), data))
        metrics.LIVE_EVENTS.labels(kind).inc()

    def beat(self, position: bytes) -> None:
        """Show that this end lives; the id keeps the page's place in the log."""
        self._put("", b": here\nid: %b\n\n" % position)

    def _put(self, kind: str, text: bytes) -> None:
        if not self.pending and not self.ended:
            self.stuck_since = time.monotonic()
        self.pending[kind] = text
        self.wake.set()

    def take(self) -> bytes:
        """What is to be sent now."""
        body = b"".join(self.pending.values())
        self.pending.clear()
        return body

    def is_stuck(self, now: float) -> bool:
        """Whether what waits has waited too long."""
        return bool(self.pending) and now - self.stuck_since > CUT_SECONDS

    def end(self, why: str) -> None:
        """End it from here. The page is told, except where it does not read."""
        if self.ended:
            return
        self.ended = why
        metrics.LIVE_CUT.labels(why).inc()
        self.pending["end"] = b'event: end\ndata: "%b"\n\n' % why.encode()
        self.wake.set()
        asyncio.get_running_loop().call_later(0 if why == "slow" else GOODBYE_SECONDS, self._abort)

    def move(self, position: bytes, *, retry_ms: int) -> None:
        """End it because this process leaves; the page comes again at once, to another one, and
        goes on behind `position` of the log."""
        if self.ended:
            return
        self.ended = "restart"
        metrics.LIVE_CUT.labels(self.ended).inc()
        self.pending["end"] = b"retry: %d\nid: %b\n\n" % (retry_ms, position)
        self.wake.set()

    def _abort(self) -> None:
        if self.abort is not None:
            self.abort()
