"""W1: durable posts that arrive together, and COPY of the same rows, in turn."""

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import uvloop

from bench import oracle, world
from bench.cpu import Meter, Sample, explained
from bench.figures import BY_ID
from bench.measured import Result, median_ratio
from bench.setup import Bench

CONCURRENCY = 64
SOURCE = "bench"

# Author and text.
Row = tuple[int, str]


@dataclass
class _Posters:
    """The service's own group commit, without HTTP."""

    runner: asyncio.Runner
    posted: list[tuple[int, Row]]

    def post(self, rows: Sequence[Row]) -> None:
        """Post all, CONCURRENCY at once; each waits until its own is on disk."""
        self.runner.run(self._post(iter(rows)))

    async def _post(self, rows: Iterator[Row]) -> None:
        from apps.infra import clock
        from apps.tweets.group_commit import post_plain_tweet

        async def one_after_the_other() -> None:
            for author_id, text in rows:
                tweet = await post_plain_tweet(
                    author_id=author_id, text=text, now=clock.now(), source=SOURCE
                )
                self.posted.append((tweet.id, (author_id, text)))

        await asyncio.gather(*(one_after_the_other() for _ in range(CONCURRENCY)))

    def close(self) -> None:
        """Close what belongs to the loop."""
        from apps.infra.stores import aioredis
        from apps.tweets import group_commit

        self.runner.run(group_commit.close())
        self.runner.run(aioredis.close_all())
        self.runner.close()


def measure(bench: Bench, authors: Sequence[int]) -> Result:
    """The figure; every row and every event is then looked for. The events stay undelivered."""
    posters = _Posters(asyncio.Runner(loop_factory=uvloop.new_event_loop), [])
    meter = Meter({"poster": os.getpid(), "postgres": bench.machine.engine_pids()["postgres"]})
    numbers = itertools.count(30_000_000)
    ours: list[Sample] = []
    theirs: list[Sample] = []
    copied: list[tuple[int, Row]] = []
    epoch = _epoch(bench)
    try:
        for number in range(bench.sizes.rounds + 1):
            rows = [
                (bench.chooser.choice(authors), world.text_of(next(numbers)))
                for _ in range(bench.sizes.durable_posts)
            ]
            lines = _Lines.of(rows, epoch=epoch)
            copied += lines.rows
            ours.append(_timed(meter, len(rows), partial(posters.post, rows)))
            theirs.append(_timed(meter, len(rows), partial(lines.copy, bench)))
            if not number:
                ours, theirs = [], []  # the first round opened the connections
    finally:
        posters.close()
    _check(bench, authors, posters.posted + copied)
    rates = [one.per_second for one in ours]
    copies = [one.per_second for one in theirs]
    return Result(
        figure=BY_ID["W1"],
        value=median(rates),
        ratio=median_ratio(rates, copies),
        also={
            "concurrency": CONCURRENCY,
            "copy_per_second": median(copies),
            **explained(ours),
            **{f"copy_{name}": number for name, number in explained(theirs).items()},
        },
    )


def _epoch(bench: Bench) -> int:
    row = bench.connection.execute("select max(epoch) from epochs").fetchone()
    return int(row[0]) if row else 1


def _timed(meter: Meter, count: int, work: Callable[[], None]) -> Sample:
    before, began = meter.seconds(), time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    return Sample(meter.cost(before, operations=count), count / seconds)


@dataclass(frozen=True, slots=True)
class _Lines:
    """The same rows as COPY reads them, made beforehand."""

    rows: list[tuple[int, Row]]
    tweets: bytes
    events: bytes

    @staticmethod
    def of(rows: Sequence[Row], *, epoch: int) -> "_Lines":
        """Rows with new ids, and their events."""
        from apps.infra import clock, ids
        from apps.tweets.events import TweetPosted

        at = clock.now().isoformat()
        new = list(zip(ids.next_ids(len(rows)), rows, strict=True))
        tweets = [
            f"{one}\t{author}\t{text}\tund\t{SOURCE}\t{at}\t{one}\n" for one, (author, text) in new
        ]
        events = [
            f"{epoch}\t{TweetPosted.topic}\t{author}\t"
            f"{TweetPosted(tweet_id=one, author_id=author).payload()}\n"
            for one, (author, _) in new
        ]
        return _Lines(new, "".join(tweets).encode(), "".join(events).encode())

    def copy(self, bench: Bench) -> None:
        """Both tables in one transaction."""
        with bench.connection.transaction(), bench.connection.cursor() as cursor:
            with cursor.copy(
                "copy tweets (id, author_id, text, lang, source, created_at, conversation_id)"
                " from stdin"
            ) as copy:
                copy.write(self.tweets)
            with cursor.copy("copy event_log (epoch, topic, key, payload) from stdin") as copy:
                copy.write(self.events)


def _check(bench: Bench, authors: Sequence[int], posted: Sequence[tuple[int, Row]]) -> None:
    """Everything acknowledged is stored as it was given, once, with an event."""
    stored = bench.connection.execute(
        "select id, author_id, text from tweets where author_id = any(%s) order by id",
        [list(authors)],
    ).fetchall()
    if stored != sorted((one, author, text) for one, (author, text) in posted):
        raise oracle.WrongAnswer("the stored posts are not those that were acknowledged")
    events = bench.connection.execute(
        "select (payload->>'tweet_id')::bigint from event_log where key = any(%s)",
        [[str(author) for author in authors]],
    ).fetchall()
    oracle.compare(
        [one for (one,) in events], [one for one, *_ in stored], ordered=False, of="events"
    )
