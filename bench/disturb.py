"""The neighbours of figure E, in a process of its own: `python -m bench.disturb`.

It is told by lines of JSON and answers each with a line when it has begun, so that the process
that measures is not disturbed by what it measures.
"""

import asyncio
import json
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

from bench import client

WARM_READS = 5

_stop = threading.Event()


def rebuild(*, user_ids: list[int], **_other: Any) -> None:
    """Drop these home timelines and have the workers build them all, as after a flush."""
    from apps.infra import jobs
    from apps.timelines import services_import

    services_import.drop_homes(user_ids=user_ids)
    for user_id in user_ids:
        jobs.start("apps.timelines.tasks.rebuild_home", user_id=user_id)


def read(*, user_id: int, raw: str, port: int, **_other: Any) -> None:
    """Read one home timeline cold, then some times warm, again and again until told to stop."""
    from apps.timelines import services_import

    async def loop() -> None:
        caller = await client.Caller.open(port)
        with closing(caller):
            while not _stop.is_set():
                services_import.drop_homes(user_ids=[user_id])
                for _ in range(1 + WARM_READS):
                    answer = await caller.call(client.Request(raw.encode()))
                    if answer.status != 200:
                        raise client.BadAnswer(f"status {answer.status}: {answer.body[:300]!r}")

    asyncio.run(loop())


DOINGS: dict[str, Callable[..., None]] = {"rebuild": rebuild, "read": read}


def main() -> None:
    """Serve lines of stdin until it ends."""
    import django

    django.setup()
    print("ready", flush=True)
    thread: threading.Thread | None = None
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "stop":
            _stop.set()
            if thread is not None:
                thread.join()
            print("stopped", flush=True)
            continue
        _stop.clear()
        thread = threading.Thread(target=DOINGS[order["do"]], kwargs=order)
        thread.start()
        print("begun", flush=True)


if __name__ == "__main__":
    main()
