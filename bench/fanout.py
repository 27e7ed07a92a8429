"""F2: deliveries per second of the whole machine, and the same through relay and Celery."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

from bench import homes
from bench.cpu import Meter
from bench.figures import BY_ID, Result
from bench.setup import Bench

if TYPE_CHECKING:
    from apps.infra.eventlog.log import LoggedEvent

BEST_PUBLISHED = 61_000.0
CORES = 2

Post = tuple[int, int]


def measure(bench: Bench) -> list[Result]:
    """The figure; the lists of a sample are checked after each of both ways."""
    from apps.infra import ids

    people = bench.world.people
    homes.fill(people, ids.next_ids(800))
    direct, direct_us, direct_posts = _direct(bench)
    homes.fill(people, ids.next_ids(800))
    whole, whole_us, whole_posts = _through_celery(bench)
    return [
        Result(
            figure=BY_ID["F2"],
            value=direct,
            ratio=direct / BEST_PUBLISHED,
            also={
                "cpu_us_per_delivery": direct_us,
                "deliveries_per_second_if_alone": CORES * 1e6 / direct_us,
                "deliveries_per_post": _deliveries(bench, direct_posts) / len(direct_posts),
                "relay_celery_deliveries_per_second": whole,
                "relay_celery_ratio": whole / BEST_PUBLISHED,
                "relay_celery_cpu_us_per_delivery": whole_us,
                "relay_celery_events_per_second": whole
                * len(whole_posts)
                / _deliveries(bench, whole_posts),
            },
        )
    ]


def _direct(bench: Bench) -> tuple[float, float, list[Post]]:
    """Batches as the relay hands them out, straight into the subscriber's function."""
    from apps.timelines.tasks import fan_out

    bench.machine.stop_service()
    meter = Meter(bench.machine.engine_pids())
    rates, costs, posted = [], [], []
    for number in range(bench.sizes.rounds + 1):
        batches = [_draw(bench, bench.sizes.batch) for _ in range(bench.sizes.batches)]
        events = [events_of(batch) for batch in batches]
        own, others, began = time.process_time(), meter.seconds(), time.perf_counter()
        for batch in events:
            fan_out(events=batch, late=False)
        seconds = time.perf_counter() - began
        cpu = time.process_time() - own + meter.seconds() - others
        posts = [post for batch in batches for post in batch]
        posted += posts
        if number:  # the first round loads the follower blocks
            rates.append(_deliveries(bench, posts) / seconds)
            costs.append(cpu / _deliveries(bench, posts) * 1e6)
    _check(bench, posted)
    return median(rates), median(costs), posted


def _through_celery(bench: Bench) -> tuple[float, float, list[Post]]:
    """The same events from the event log, through relay and worker, from commit to last ack."""
    from django.db import transaction

    from apps.infra.eventlog.log import publish_many
    from apps.tweets.events import TweetPosted

    bench.machine.start_service()
    meter = bench.service_meter()
    rates, costs, posted = [], [], []
    for number in range(bench.sizes.rounds + 1):
        posts = _draw(bench, bench.sizes.batch * bench.sizes.batches)
        posted += posts
        with transaction.atomic():
            publish_many(
                [
                    TweetPosted(tweet_id=tweet_id, author_id=author_id)
                    for tweet_id, author_id in posts
                ]
            )
        before, began = meter.seconds(), time.perf_counter()
        bench.wait_drained(pause_seconds=0.005)
        seconds = time.perf_counter() - began
        if number:
            rates.append(_deliveries(bench, posts) / seconds)
            costs.append((meter.seconds() - before) / _deliveries(bench, posts) * 1e6)
    _check(bench, posted)
    return median(rates), median(costs), posted


def _draw(bench: Bench, count: int) -> list[Post]:
    """New posts of authors drawn evenly, so with the degrees of the graph."""
    from apps.infra import ids

    authors = sorted(bench.world.followers)
    return [(tweet_id, bench.chooser.choice(authors)) for tweet_id in ids.next_ids(count)]


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


def _deliveries(bench: Bench, posts: Sequence[Post]) -> int:
    """Home timelines that these posts reach: the followers' and the author's own."""
    return sum(len(bench.world.followers[author_id]) + 1 for _, author_id in posts)


def _check(bench: Bench, posted: Sequence[Post]) -> None:
    people = bench.world.people
    homes.check(
        bench.world, bench.chooser.sample(people, min(bench.sizes.checked, len(people))), posted
    )
