"""One Celery task per follower, as a project without a fan-out of its own begins."""

import os
import time
from collections.abc import Sequence

import redis
from celery import Celery
from kombu.entity import Queue

QUEUE = "peer_pushes"
LENGTH = 800
_URLS = os.environ.get("REDIS_STATE_URL", "redis://").split(",")

app = Celery("bench.fanout_celery", broker=_URLS[0])
app.conf.task_ignore_result = True
app.conf.task_default_queue = QUEUE
app.conf.task_queues = [Queue(QUEUE)]  # type: ignore[no-untyped-call]
app.conf.worker_prefetch_multiplier = 64
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_hijack_root_logger = False

_clients = [redis.Redis.from_url(url) for url in _URLS]


@app.task(name="bench.push_one")  # type: ignore[untyped-decorator]
def push_one(*, instance: int, user_id: int, tweet_id: int) -> None:
    """Push an id to one follower's list."""
    client = _clients[instance]
    client.lpush(f"peer:{user_id}", tweet_id)
    client.ltrim(f"peer:{user_id}", 0, LENGTH - 1)


def push_all(homes: Sequence[tuple[int, int]], tweet_id: int, *, timeout: float) -> None:
    """Start a task for each (instance, user id), and wait until the last has pushed.

    One solo worker takes them in their order.

    Raises:
        TimeoutError: it has not, within so many seconds.
    """
    end = time.monotonic() + timeout
    with app.producer_pool.acquire(block=True) as producer:
        for instance, user_id in homes:
            push_one.apply_async(
                kwargs={"instance": instance, "user_id": user_id, "tweet_id": tweet_id},
                producer=producer,
            )
    instance, user_id = homes[-1]
    while _clients[instance].lindex(f"peer:{user_id}", 0) != b"%d" % tweet_id:
        if time.monotonic() > end:
            raise TimeoutError(f"tweet {tweet_id} was not pushed to {len(homes)} lists")
        time.sleep(0.005)
