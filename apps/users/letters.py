"""Work that a page starts and does not wait for, so that its answer takes as long for everybody.

What a process that dies leaves undone, people ask for again.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)
# The loop keeps no hold of its tasks.
_under_way: set[asyncio.Task[None]] = set()


def start(work: Coroutine[Any, Any, None]) -> None:
    """Do it after this answer; what fails is in the log."""
    task = asyncio.get_running_loop().create_task(_logged(work))
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def settled() -> None:
    """When all is done; for tests and for shutting down."""
    while _under_way:
        await asyncio.gather(*_under_way)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("a letter was not sent")
