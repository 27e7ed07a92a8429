"""Starting a job by its name: told upwards, never imported. `topology.JOBS` names its queue.

A job is a hint, like every message of the broker: whoever needs it done asks again.
"""

import asyncio
import functools
import logging
from importlib import import_module
from typing import Any

from apps.infra.eventlog.registry import topology

log = logging.getLogger(__name__)

_under_way: set[asyncio.Future[None]] = set()


def start(name: str, **arguments: Any) -> None:
    """Publish a job. Does not raise: a job that cannot be published is asked for again."""
    # Not `current_app`: in another thread than the main one that is Celery's built-in default.
    app = import_module(topology().CELERY_APP).app
    try:
        app.send_task(name, kwargs=arguments, ignore_result=True, retry=False)
    except Exception:
        log.warning("job %s could not be started", name, exc_info=True)


def start_soon(name: str, **arguments: Any) -> None:
    """`start` from a coroutine, in a thread: publishing takes milliseconds."""
    loop = asyncio.get_running_loop()
    future = loop.run_in_executor(None, functools.partial(start, name, **arguments))
    # A future that nobody holds may be collected before it is done.
    _under_way.add(future)
    future.add_done_callback(_under_way.discard)
