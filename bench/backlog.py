"""L1: a backlog of the event log, through relay and Celery to the home timelines."""

import time
from statistics import median

from apps.infra.batches import batches
from bench import homes
from bench.cpu import Sample, explained, totals
from bench.fanout import Post
from bench.figures import BY_ID
from bench.measured import Result
from bench.setup import Bench

PROTOTYPE_US = 9.0
# As in the prototype's graph, the author's own timeline included.
DELIVERIES_PER_EVENT = 8.6
EVENTS_PER_STATEMENT = 10_000


def measure(bench: Bench) -> list[Result]:
    """The figure; the lists of a sample are checked."""
    from apps.infra import ids

    people = bench.world.people
    authors = _authors(bench)
    homes.fill(people, ids.next_ids(800))
    posted: list[Post] = []
    samples: list[Sample] = []
    for number in range(bench.sizes.backlogs + 1):
        # The first one loads the follower blocks.
        count = bench.sizes.backlog if number else bench.sizes.batch * 2
        drawn = ids.next_ids(count)
        posts = [(tweet_id, bench.chooser.choice(authors)) for tweet_id in drawn]
        posted += posts
        sample = _backlog(bench, posts)
        samples += [sample] if number else []
    some = bench.chooser.sample(people, min(bench.sizes.checked, len(people)))
    homes.check(bench.world, some, posted)
    value = median(totals(samples))
    return [
        Result(
            figure=BY_ID["L1"],
            value=value,
            ratio=value / PROTOTYPE_US,
            also={
                "events": bench.sizes.backlog,
                "deliveries_per_event": _deliveries(bench, authors) / len(authors),
                "deliveries_per_second": median(one.per_second for one in samples),
                **explained(samples),
            },
        )
    ]


def _deliveries(bench: Bench, authors: list[int]) -> int:
    return sum(len(bench.world.followers[one]) + 1 for one in authors)


def _authors(bench: Bench) -> list[int]:
    """All but so many of the most followed that the mean of the rest is the prototype's."""
    ordered = sorted(bench.world.followers, key=lambda one: len(bench.world.followers[one]))
    total = _deliveries(bench, ordered)
    while len(ordered) > 1 and total / len(ordered) > DELIVERIES_PER_EVENT:
        total -= len(bench.world.followers[ordered.pop()]) + 1
    return sorted(ordered)


def _backlog(bench: Bench, posts: list[Post]) -> Sample:
    """Commit all of it at once, and wait for the last acknowledgement.

    What it takes to write the events is that of a post, and measured there.
    """
    from django.db import transaction

    from apps.infra.eventlog.log import publish_many
    from apps.tweets.events import TweetPosted

    meter = bench.service_meter()
    with transaction.atomic():
        for part in batches(posts, EVENTS_PER_STATEMENT):
            publish_many([TweetPosted(tweet_id=post, author_id=author) for post, author in part])
        before, began = meter.seconds(), time.perf_counter()
    bench.wait_drained(pause_seconds=0.05)
    seconds = time.perf_counter() - began
    count = sum(len(bench.world.followers[author_id]) + 1 for _, author_id in posts)
    return Sample(meter.cost(before, operations=count), count / seconds)
