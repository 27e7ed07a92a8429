"""W3: how long a post takes to be accepted, by the followers of its author."""

import contextlib
import time
from statistics import median

from bench import client, dense, world
from bench.figures import BY_ID
from bench.measured import Result, quantile
from bench.setup import FAN_OUT, Bench, in_loop

FEW = 10
WARM_POSTS = 3


def measure(bench: Bench) -> list[Result]:
    """The figure; both authors post in turn. The follows are gone afterwards."""
    from apps.graph import services as graph_services
    from apps.infra import clock
    from apps.users import services_import as user_imports

    small, large, *followers = bench.own_user_ids(2 + bench.sizes.celebrity_followers)
    user_imports.ensure_users(user_ids=[small, large], now=clock.now())
    world.issue_tokens(bench.world, [small, large])
    edges = [(one, large) for one in followers] + [(one, small) for one in followers[:FEW]]
    dense.store_follows(bench.connection, edges)
    bench.connection.execute(
        "update users set followers_count = f.n from (select followee_id, count(*) as n"
        " from follows where followee_id = any(%s) group by followee_id) f where id = followee_id",
        [[small, large]],
    )
    try:
        few, many = in_loop(_post(bench, small, large))
    finally:
        bench.connection.execute(
            "delete from follows where followee_id = any(%s)", [[small, large]]
        )
        graph_services.unmark_pull_author(author_id=large)
    ratio = median(one / other for one, other in zip(many, few, strict=True))
    return [
        Result(
            figure=BY_ID["W3"],
            value=median(many),
            ratio=ratio,
            also={
                "followers": len(followers),
                "with_10_ms": median(few),
                "p99_ms": quantile(many, 0.99),
                "with_10_p99_ms": quantile(few, 0.99),
                "posts_of_each": len(many),
            },
        )
    ]


async def _post(bench: Bench, small: int, large: int) -> tuple[list[float], list[float]]:
    """Milliseconds to the 201, post by post in turn; what follows a post is over before the next
    pair."""
    times: dict[int, list[float]] = {small: [], large: []}
    for number in range(WARM_POSTS + bench.sizes.celebrity_posts):
        # Who comes first alternates.
        for author_id in (small, large) if number % 2 else (large, small):
            taken = await _post_one(bench, author_id)
            # Not while the last one is still under way to its followers.
            bench.wait_drained(FAN_OUT, pause_seconds=0.002)
            if number >= WARM_POSTS:
                times[author_id].append(taken)
    return times[small], times[large]


async def _post_one(bench: Bench, author_id: int) -> float:
    # The server closes connections that were idle for some seconds, as the first post is.
    caller = await client.Caller.open(bench.machine.web_port)
    with contextlib.closing(caller):
        began = time.perf_counter()
        answer = await caller.call(bench.post_request(author_id))
        taken = (time.perf_counter() - began) * 1e3
    if answer.status != 201:
        raise client.BadAnswer(f"status {answer.status}: {answer.body[:500]!r}")
    bench.note_post(answer)
    return taken
