"""Snowflake ids: 41 bits of ms since Twitter's epoch, 10 bits machine, 12 bits sequence.

Twitter's own epoch, so imported tweets keep their ids and their order, and the arithmetic of
every client holds. The layout is that of Twitter's Snowflake (2010).

**The machine id is leased** from PostgreSQL for a while (`_LEASE_MS`), in the owner's own clock:
the row says up to which ms the owner may make ids. An owner never goes past that ms without
renewing; whoever takes the machine id next starts behind it. So two holders use disjoint
milliseconds, however their clocks differ, over crashes and restarts too.

**A clock that is set back** by up to 10 ms is waited for. Up to 10 s, ids are refused until it has
caught up, so that they rise. Where it is further behind it was wrong before, or is wrong now,
and nobody waits for so long: the process goes on with another machine id, and its ids with the
clock. They are unique, and below those of before.
"""

import logging
import os
import threading
import time
from datetime import datetime

import psycopg

from apps.infra import clock
from apps.infra.errors import Unavailable
from apps.infra.stores import postgres

EPOCH_MS = 1_288_834_974_657
_SEQUENCE_BITS = 12
_MACHINE_BITS = 10
_SHIFT = _MACHINE_BITS + _SEQUENCE_BITS
PER_MS = 1 << _SEQUENCE_BITS
MAX_MACHINE = (1 << _MACHINE_BITS) - 1
# A wait this short is invisible; a longer step back means somebody set the clock.
MAX_BACKWARDS_MS = 10
# For so long ids are refused, so that they rise; who is asked to wait for longer goes on.
MAX_REFUSED_MS = 10_000
_LEASE_MS = 60_000
_PAUSE_SECONDS = 0.0002

_TAKE = """
with free as (
  select n from generate_series(0, %(max)s) n
   where not exists (select 1 from machine_leases l where l.machine = n)
   order by random() limit 1),
expired as (
  select machine from machine_leases where until_ms < %(now)s
   order by until_ms limit 1 for update skip locked),
chosen as (select coalesce((select machine from expired), (select n from free)) as machine)
insert into machine_leases (machine, token, until_ms)
select machine, gen_random_uuid(), %(until)s from chosen where machine is not null
on conflict (machine) do update set token = excluded.token, until_ms = excluded.until_ms
  where machine_leases.until_ms < %(now)s
returning machine, token
"""
_RENEW = """
update machine_leases set until_ms = %(until)s where machine = %(machine)s and token = %(token)s
returning machine
"""


log = logging.getLogger(__name__)


class ClockWentBack(Unavailable):
    """The clock stepped back by more than 10 ms, at most 10 s; no id would rise."""


class NoMachineId(Unavailable):
    """All 1,024 machine ids are leased, or PostgreSQL gave none."""


def at_ms(ms: int) -> int:
    """The lowest id of a millisecond of Unix time; 0 for times before Twitter's epoch."""
    return max(ms - EPOCH_MS, 0) << _SHIFT


def ms_of(snowflake: int) -> int:
    """The Unix ms an id was made in. Ids from before November 2010 carry no time."""
    return (snowflake >> _SHIFT) + EPOCH_MS


def created_at_of(snowflake: int) -> datetime:
    """The aware UTC time an id was made at."""
    return clock.from_ms(ms_of(snowflake))


class Generator:
    """Ids of one machine id; safe for threads, never the same id twice, always rising."""

    def __init__(self, *, machine: int, last_ms: int, until_ms: int) -> None:
        self.machine = machine
        self.until_ms = until_ms
        self.last_ms = last_ms
        self._sequence = PER_MS
        self._lock = threading.Lock()

    def take(self, count: int) -> list[int]:
        """`count` ids, rising.

        Raises:
            ClockWentBack: by more than 10 ms. LeaseOver: the lease ends before these ids.
            ClockSetBack: by more than 10 s.
        """
        ids: list[int] = []
        with self._lock:
            self._catch_up(clock.now_ms())
            while len(ids) < count:
                if self._sequence >= PER_MS:
                    self._next_ms()
                first = self._sequence
                last = min(PER_MS, first + count - len(ids))
                base = (self.last_ms - EPOCH_MS) << _SHIFT | self.machine << _SEQUENCE_BITS
                ids.extend(range(base + first, base + last))
                self._sequence = last
        return ids

    def _catch_up(self, ms: int) -> None:
        """Go to the present at the start of a call."""
        self._refuse_if_back(ms)
        while ms < self.last_ms:
            time.sleep(_PAUSE_SECONDS)
            ms = self._tick()
        if ms > self.last_ms:
            self._begin(ms)
        elif ms >= self.until_ms:
            raise LeaseOver

    def _next_ms(self) -> None:
        """Go one millisecond on, waiting for it if it is still to come.

        One, not to the present: whoever was kept from the processor for some milliseconds of a
        bulk has them still to use. They are later than the call's start, and nobody else's.
        """
        ms = self.last_ms + 1
        while (now := self._tick()) < ms:
            self._refuse_if_back(now)
            time.sleep(_PAUSE_SECONDS)
        self._begin(ms)

    def _refuse_if_back(self, ms: int) -> None:
        behind = self.last_ms - ms
        if behind > MAX_REFUSED_MS:
            raise ClockSetBack(f"the clock is {behind // 1000} s behind the last id")
        if behind > MAX_BACKWARDS_MS:
            raise ClockWentBack(
                f"The clock here was set back and is {behind} ms behind. Try again in a moment.",
                retry_after_seconds=-(-behind // 1000),
            )

    def _begin(self, ms: int) -> None:
        if ms >= self.until_ms:
            raise LeaseOver
        self.last_ms, self._sequence = ms, 0

    def _tick(self) -> int:
        ms = clock.now_ms()
        if not clock.is_frozen():
            return ms
        # A frozen clock (tests) would never move on by itself: borrow the next millisecond.
        return max(ms, self.last_ms + (self._sequence >= PER_MS))


class LeaseOver(Exception):
    """The generator may not go on under its lease; renew or take another."""


class ClockSetBack(Exception):
    """The generator would have to refuse for more than 10 s; take another machine id."""


class _Leased:
    """The generator of this process, renewed in time; another after a fork."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._lock = threading.Lock()
        self._generator: Generator | None = None
        self._token = ""
        # The last ms of ids that were given up because the clock was set back.
        self.left_ms = 0

    def take(self, count: int) -> list[int]:
        while True:
            generator = self._current()
            try:
                return generator.take(count)
            except LeaseOver:
                self._renew(generator)
            except ClockSetBack as error:
                log.error("%s: other ids are made, below it", error)
                self._let_go(generator)

    def take_at_hand(self, count: int) -> list[int] | None:
        generator = self._generator
        try:
            return None if generator is None else generator.take(count)
        except (LeaseOver, ClockSetBack):
            return None

    def _current(self) -> Generator:
        generator = self._generator
        if generator is None:
            with self._lock:
                if self._generator is None:
                    self._generator = self._lease()
                generator = self._generator
        return generator

    def _lease(self) -> Generator:
        now = clock.now_ms()
        with postgres.connect() as connection:
            for _ in range(20):
                row = _take(connection, now)
                if row is not None:
                    machine, self._token = row
                    # Up to `now` an earlier holder may have made ids: start behind it, even if
                    # the clock steps back by a few ms in this moment.
                    return Generator(machine=machine, last_ms=now, until_ms=now + _LEASE_MS)
        raise NoMachineId("every machine id is in use; stop a process or wait a minute")

    def _renew(self, generator: Generator) -> None:
        with self._lock:
            if self._generator is not generator or clock.now_ms() < generator.until_ms:
                return
            until = clock.now_ms() + _LEASE_MS
            with postgres.connect() as connection:
                arguments = {"until": until, "machine": generator.machine, "token": self._token}
                row = connection.execute(_RENEW, arguments).fetchone()
                postgres.ensure_confirmed(connection)
                if row:
                    generator.until_ms = until
                else:
                    self._generator = None

    def _let_go(self, generator: Generator) -> None:
        with self._lock:
            if self._generator is generator:
                self._generator = None
                self.left_ms = max(self.left_ms, generator.last_ms)


def _take(connection: psycopg.Connection[tuple[int, str]], now: int) -> tuple[int, str] | None:
    row = connection.execute(
        _TAKE, {"max": MAX_MACHINE, "now": now, "until": now + _LEASE_MS}
    ).fetchone()
    # Of a lease that is lost with the server somebody else would make the same ids.
    postgres.ensure_confirmed(connection)
    return row


_leased: _Leased | None = None


def next_ids(count: int) -> list[int]:
    """`count` new ids, rising; at most 4,096 per ms, so a large bulk takes that long.

    Raises:
        ClockWentBack: the clock stepped back, by at most 10 s. NoMachineId: no lease could be had.
    """
    global _leased  # noqa: PLW0603 (one lease per process, another after a fork)
    if _leased is None or _leased.pid != os.getpid():
        _leased = _Leased()
    return _leased.take(count)


def ids_at_hand(count: int) -> list[int] | None:
    """`next_ids` for an event loop; None where that would have to ask PostgreSQL first.

    Raises:
        ClockWentBack.
    """
    leased = _leased
    if leased is None or leased.pid != os.getpid():
        return None
    return leased.take_at_hand(count)


def are_dated_back() -> bool:
    """Whether new ids are below some that this process has made: its clock was set back."""
    return _leased is not None and clock.now_ms() <= _leased.left_ms


def next_id() -> int:
    """One new id; see `next_ids`."""
    return next_ids(1)[0]
