"""Calling an async query from synchronous code that has no event loop: a worker, a command.

One loop for the process, so that connections and pools, which belong to a loop, are kept. Never
called where a loop runs already; the web's one bridge goes the other way.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Process:
    loop: asyncio.AbstractEventLoop | None = None


def adopt(loop: asyncio.AbstractEventLoop | None) -> None:
    """Use this loop from now on (tests, which have one of their own)."""
    _Process.loop = loop


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on the process's loop and give its result."""
    if _Process.loop is None:
        _Process.loop = asyncio.new_event_loop()
    return _Process.loop.run_until_complete(coroutine)
