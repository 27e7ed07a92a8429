"""Snowflakes: never twice, always rising, whatever clocks, processes and leases do."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from apps.infra import clock, ids
from apps.infra.conf import BASE_DIR
from apps.infra.stores import postgres

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
NOON_MS = clock.to_ms(NOON)
LEASE_MS = 60_000
# Prints ids for ever, a list in each line; the first argument says how many at once.
_MAKER = """
import sys, json
from apps.infra import ids
while True:
    print(json.dumps(ids.next_ids(int(sys.argv[1]))), flush=True)
"""


@pytest.fixture
def leases(world: None) -> Iterator[None]:
    """No machine id is leased, to anybody; what this process held is forgotten."""
    held, ids._leased = ids._leased, None
    with postgres.connect() as raw:
        before = raw.execute("delete from machine_leases returning *").fetchall()
        yield
        raw.execute("delete from machine_leases")
        for row in before:
            raw.execute("insert into machine_leases values (%s, %s, %s)", row)
    ids._leased = held


class Clock:
    """A clock that a test sets; `sleep` moves it on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ms = NOON_MS
        monkeypatch.setattr(clock, "now_ms", lambda: self.ms)
        monkeypatch.setattr(ids, "time", SimpleNamespace(sleep=self._sleep))

    def _sleep(self, _seconds: float) -> None:
        self.ms += 1


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of this process, in the test's hands."""
    return Clock(monkeypatch)


def machine_of(snowflake: int) -> int:
    return snowflake >> 12 & 1023


def makers(*counts: int) -> list[subprocess.Popen[str]]:
    """Processes that print ids."""
    database = connection.settings_dict
    url = (
        f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:"
        f"{database['PORT']}/{database['NAME']}"
    )
    environ = os.environ | {"DATABASE_URL": url}
    return [
        subprocess.Popen(
            [sys.executable, "-c", _MAKER, str(count)],
            cwd=BASE_DIR,
            env=environ,
            stdout=subprocess.PIPE,
            text=True,
        )
        for count in counts
    ]


def killed(process: subprocess.Popen[str]) -> list[int]:
    """Kill a maker; every whole line that it has printed."""
    process.send_signal(signal.SIGKILL)
    out = process.communicate()[0]
    return [one for line in out.splitlines() if line.endswith("]") for one in json.loads(line)]


def read(process: subprocess.Popen[str], lines: int) -> list[int]:
    assert process.stdout is not None
    return [one for _ in range(lines) for one in json.loads(process.stdout.readline())]


@given(st.integers(ids.EPOCH_MS, ids.EPOCH_MS + (1 << 41) - 1), st.integers(0, (1 << 22) - 1))
def test_an_id_holds_its_time_and_sorts_by_it(ms: int, rest: int) -> None:
    lowest = ids.at_ms(ms)

    assert ids.ms_of(lowest | rest) == ms
    assert lowest <= lowest | rest < ids.at_ms(ms + 1)
    assert lowest + rest < 1 << 63


def test_the_arithmetic_is_twitters() -> None:
    # Twitter's own documentation: https://docs.x.com/fundamentals/x-ids
    assert ids.created_at_of(1541815603606036480) == datetime(
        2022, 6, 28, 16, 7, 40, 105000, tzinfo=UTC
    )
    assert ids.at_ms(0) == 0


@given(st.lists(st.integers(1, 9_000), min_size=1, max_size=6))
def test_bulks_of_any_size_rise_without_a_repeat(counts: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        Clock(patch)
        generator = ids.Generator(machine=5, last_ms=0, until_ms=NOON_MS + 1_000_000)
        made = [one for count in counts for one in generator.take(count)]

    assert len(made) == sum(counts)
    assert all(one < other for one, other in itertools.pairwise(made))
    assert {machine_of(one) for one in made} == {5}
    assert ids.ms_of(made[-1]) - NOON_MS <= sum(counts) // 4_096 + 1


def test_a_millisecond_gives_4096_ids_and_then_the_next_begins(hands: Clock) -> None:
    generator = ids.Generator(machine=0, last_ms=0, until_ms=NOON_MS + 10)

    made = generator.take(4_097)

    assert [ids.ms_of(one) for one in (made[0], made[4_095], made[4_096])] == [
        NOON_MS,
        NOON_MS,
        NOON_MS + 1,
    ]


def test_a_bulk_loses_no_millisecond_in_which_it_was_kept_from_the_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moments = itertools.chain([0, 0, 9, 9, 9], itertools.count(9))
    monkeypatch.setattr(clock, "now_ms", lambda: NOON_MS + next(moments))
    monkeypatch.setattr(ids, "time", SimpleNamespace(sleep=lambda _seconds: None))
    generator = ids.Generator(machine=0, last_ms=0, until_ms=NOON_MS + 100)

    made = generator.take(8 * 4_096)

    assert sorted({ids.ms_of(one) for one in made}) == [NOON_MS + n for n in range(8)]


def test_a_clock_that_steps_back_in_the_middle_of_a_bulk_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moments = itertools.chain([0, 1, 2], itertools.repeat(-9))
    monkeypatch.setattr(clock, "now_ms", lambda: NOON_MS + next(moments))
    monkeypatch.setattr(ids, "time", SimpleNamespace(sleep=lambda _seconds: None))
    generator = ids.Generator(machine=0, last_ms=0, until_ms=NOON_MS + 100)

    with pytest.raises(ids.ClockWentBack, match="11 ms"):
        generator.take(20 * 4_096)


@given(st.lists(st.integers(-10, 30), max_size=60), st.randoms())
def test_small_steps_back_are_waited_out(steps: list[int], dice: random.Random) -> None:
    with pytest.MonkeyPatch.context() as patch:
        hands = Clock(patch)
        generator = ids.Generator(machine=1, last_ms=0, until_ms=NOON_MS + 1_000_000)
        made = generator.take(1)
        for step in steps:
            # From where it is: never more than 10 ms behind the last id.
            hands.ms = max(hands.ms + step, ids.ms_of(made[-1]) - 10)
            made += generator.take(dice.choice([1, 3, 5_000]))

    assert all(one < other for one, other in itertools.pairwise(made))


def test_a_larger_step_back_is_refused_loudly_until_the_clock_is_right(hands: Clock) -> None:
    generator = ids.Generator(machine=1, last_ms=0, until_ms=NOON_MS + 100)
    before = generator.take(1)[0]

    hands.ms -= 11
    with pytest.raises(ids.ClockWentBack, match="11 ms"):
        generator.take(1)
    hands.ms += 12

    assert generator.take(1)[0] > before


def test_who_would_wait_for_long_goes_on_with_another_machine_id(
    leases: None, hands: Clock
) -> None:
    leased = ids._Leased()
    before = leased.take(3)
    hands.ms -= 10_000
    with pytest.raises(ids.ClockWentBack) as caught:
        leased.take(1)
    assert caught.value.status == 503
    assert caught.value.retry_after_seconds == 10

    hands.ms -= 3_600_000
    assert leased.take_at_hand(1) is None
    after = leased.take(3)
    hands.ms += 3_600_000 + 20_000
    later = leased.take(3)

    assert ids.ms_of(after[0]) < ids.ms_of(before[0])
    assert machine_of(after[0]) != machine_of(before[0])
    assert before[-1] < later[0]
    assert len({*before, *after, *later}) == 9


def test_threads_share_a_generator_without_a_repeat(leases: None) -> None:
    made: list[list[int]] = []

    def work() -> None:
        mine = []
        for _ in range(200):
            mine += ids.next_ids(7)
        made.append(mine)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(mine == sorted(mine) for mine in made)
    assert len({one for mine in made for one in mine}) == 8 * 200 * 7


def test_two_processes_never_make_the_same_id(leases: None) -> None:
    one, other = makers(50, 3_000)

    made = [read(one, 40) + killed(one), read(other, 40) + killed(other)]

    assert all(mine == sorted(mine) for mine in made)
    assert len(set(made[0]) | set(made[1])) == len(made[0]) + len(made[1])
    assert {machine_of(one) for one in made[0]}.isdisjoint(machine_of(one) for one in made[1])


def test_a_process_that_is_killed_and_started_again_makes_new_ids(leases: None) -> None:
    made: list[int] = []
    for _ in range(2):
        (process,) = makers(1_000)
        mine = read(process, 5) + killed(process)
        assert not made or mine[0] > made[-1]
        made += mine

    assert len(set(made)) == len(made)


def test_a_fork_takes_a_lease_of_its_own(leases: None) -> None:
    mine = ids.next_id()
    reading, writing = os.pipe()

    child = os.fork()
    if child == 0:
        # The child must not come back to pytest, whatever happens.
        try:
            os.write(writing, str(ids.next_id()).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    theirs = int(os.read(reading, 100))
    os.close(reading)
    os.close(writing)

    assert machine_of(theirs) != machine_of(mine)


def test_all_1024_leases_are_given_and_then_none(leases: None) -> None:
    with postgres.connect() as raw:
        raw.execute(
            "insert into machine_leases select n, gen_random_uuid(), %s"
            " from generate_series(0, 1023) n on conflict do nothing",
            (NOON_MS + LEASE_MS,),
        )
        taken = raw.execute("delete from machine_leases where machine % 100 = 3 returning 1")
        free = len(taken.fetchall())
    with clock.frozen(NOON):
        machines = {ids._Leased()._current().machine for _ in range(free)}
        with pytest.raises(ids.NoMachineId, match="every machine id is in use"):
            ids._Leased().take(1)

    assert machines == set(range(3, 1_024, 100))
    with clock.frozen(clock.from_ms(NOON_MS + LEASE_MS + 1)):
        # The oldest has run out; whoever takes it begins behind it.
        assert ids.ms_of(ids._Leased().take(1)[0]) > NOON_MS + LEASE_MS


def test_takers_at_the_same_moment_never_get_the_same_machine(leases: None) -> None:
    with postgres.connect() as raw:
        # Five are left for five, so that they meet.
        raw.execute(
            "insert into machine_leases select n, gen_random_uuid(), %s"
            " from generate_series(5, 1023) n",
            (clock.now_ms() + LEASE_MS,),
        )
    for _ in range(10):
        takers = [ids._Leased() for _ in range(5)]
        together = threading.Barrier(5)

        def take(one: ids._Leased, together: threading.Barrier = together) -> None:
            together.wait()
            one.take(1)

        threads = [threading.Thread(target=take, args=(one,)) for one in takers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {one._current().machine for one in takers} == set(range(5))
        with postgres.connect() as raw:
            raw.execute("delete from machine_leases where machine < 5")


def test_a_lease_is_renewed_in_time_and_keeps_its_machine(leases: None, hands: Clock) -> None:
    leased = ids._Leased()
    made = leased.take(1)

    for _ in range(5):
        hands.ms += LEASE_MS - 1_000
        made += leased.take(2)

    assert made == sorted(set(made))
    assert len({machine_of(one) for one in made}) == 1


def test_who_slept_past_the_lease_goes_on_under_another_machine(leases: None, hands: Clock) -> None:
    sleeper = ids._Leased()
    before = sleeper.take(3)

    hands.ms += LEASE_MS + 1
    # An expired machine id is taken before one that was never used.
    heirs = ids._Leased().take(3)
    after = sleeper.take(3)

    assert machine_of(heirs[0]) == machine_of(before[0])
    assert machine_of(after[0]) != machine_of(before[0])
    assert len({*before, *heirs, *after}) == 9


@given(st.data())
def test_holders_of_one_machine_never_share_a_millisecond(data: Any) -> None:
    """Any clocks, any order: a lease is up to a ms in its holder's own clock, and the next one
    begins behind it. This is the rule of `_TAKE`, played without PostgreSQL."""
    until = 0
    spans = []
    for _ in range(data.draw(st.integers(2, 6))):
        now = data.draw(st.integers(NOON_MS - 200_000, NOON_MS + 200_000))
        if until < now:
            until = now + LEASE_MS
            spans.append((now + 1, until - 1))

    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))


def test_a_new_holder_begins_behind_its_now_even_if_the_clock_steps_back(
    leases: None, hands: Clock
) -> None:
    leased = ids._Leased()
    leased._current()

    hands.ms -= 9

    assert ids.ms_of(leased.take(1)[0]) > NOON_MS


def test_no_ids_are_no_trouble(leases: None) -> None:
    assert ids.next_ids(0) == []
