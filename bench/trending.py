"""T1: what it costs to count who says what, and how soon and how rightly it is listed.

Against an exact count in one process: a set of all pairs of a term and a voice, and counters by
term and slot. Both read the same rows and cut them into terms by the same code, in turn.
"""

import asyncio
import contextlib
import itertools
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from apps.infra.batches import batches
from bench import client, world
from bench.cpu import Meter
from bench.figures import BY_ID
from bench.measured import Result
from bench.oracle import WrongAnswer
from bench.setup import Bench, in_loop

WORDS_EACH = 10
WORDS, TAGS, BURSTS = 20_000, 3_000, 30
STEEPNESS = 1.05
TAGGED = 0.6
# Of the posts at the end of the second hour, so many are about something new.
BURSTING = 0.3
BATCH, PEOPLE_AT_ONCE = 1_000, 5_000
MOMENTS = 10
LISTED = 10
MAX_MEMORY, MAX_LAG = 0.05, 30.0
PEAK_AN_HOUR = 6_000 * 3600
VOICES = 4
LOST_SECONDS = 60.0
PAUSE_SECONDS = 0.05
_CONSONANTS, _VOWELS = "bcdfghklmnprstvw", "aeiou"
_COPY = "copy tweets (id, author_id, text, lang, source, created_at, conversation_id) from stdin"

if TYPE_CHECKING:
    from apps.trends.schemas import Lists

# Id, author, text.
Row = tuple[int, int, str]


@dataclass
class _Exact:
    """Everything that was said, as one process would know it."""

    seen: dict[int, set[int]] = field(default_factory=dict)
    slots: dict[int, Counter[str]] = field(default_factory=dict)
    hours: dict[int, Counter[str]] = field(default_factory=dict)
    offered: int = 0

    def count(self, tweet_ids: Sequence[int]) -> None:
        """As `count_posts` does."""
        from apps.trends import services, store
        from apps.trends.sampling import HOUR_MS
        from apps.tweets import stored

        for pair in services.pairs_of(stored.live_said(tweet_ids=tweet_ids)):
            self.offered += 1
            hour = pair.ms // HOUR_MS
            seen = self.seen.setdefault(hour, set())
            number = hash((pair.key, pair.voice.name))
            if number in seen:
                continue
            seen.add(number)
            fields = (pair.key, f"{pair.lang}{store.IN_LANGUAGE}{pair.key}")
            self.slots.setdefault(pair.ms // store.SLOT_MS, Counter()).update(fields)
            self.hours.setdefault(hour, Counter()).update(fields)

    def strongest(self, now_ms: int) -> list[str]:
        """The strongest bursts of the last 60 minutes, against the hour before those."""
        from apps.trends import ranking, store
        from apps.trends.sampling import HOUR_MS

        heard: dict[str, float] = {}
        last = now_ms // store.SLOT_MS
        first = last - store.WINDOW_SLOTS + 1
        for slot in range(first, last + 1):
            part = 1.0 - now_ms % store.SLOT_MS / store.SLOT_MS if slot == first else 1.0
            for key, count in self.slots.get(slot, {}).items():
                if store.IN_LANGUAGE not in key:
                    heard[key] = heard.get(key, 0.0) + part * count
        past = self.hours.get(now_ms // HOUR_MS - 2, Counter())
        usual = {key: float(past[key]) for key in heard}
        return [one.key for one in ranking.ranked(heard, usual, limit=LISTED)]

    def bytes_of(self, hour: int) -> int:
        """About what an hour takes: numbers in a set, names, and counters of them."""
        from apps.trends import store
        from apps.trends.sampling import HOUR_MS

        first = hour * HOUR_MS // store.SLOT_MS
        counters = [self.slots.get(slot, Counter()) for slot in range(first, first + 12)]
        seen = self.seen[hour]
        # A small int of its own for each count; names are shared by all counters.
        return (
            sys.getsizeof(seen)
            + sum(map(sys.getsizeof, seen))
            + sum(sys.getsizeof(one) for one in [*counters, self.hours[hour]])
            + sum(map(sys.getsizeof, self.hours[hour]))
        )


@dataclass
class _Hour:
    """One hour: its posts, in order, and what counting them took."""

    number: int
    rows: list[Row]
    ours: float = 0.0
    exact: float = 0.0
    pairs: int = 0
    redis_bytes: int = 0
    found: list[float] = field(default_factory=list)


def measure(bench: Bench) -> list[Result]:
    """The figure. Raises WrongAnswer: the list is another than the exact one."""
    from apps.infra import clock
    from apps.trends.sampling import HOUR_MS

    people = _people(bench)
    now = clock.now_ms() // HOUR_MS
    numbers = [now - 3, now - 2, now - 1]
    hours = [_Hour(one, _posts(bench, people, one, one == now - 1)) for one in numbers]
    meter = Meter(
        {"worker": os.getpid()} | bench.machine.engine_pids(),
        without=[bench.connection.info.backend_pid],
    )
    exact = _Exact()
    _store(bench, hours)
    try:
        for hour in hours:
            _count(bench, meter, hour, exact, is_judged=hour is hours[-1])
        peak_us = _at_peak(bench, meter, hours[-1])
    finally:
        _clear(bench, hours)
    return [_result(bench, hours, exact, peak_us, _lags(bench))]


def _people(bench: Bench) -> list[int]:
    from apps.infra import clock
    from apps.users import services_import

    people = bench.own_user_ids(bench.sizes.hour_people)
    for part in batches(people, PEOPLE_AT_ONCE):
        services_import.ensure_users(user_ids=part, now=clock.now() - timedelta(days=30))
    return people


def _posts(bench: Bench, people: Sequence[int], hour: int, is_bursting: bool) -> list[Row]:
    """Posts at even steps; towards the end of a bursting hour more and more about new things."""
    from apps.infra import ids
    from apps.trends.sampling import HOUR_MS

    chooser, count = bench.chooser, bench.sizes.hour_posts
    words = [_word(number) for number in range(WORDS)]
    drawn = chooser.choices(words, cum_weights=_zipf(WORDS), k=count * WORDS_EACH)
    tags = chooser.choices(range(TAGS), cum_weights=_zipf(TAGS), k=count)
    news = chooser.choices(range(BURSTS), cum_weights=_zipf(BURSTS), k=count)
    rows = []
    for number in range(count):
        text = " ".join(drawn[number * WORDS_EACH : (number + 1) * WORDS_EACH])
        if is_bursting and chooser.random() < BURSTING * number / count:
            text += f" #News{_word(news[number])}"
        elif chooser.random() < TAGGED:
            text += f" #{_word(tags[number])}"
        ms = hour * HOUR_MS + number * HOUR_MS // count
        rows.append((ids.at_ms(ms) + number % 4096, chooser.choice(people), text))
    return rows


def _zipf(count: int) -> list[float]:
    return list(itertools.accumulate(1 / (n + 3) ** STEEPNESS for n in range(count)))


def _word(number: int) -> str:
    """A word of letters, another for each number."""
    text = ""
    for _ in range(3):
        number, one = divmod(number, len(_CONSONANTS))
        number, other = divmod(number, len(_VOWELS))
        text += _CONSONANTS[one] + _VOWELS[other]
    return text


def _store(bench: Bench, hours: Sequence[_Hour]) -> None:
    from apps.infra import clock, ids

    with bench.connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for hour in hours:
            for tweet_id, author_id, text in hour.rows:
                at = clock.from_ms(ids.ms_of(tweet_id))
                copy.write_row((tweet_id, author_id, text, "und", "bench", at, tweet_id))
    bench.connection.execute("analyze tweets")


def _clear(bench: Bench, hours: Sequence[_Hour]) -> None:
    bench.connection.execute(
        "delete from tweets where id between %s and %s",
        [hours[0].rows[0][0], hours[-1].rows[-1][0]],
    )
    _forget()


def _forget() -> None:
    from apps.infra.stores import redis

    state = redis.state(0)
    for keys in batches(state.scan_iter(b"trends:*", count=BATCH), BATCH):
        state.unlink(*keys)


def _count(bench: Bench, meter: Meter, hour: _Hour, exact: _Exact, *, is_judged: bool) -> None:
    """Count an hour on both sides, in turns."""
    from apps.infra import clock, ids
    from apps.trends import services

    used, offered = _used_bytes(), exact.offered
    step = bench.sizes.hour_posts // (2 * MOMENTS)
    for number, part in enumerate(batches(hour.rows, step), start=1):
        now_ms = ids.ms_of(part[-1][0])
        before = sum(meter.seconds().values())
        _count_ours(part, now_ms)
        services.tidy(now=clock.from_ms(now_ms))
        between = sum(meter.seconds().values())
        for some in batches([row[0] for row in part], BATCH):
            exact.count(some)
        hour.ours += between - before
        hour.exact += sum(meter.seconds().values()) - between
        # As beat does it every three seconds; it keeps the slots small, too.
        lists = services.roll_up(now=clock.from_ms(now_ms))
        # In the second half, where something is new.
        if is_judged and number > MOMENTS:
            hour.found.append(_recall(lists, exact.strongest(now_ms)))
    hour.pairs = exact.offered - offered
    hour.redis_bytes = _used_bytes() - used


def _count_ours(rows: Sequence[Row], now_ms: int) -> None:
    from apps.infra import clock
    from apps.trends import services
    from apps.trends.schemas import Posted

    for some in batches(rows, BATCH):
        posts = [Posted(tweet_id, author_id) for tweet_id, author_id, _text in some]
        services.count_posts(posts=posts, now=clock.from_ms(now_ms))


def _used_bytes() -> int:
    from apps.infra.stores import redis

    return int(redis.state(0).info("memory")["used_memory"])


def _recall(lists: "Lists", wanted: Sequence[str]) -> float:
    """How much of the exact list is in ours."""
    from apps.trends.schemas import EVERYWHERE

    if len(wanted) < LISTED:
        raise WrongAnswer(f"nothing but {wanted} bursts in the exact count")
    listed = {one.key for one in lists[EVERYWHERE][:LISTED]}
    return len(listed.intersection(wanted)) / LISTED


def after_a_busy_hour(hour: int, pairs: int) -> None:
    """Let an hour (since 1970) begin as if so many pairs had been said in the one before."""
    from apps.infra.stores import redis
    from apps.trends import store

    state = redis.state(0)
    state.hset(store.hour_key(hour - 1), store.OFFERED.decode(), str(pairs))
    state.hdel(store.hour_key(hour), store.LOOKED_AT.decode())


def _at_peak(bench: Bench, meter: Meter, hour: _Hour) -> float:
    """CPU µs of a pair, where the hour before had as many posts as Twitter at its peak."""
    _forget()
    after_a_busy_hour(hour.number, PEAK_AN_HOUR * hour.pairs // len(hour.rows))
    began = sum(meter.seconds().values())
    _count_ours(hour.rows, (hour.number + 1) * 3_600_000)
    return (sum(meter.seconds().values()) - began) / hour.pairs * 1e6


# ── How soon ─────────────────────────────────────────────────────────────────


def _lags(bench: Bench) -> list[float]:
    """Seconds from the last of four posts to a list that has what they say, tag by tag."""
    people = bench.world.people[:VOICES]
    world.issue_tokens(bench.world, people)
    bench.machine.start_service({"TRENDS": "1"})
    try:
        return in_loop(_wait_for_tags(bench, people))
    finally:
        bench.machine.stop_service()


async def _wait_for_tags(bench: Bench, people: Sequence[int]) -> list[float]:
    caller = await client.Caller.open(bench.machine.web_port)
    with contextlib.closing(caller):
        return [
            await _until_listed(bench, caller, f"Waited{_word(number)}", people)
            for number in range(bench.sizes.waited_tags)
        ]


async def _until_listed(
    bench: Bench, caller: client.Caller, name: str, people: Sequence[int]
) -> float:
    for person in people:
        body = json.dumps({"text": f"{person} has heard of #{name}"}).encode()
        await _asked(
            caller, "/2/tweets", 201, token=bench.world.tokens[person], method="POST", body=body
        )
    began = time.perf_counter()
    while time.perf_counter() < began + LOST_SECONDS:
        answer = await _asked(
            caller, "/2/trends/by/woeid/1", 200, token=bench.world.tokens[people[0]]
        )
        if f"#{name}" in {one["trend_name"] for one in json.loads(answer.body).get("data", [])}:
            return time.perf_counter() - began
        await asyncio.sleep(PAUSE_SECONDS)
    raise WrongAnswer(f"#{name} was not listed within {LOST_SECONDS} s")


async def _asked(caller: client.Caller, path: str, status: int, **how: Any) -> client.Answer:
    answer = await caller.call(client.request(path, **how))
    if answer.status != status:
        raise client.BadAnswer(f"status {answer.status}: {answer.body[:500]!r}")
    return answer


def _result(
    bench: Bench, hours: Sequence[_Hour], exact: _Exact, peak_us: float, lags: Sequence[float]
) -> Result:
    first, last = hours[0], hours[-1]
    recall = sum(last.found) / len(last.found)
    if recall < bench.sizes.min_recall:
        raise WrongAnswer(f"{recall:.0%} of the exact list are in ours")
    return Result(
        figure=BY_ID["T1"],
        value=last.ours / last.pairs * 1e6,
        ratio=last.ours / last.exact,
        also={
            "exact_us": last.exact / last.pairs * 1e6,
            "cold_x": first.ours / first.exact,
            "cold_us": first.ours / first.pairs * 1e6,
            "peak_us": peak_us,
            "pairs_of_an_hour": last.pairs,
            "redis_mb": last.redis_bytes / 1e6,
            "exact_mb": exact.bytes_of(last.number) / 1e6,
            "memory_x": last.redis_bytes / exact.bytes_of(last.number),
            "missed": 1 - recall,
            "lag_max_s": max(lags),
            "lag_mean_s": sum(lags) / len(lags),
        },
        also_at_most={"memory_x": MAX_MEMORY, "lag_max_s": MAX_LAG},
        goal_at_most={"memory_x": 0.01, "lag_max_s": 5.0, "missed": 0.02},
    )
