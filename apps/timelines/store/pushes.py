"""Pushes to many home timelines, as bytes.

The list of an author's followers is a list of prepared fragments, the key as a RESP word; a push
is a join with the rest of the command between them. No step of Python is done per follower.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from django.conf import settings

from apps.infra.stores.aioredis import encode
from apps.timelines.store import keys, scripts
from apps.timelines.store.scripts import Script
from apps.timelines.store.wire import Wire

# Pushes to one instance that are sent together: bounds what lies in sockets and replies. The
# servers work on them while the next ones are made.
MAX_IN_FLIGHT = 2_000
# Lists in one call of a script: half a millisecond of the server. An instance has two calls at a
# time: whoever else asks it waits for no more.
LISTS_PER_CALL = 50

# Between packed fragments; no key has it.
_BETWEEN = b"\0"

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


@dataclass(frozen=True, slots=True)
class Packed:
    """Fragments of very many, a string for each LISTS_PER_CALL of them: 30 bytes a person."""

    strings: list[bytes]
    count: int

    @classmethod
    def of(cls, fragments: Sequence[bytes]) -> "Packed":
        """These fragments, packed."""
        size = LISTS_PER_CALL
        starts = range(0, len(fragments), size)
        return cls([_BETWEEN.join(fragments[one : one + size]) for one in starts], len(fragments))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> bytes:
        return self.strings[index // LISTS_PER_CALL].split(_BETWEEN)[index % LISTS_PER_CALL]

    def joined(self, between: bytes) -> bytes:
        """All of them, with something in between."""
        return between.join(one.replace(_BETWEEN, between) for one in self.strings)


def packed(user_ids: Sequence[bytes]) -> list[Packed]:
    """The fragments of people given in decimal, by instance."""
    parts: list[list[bytes]] = [[] for _ in settings.REDIS_STATE_URLS]
    for instance, key in keys.list_keys(user_ids):
        parts[instance].append(b"$%d\r\n%b\r\n" % (len(key), key))
    return [Packed.of(part) for part in parts]


Fragments = list[bytes] | Packed


def _joined(fragments: Fragments, between: bytes) -> bytes:
    return fragments.joined(between) if isinstance(fragments, Packed) else between.join(fragments)


def _calls_of(fragments: Fragments) -> Iterator[tuple[int, bytes]]:
    """The fragments of each call of a script: how many, and joined."""
    size = LISTS_PER_CALL
    for start in range(0, len(fragments), size):
        if isinstance(fragments, Packed):
            part = fragments.strings[start // size].replace(_BETWEEN, b"")
        else:
            part = b"".join(fragments[start : start + size])
        yield min(size, len(fragments) - start), part


@dataclass(slots=True)
class _Outbox:
    """What goes over one wire: cuts first, then pushes, in the order of their replies."""

    cuts: list[bytes] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    blocks: list[Fragments] = field(default_factory=list)
    count: int = 0


class InOrder:
    """RPUSHX to the lists of many followers, several instances at once.

    `add` collects; whenever enough is collected it is sent to every instance, and read when the
    next is sent: the servers work while the next commands are made. Lists that have grown too
    long are cut with what is sent next.
    """

    def __init__(self, wires: Sequence[Wire], *, at_once: int = 0) -> None:
        """Push over these connections, `at_once` to an instance; MAX_IN_FLIGHT by default."""
        self._wires = wires
        self._at_once = at_once or MAX_IN_FLIGHT
        self._outboxes = [_Outbox() for _ in wires]
        self._sent: list[_Outbox] = []
        length = keys.kept_ids()
        self._too_long = longer_than(length + keys.TRIM_SLACK)
        self._cut = b"*4\r\n$5\r\nLTRIM\r\n", words((b"-%d" % length, b"-1"))
        self.pushed = 0

    def add(self, ids: Sequence[int], parts: Sequence[Fragments]) -> None:
        """Push one author's ids, rising, to followers given by instance."""
        head = b"*%d\r\n%b" % (2 + len(ids), _PUSH)
        tail = b"".join([b"$%d\r\n%d\r\n" % (len(str(one)), one) for one in ids])
        between = tail + head
        is_full = False
        for outbox, fragments in zip(self._outboxes, parts, strict=True):
            if fragments:
                outbox.pieces += (head, _joined(fragments, between), tail)
                outbox.blocks.append(fragments)
                outbox.count += len(fragments)
                is_full = is_full or outbox.count >= self._at_once
        if is_full:
            self.send()

    def send(self, after: bytes = b"") -> None:
        """Send what is collected, once what was sent before is read.

        Args:
            after: commands to send to every instance in the same write; their replies are left
                for the caller to read, after `receive`.
        """
        self.receive()
        head, tail = self._cut
        for wire, outbox in zip(self._wires, self._outboxes, strict=True):
            cuts = [part for one in outbox.cuts for part in (head, one, tail)]
            if buffer := b"".join((*cuts, *outbox.pieces, after)):
                wire.send(buffer)
        self._sent, self._outboxes = self._outboxes, [_Outbox() for _ in self._wires]

    def receive(self) -> None:
        """Read and check what was sent.

        Raises:
            redis.RedisError: of any reply. Nothing is known of the other pushes then.
        """
        sent, self._sent = self._sent, []
        for wire, outbox, next_one in zip(self._wires, sent, self._outboxes, strict=False):
            replies = wire.read_lengths(len(outbox.cuts) + outbox.count)
            self.pushed += outbox.count
            next_one.cuts = self._to_cut(outbox, replies)

    def finish(self) -> None:
        """Send and read all that is left, and cut what was found too long."""
        self.flush()
        if any(outbox.cuts for outbox in self._outboxes):
            self.flush()

    def flush(self) -> None:
        """Send what is collected, and read it."""
        self.send()
        self.receive()

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
        self._on_their_way = [0] * len(wires)
        self._total = 0

    def add(self, script: Script, parts: Sequence[Fragments], arguments: Sequence[bytes]) -> None:
        """Call a script for fragments given by instance."""
        tail = words(arguments)
        calls = [_calls_of(fragments) for fragments in parts]
        # In turns, so that no instance waits for another's.
        for turn in zip_longest(*calls):
            for place, call in enumerate(turn):
                if call is not None:
                    size, part = call
                    name = words((b"EVALSHA", script.sha, b"%d" % size))
                    head = b"*%d\r\n" % (3 + size + len(arguments))
                    self._call(place, b"".join((head, name, part, tail)))

    def _call(self, place: int, command: bytes) -> None:
        self._wires[place].send(command)
        self._on_their_way[place] += 1
        if self._on_their_way[place] > 1:
            self._read(place, 1)

    def _read(self, place: int, count: int) -> None:
        self._total += sum(self._wires[place].read(count))
        self._on_their_way[place] -= count

    def finish(self) -> int:
        """Read what is on its way; the sum of all replies."""
        for place, count in enumerate(self._on_their_way):
            self._read(place, count)
        return self._total


# Ids, rising, and the fragments of those who get them, by instance.
Push = tuple[Sequence[int], Sequence[Fragments]]


def push_late(wires: Sequence[Wire], given: Iterable[Push]) -> int:
    """Push ids that may be older than what the lists hold: exact for any order.

    Returns:
        The number of lists that exist, each counted once for each push.
    """
    length = keys.kept_ids()
    numbers = (keys.MAX_SIDE, length + keys.TRIM_SLACK, -length, keys.TTL_SECONDS)
    calls = _Calls(wires)
    for ids, parts in given:
        calls.add(scripts.PUSH_LATE, parts, _decimal((*numbers, *ids)))
    return calls.finish()


def move_aside(wires: Sequence[Wire], given: Iterable[Push]) -> None:
    """Take ids that were pushed in order, but came between those of another pusher, aside."""
    calls = _Calls(wires)
    for ids, parts in given:
        calls.add(scripts.MOVE_ASIDE, parts, _decimal((keys.TTL_SECONDS, *ids)))
    calls.finish()


def raise_watermark(lowest: int, highest: int, count: int, *, is_bulk: bool = False) -> bytes:
    """The command that hands `count` ids between two, these included, to pushing by a lane.

    Args:
        lowest: 0 where all of them are pushed exactly (`push_late`).
    """
    names = keys.BULK_WATERMARKS if is_bulk else (keys.WATERMARK, keys.HANDED, keys.LOW)
    given = (b"%d" % highest, b"%d" % count, b"%d" % lowest)
    return encode([(b"EVALSHA", scripts.RAISE.sha, b"3", *names, *given)])


# Answers of which the number of lines is known beforehand: 2, and 4 of `raise_watermark`.
READ_HANDED = encode([(b"GETRANGE", keys.HANDED, b"0", b"-1")])
READ_WATERMARK = encode([(b"GETRANGE", keys.WATERMARK, b"0", b"-1")])
LINES_OF_READ = 2
LINES_OF_RAISED = 4


def value_of(lines: bytes) -> int:
    """The number that a READ_… command was answered with; 0 where there is none."""
    return int(lines.split(b"\r\n")[1] or 0)


def raised_of(lines: bytes) -> tuple[int, int]:
    """What `raise_watermark` was answered: the watermark before, how many ids were handed out."""
    _, _, before, handed, _ = lines.split(b"\r\n")
    return int(before), int(handed[1:])
