"""Pushes to many home timelines, as bytes.

The list of an author's followers is a list of prepared fragments, the key as a RESP word; a push
is a join with the rest of the command between them. No step of Python is done per follower.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings

from apps.infra.stores.aioredis import encode
from apps.timelines.store import keys, scripts
from apps.timelines.store.scripts import Script
from apps.timelines.store.wire import Wire

# Commands on the wire before their replies are read: bounds what lies in sockets and replies.
MAX_IN_FLIGHT = 8_000
# Lists in one call of a script: less than 2 ms of the server.
LISTS_PER_CALL = 250

Fragments = Sequence[bytes]

# Only to lists that exist. Any other would make a list of one tweet that looks as if it had been
# there through a rebuild.
_PUSH = b"$6\r\nRPUSHX\r\n"


def fragment_of(user_id: int) -> bytes:
    """The key of a person's list as a RESP word."""
    key = keys.list_key(user_id)
    return b"$%d\r\n%b\r\n" % (len(key), key)


def words(values: Iterable[bytes]) -> bytes:
    """RESP words, joined."""
    return b"".join(b"$%d\r\n%b\r\n" % (len(value), value) for value in values)


def _decimal(ids: Iterable[int]) -> list[bytes]:
    return [b"%d" % one for one in ids]


def longer_than(limit: int) -> "re.Pattern[bytes]":
    """Matches the integer replies above `limit`: lists to cut, found without parsing the rest."""
    digits = str(limit)
    above = [rb"\d{%d,}" % (len(digits) + 1)]
    for place, digit in enumerate(digits):
        if digit != "9":
            rest = len(digits) - place - 1
            first = int(digit) + 1
            above.append(rb"%b[%d-9]\d{%d}" % (digits[:place].encode(), first, rest))
    return re.compile(rb":(?:" + rb"|".join(above) + rb")\r")


@dataclass(slots=True)
class _Sent:
    """What lies on one wire: the fragments in the order of their replies."""

    pieces: list[bytes]
    blocks: list[Fragments]
    count: int


class InOrder:
    """RPUSHX to the lists of many followers, several instances at once.

    `add` collects; whenever enough is collected it is sent to every instance and then read, and
    lists that have grown too long are cut.
    """

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._wires = wires
        self._sent = [_Sent([], [], 0) for _ in wires]
        self._limit = settings.HOME_TIMELINE_LENGTH + keys.TRIM_SLACK
        self._too_long = longer_than(self._limit)
        self._cuts: list[list[bytes]] = []
        self.pushed = 0

    def add(self, ids: Sequence[int], parts: Sequence[Fragments]) -> None:
        """Push one author's ids, rising, to followers given by instance."""
        head = b"*%d\r\n%b" % (2 + len(ids), _PUSH)
        tail = words(_decimal(ids))
        between = tail + head
        for sent, fragments in zip(self._sent, parts, strict=True):
            if fragments:
                sent.pieces += (head, between.join(fragments), tail)
                sent.blocks.append(fragments)
                sent.count += len(fragments)
        if max(sent.count for sent in self._sent) >= MAX_IN_FLIGHT:
            self.flush()
            self.cut()

    def flush(self, after: bytes = b"") -> None:
        """Send, read and check what is collected.

        Args:
            after: commands to send to every instance in the same write; their replies are left
                for the caller to read.

        Raises:
            redis.RedisError: of any reply. Nothing is known of the other pushes then.
        """
        cuts: list[list[bytes]] = []
        for wire, sent in zip(self._wires, self._sent, strict=True):
            if sent.count or after:
                wire.send(b"".join(sent.pieces) + after)
        for wire, sent in zip(self._wires, self._sent, strict=True):
            replies = wire.read_lengths(sent.count)
            cuts.append(self._to_cut(sent, replies))
            self.pushed += sent.count
            sent.pieces, sent.blocks, sent.count = [], [], 0
        self._cuts = cuts

    def _to_cut(self, sent: _Sent, replies: bytes) -> list[bytes]:
        found: list[bytes] = []
        index = position = first = number = 0
        for match in self._too_long.finditer(replies):
            index += replies.count(b"\n", position, match.start())
            position = match.start()
            while index - first >= len(sent.blocks[number]):
                first += len(sent.blocks[number])
                number += 1
            found.append(sent.blocks[number][index - first])
        return found

    def cut(self) -> None:
        """Cut the lists that the last flush found too long; after the caller's own reading."""
        length = settings.HOME_TIMELINE_LENGTH
        head, tail = b"*4\r\n$5\r\nLTRIM\r\n", words((b"-%d" % length, b"-1"))
        for wire, fragments in zip(self._wires, self._cuts, strict=True):
            if fragments:
                wire.send(head + (tail + head).join(fragments) + tail)
        for wire, fragments in zip(self._wires, self._cuts, strict=True):
            if fragments:
                wire.read(len(fragments))
        self._cuts = []


class _Calls:
    """EVALSHA over the lists of many followers, several instances at once."""

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._wires = wires
        self._pieces: list[list[bytes]] = [[] for _ in wires]
        self._counts = [0] * len(wires)
        self._lists = 0

    def add(self, script: Script, parts: Sequence[Fragments], arguments: Sequence[bytes]) -> int:
        """Call a script for fragments given by instance; the sum of the replies read so far."""
        tail = words(arguments)
        for place, fragments in enumerate(parts):
            for start in range(0, len(fragments), LISTS_PER_CALL):
                part = fragments[start : start + LISTS_PER_CALL]
                name = words((b"EVALSHA", script.sha, b"%d" % len(part)))
                head = b"*%d\r\n%b" % (3 + len(part) + len(arguments), name)
                self._pieces[place] += (head, *part, tail)
                self._counts[place] += 1
            self._lists += len(fragments)
        return self.flush() if self._lists >= MAX_IN_FLIGHT else 0

    def flush(self) -> int:
        """Send and read what is collected; the sum of the replies."""
        for wire, pieces in zip(self._wires, self._pieces, strict=True):
            if pieces:
                wire.send(b"".join(pieces))
                pieces.clear()
        total = sum(
            sum(wire.read(count)) for wire, count in zip(self._wires, self._counts, strict=True)
        )
        self._counts, self._lists = [0] * len(self._wires), 0
        return total


# Ids, rising, and the fragments of those who get them, by instance.
Push = tuple[Sequence[int], Sequence[Fragments]]


def push_late(wires: Sequence[Wire], given: Iterable[Push]) -> int:
    """Push ids that may be older than what the lists hold: exact for any order.

    Returns:
        The number of lists that exist, each counted once for each push.
    """
    length = settings.HOME_TIMELINE_LENGTH
    numbers = (keys.MAX_SIDE, length + keys.TRIM_SLACK, -length, keys.TTL_SECONDS)
    calls = _Calls(wires)
    found = sum(
        calls.add(scripts.PUSH_LATE, parts, _decimal((*numbers, *ids))) for ids, parts in given
    )
    return found + calls.flush()


def move_aside(wires: Sequence[Wire], given: Iterable[Push]) -> None:
    """Take ids that were pushed in order, but came between those of another pusher, aside."""
    calls = _Calls(wires)
    for ids, parts in given:
        calls.add(scripts.MOVE_ASIDE, parts, _decimal((keys.TTL_SECONDS, *ids)))
    calls.flush()


def raise_watermark(highest: int, count: int) -> bytes:
    """The command that hands `count` ids, the highest of them given, to pushing."""
    given = (keys.WATERMARK, keys.HANDED, b"%d" % highest, b"%d" % count)
    return encode([(b"EVALSHA", scripts.RAISE.sha, b"2", *given)])


READ_HANDED = encode([(b"GET", keys.HANDED)])
