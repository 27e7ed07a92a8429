"""Pushes to many home timelines, as bytes.

The list of an author's followers is a list of prepared fragments, the key as a RESP word; a push
is a join with the rest of the command between them. No step of Python is done per follower.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

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
class _Outbox:
    """What is to go over one wire: cuts first, then pushes, in the order of their replies."""

    cuts: list[bytes] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    blocks: list[Fragments] = field(default_factory=list)
    count: int = 0


class InOrder:
    """RPUSHX to the lists of many followers, several instances at once.

    `add` collects; whenever enough is collected it is sent to every instance and then read. Lists
    that have grown too long are cut with the next flush.
    """

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._wires = wires
        self._outboxes = [_Outbox() for _ in wires]
        length = settings.HOME_TIMELINE_LENGTH
        self._too_long = longer_than(length + keys.TRIM_SLACK)
        self._cut = b"*4\r\n$5\r\nLTRIM\r\n", words((b"-%d" % length, b"-1"))
        self.pushed = 0

    def add(self, ids: Sequence[int], parts: Sequence[Fragments]) -> None:
        """Push one author's ids, rising, to followers given by instance."""
        head = b"*%d\r\n%b" % (2 + len(ids), _PUSH)
        tail = words(_decimal(ids))
        between = tail + head
        for outbox, fragments in zip(self._outboxes, parts, strict=True):
            if fragments:
                outbox.pieces += (head, between.join(fragments), tail)
                outbox.blocks.append(fragments)
                outbox.count += len(fragments)
        if max(outbox.count for outbox in self._outboxes) >= MAX_IN_FLIGHT:
            self.flush()

    def flush(self, after: bytes = b"") -> None:
        """Send, read and check what is collected.

        Args:
            after: commands to send to every instance in the same write; their replies are left
                for the caller to read.

        Raises:
            redis.RedisError: of any reply. Nothing is known of the other pushes then.
        """
        head, tail = self._cut
        for wire, outbox in zip(self._wires, self._outboxes, strict=True):
            cuts = (part for one in outbox.cuts for part in (head, one, tail))
            if buffer := b"".join((*cuts, *outbox.pieces, after)):
                wire.send(buffer)
        for wire, outbox in zip(self._wires, self._outboxes, strict=True):
            replies = wire.read_lengths(len(outbox.cuts) + outbox.count)
            self.pushed += outbox.count
            outbox.cuts = self._to_cut(outbox, replies)
            outbox.pieces, outbox.blocks, outbox.count = [], [], 0

    def finish(self) -> None:
        """Cut what the last flush found too long."""
        if any(outbox.cuts for outbox in self._outboxes):
            self.flush()

    def _to_cut(self, outbox: _Outbox, replies: bytes) -> list[bytes]:
        found: list[bytes] = []
        # The index of a reply among the pushes; the cuts were answered before.
        index, position, first, number = -len(outbox.cuts), 0, 0, 0
        for match in self._too_long.finditer(replies):
            index += replies.count(b"\n", position, match.start())
            position = match.start()
            while index - first >= len(outbox.blocks[number]):
                first += len(outbox.blocks[number])
                number += 1
            found.append(outbox.blocks[number][index - first])
        return found


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
