"""What this process remembers of the announcements of one state Redis (`apps.infra.live`).

For each person and kind the newest one, with its place in the log; so a page that comes back is
told at once what it missed, and nothing is asked of Redis for it. A place that is not remembered
any more, or is one of another life of the server, is a gap.
"""

from collections import OrderedDict
from typing import Any

import hiredis

from apps.infra import live
from apps.infra.stores import aioredis
from apps.infra.stores.aioredis import Command, RedisDown

_PAGE = 1_000
_START = b"0-0"
Place = tuple[int, int]


class Remembered:
    """The newest announcements of one instance, at most `live.MAX_ENTRIES`."""

    def __init__(self, instance: int) -> None:
        self._client = aioredis.client(instance)
        self._newest: OrderedDict[tuple[int, str], tuple[Place, bytes]] = OrderedDict()
        # All that was announced after this place is remembered.
        self._horizon: Place = (0, 0)
        self._run_id = ""
        self._last = _START
        self._kinds: set[str] = set()

    @property
    def position(self) -> bytes:
        """The place that is reached, as pages are told it."""
        return b"%b.%b" % (self._last, self._run_id.encode())

    @property
    def question(self) -> Command:
        """What to ask for the next entries."""
        return (b"XREAD", b"COUNT", b"%d" % _PAGE, b"STREAMS", live.LOG, self._last)

    async def begin(self) -> None:
        """Read the log from its start, unless it was and the server is the same. Raises
        RedisDown."""
        run_id = await self._client.connected()
        if run_id == self._run_id:
            return
        self._newest.clear()
        size, first = await self._ask(
            (b"XLEN", live.LOG), (b"XRANGE", live.LOG, b"-", b"+", b"COUNT", b"1")
        )
        # What was cut off a full log, nobody can say any more.
        self._horizon = _place_of(first[0][0]) if size >= live.MAX_ENTRIES else (0, 0)
        self._last, self._run_id = _START, run_id
        while True:
            (reply,) = await self._ask(self.question)
            if not self.take(reply):
                return

    async def _ask(self, *commands: Command) -> list[Any]:
        replies = await self._client.pipe(commands)
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                raise RedisDown(str(reply))
        return replies

    def is_other_life(self) -> bool:
        """Whether the server is another than the one that was read."""
        return self._client.run_id != self._run_id

    def take(self, reply: Any) -> list[tuple[int, str, bytes]]:
        """Remember what a reply to `question` brings: (user id, kind, data) of each entry.

        Raises:
            RedisDown: it is an error.
        """
        if isinstance(reply, hiredis.ReplyError):
            raise RedisDown(str(reply))
        if not reply:
            return []
        found = []
        for place, fields in reply[0][1]:
            user_id, kind, data = live.read_entry(fields[1])
            key = (user_id, kind)
            self._kinds.add(kind)
            self._newest[key] = (_place_of(place), data)
            self._newest.move_to_end(key)
            found.append((user_id, kind, data))
            self._last = place
        while len(self._newest) > live.MAX_ENTRIES:
            _, (self._horizon, _) = self._newest.popitem(last=False)
        return found

    def missed(self, user_id: int, last: bytes) -> list[tuple[str, bytes]]:
        """What was announced to a person after a place that a page was told.

        Raises:
            LookupError: nobody can say; the page has a gap.
        """
        text, _, run_id = last.partition(b".")
        try:
            place = _place_of(text)
        except ValueError:
            raise LookupError(last) from None
        is_known = self._horizon <= place <= _place_of(self._last)
        if run_id.decode("latin-1") != self._run_id or not is_known:
            raise LookupError(last)
        found = []
        for kind in self._kinds:
            known = self._newest.get((user_id, kind))
            if known is not None and known[0] > place:
                found.append((kind, known[1]))
        return found


def _place_of(text: bytes) -> Place:
    ms, _, number = text.partition(b"-")
    return int(ms), int(number)
