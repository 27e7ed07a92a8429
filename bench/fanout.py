"""F2, F6: deliveries per second of the whole machine, and the same through relay and Celery."""

import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import mean, median
from typing import TYPE_CHECKING, TypeVar

from apps.infra.batches import batches
from bench import dense, growth, homes
from bench.cpu import Meter, Sample, explained, totals, waited_seconds
from bench.figures import BY_ID
from bench.measured import Result
from bench.setup import FAN_OUT, Bench
from bench.world import World

if TYPE_CHECKING:
    from apps.infra.eventlog.log import LoggedEvent

BEST_PUBLISHED = 61_000.0
CORES = os.cpu_count() or 1
T = TypeVar("T")

Post = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Load:
    """Whose posts are delivered, and how many in a round."""

    world: World
    posts: int

    def draw(self) -> list[Post]:
        """New posts of authors drawn evenly, so with the degrees of the graph."""
        from apps.infra import ids

        return dense.draw(self.world, sorted(self.world.followers), ids.next_ids(self.posts))


@dataclass(frozen=True, slots=True)
class Round:
    """What was measured, and deliveries per second as if the machine were ours alone."""

    sample: Sample
    alone_per_second: float


def measure(bench: Bench) -> list[Result]:
    """The figures; the lists of a sample are checked after each of both ways."""
    real = Load(bench.world, bench.sizes.batch * bench.sizes.batches)
    direct = _direct(bench, real)
    points = growth.fan_out_times(bench, _deliver)
    whole = _through_celery(bench, real)
    value, spine = _median_rate(direct), _median_rate(whole)
    per_post = 1 + mean(len(followers) for followers in bench.world.followers.values())
    return [
        Result(
            figure=BY_ID["F2"],
            value=value,
            ratio=value / BEST_PUBLISHED,
            also={
                "deliveries_per_post": per_post,
                **_explained(direct),
                "relay_celery_per_second": spine,
                "relay_celery_ratio": spine / BEST_PUBLISHED,
                "relay_celery_events_per_second": spine / per_post,
                **{f"relay_celery_{name}": number for name, number in _explained(whole).items()},
            },
            series={"followers": points},
        ),
        _spine(bench, at_real_degrees=spine / value, per_post=per_post),
    ]


def _spine(bench: Bench, *, at_real_degrees: float, per_post: float) -> Result:
    """F6, at the mean of 403 followers that F1 has too."""
    load = Load(dense.of(bench), bench.sizes.spine_posts)
    try:
        direct, whole = _direct(bench, load), _through_celery(bench, load)
    finally:
        homes.drop(load.world.people)
    value, spine = _median_rate(direct), _median_rate(whole)
    return Result(
        figure=BY_ID["F6"],
        value=spine,
        ratio=spine / value,
        also={
            "in_process_per_second": value,
            "by_cpu": _cpu_us(direct) / _cpu_us(whole),
            "by_the_wall_clock": _wall(whole) / _wall(direct),
            f"at_{per_post:.0f}_per_post": at_real_degrees,
        },
    )


def _median_rate(rounds: list[Round]) -> float:
    return median(one.alone_per_second for one in rounds)


def _cpu_us(rounds: list[Round]) -> float:
    return median(totals([one.sample for one in rounds]))


def _wall(rounds: list[Round]) -> float:
    return median(one.sample.per_second for one in rounds)


def _explained(rounds: list[Round]) -> dict[str, float]:
    samples = [one.sample for one in rounds]
    return {
        "by_the_wall_clock": _wall(rounds),
        "cpu_us": _cpu_us(rounds),
        **explained(samples),
    }


def _deliver(tweet_id: int, author_id: int) -> None:
    from apps.timelines.tasks import fan_out

    fan_out(events=events_of([(tweet_id, author_id)]), late=False)


def _direct(bench: Bench, load: Load) -> list[Round]:
    """Batches as the relay hands them out, straight into the subscriber's function."""
    from apps.timelines.tasks import fan_out

    bench.machine.stop_service()
    meter = Meter(bench.machine.engine_pids() | {"fan_out": os.getpid()})

    def prepare(posts: list[Post]) -> list[list["LoggedEvent"]]:
        return [events_of(batch) for batch in batches(posts, bench.sizes.batch)]

    def work(prepared: list[list["LoggedEvent"]]) -> None:
        for batch in prepared:
            fan_out(events=batch, late=False)

    return _rounds(bench, load, meter, prepare, work, pusher=os.getpid())


def _through_celery(bench: Bench, load: Load) -> list[Round]:
    """The same from the event log, through relay and worker, from commit to last ack."""
    from django.db import transaction

    from apps.infra.eventlog.log import publish_many
    from apps.tweets.events import TweetPosted

    bench.machine.start_service()

    def prepare(posts: list[Post]) -> None:
        bench.wait_drained()
        with transaction.atomic():
            publish_many(
                [
                    TweetPosted(tweet_id=tweet_id, author_id=author_id)
                    for tweet_id, author_id in posts
                ]
            )

    def work(_prepared: None) -> None:
        bench.wait_drained(FAN_OUT, pause_seconds=0.005)

    worker = bench.machine.pids()["worker-fanout"]
    return _rounds(bench, load, bench.service_meter(), prepare, work, pusher=worker)


def _rounds(
    bench: Bench,
    load: Load,
    meter: Meter,
    prepare: Callable[[list[Post]], T],
    work: Callable[[T], None],
    *,
    pusher: int,
) -> list[Round]:
    """Deliver, in each round, the same number of new posts to full home timelines.

    Args:
        pusher: pid of the process that pushes.
    """
    from apps.infra import ids

    people = load.world.people
    homes.fill(people, ids.next_ids(800))
    gc.collect()
    gc.freeze()  # as in the service's processes: the world is not to be searched for garbage
    rounds: list[Round] = []
    posted: list[Post] = []
    for _ in range(bench.sizes.rounds + 1):
        posts = load.draw()
        posted += posts
        prepared = prepare(posts)
        count = dense.deliveries(load.world, posts)
        before, waited, began = meter.seconds(), _waited(bench, pusher), time.perf_counter()
        work(prepared)
        seconds = time.perf_counter() - began
        waited = _waited(bench, pusher) - waited
        sample = Sample(meter.cost(before, operations=count), count / seconds)
        alone = max(seconds - waited, sample.cost.total * count / 1e6 / CORES)
        # A tiny round may take less processor time than the clock of the kernel can tell.
        rounds.append(Round(sample, count / (min(seconds, alone) if alone > 0 else seconds)))
    some = bench.chooser.sample(people, min(bench.sizes.checked, len(people)))
    homes.check(load.world, some, posted)
    return rounds[1:]  # the first one loaded the follower blocks


def _waited(bench: Bench, pusher: int) -> float:
    """How long the pushes have waited for a core: the pusher, then the slower of the Valkeys."""
    states = [engine.child.pid for engine in bench.machine.states if engine.child is not None]
    return waited_seconds(pusher) + max(map(waited_seconds, states))


def events_of(posts: Sequence[Post]) -> list["LoggedEvent"]:
    from apps.infra.eventlog.log import LoggedEvent

    now = datetime.now(UTC)
    return [
        LoggedEvent(
            id=number,
            topic="tweet.posted",
            key=str(tweet_id),
            payload={
                "tweet_id": tweet_id,
                "author_id": author_id,
                "in_reply_to_id": None,
                "in_reply_to_user_id": None,
                "retweet_of_id": None,
                "quote_of_id": None,
            },
            at=now,
        )
        for number, (tweet_id, author_id) in enumerate(posts, 1)
    ]
