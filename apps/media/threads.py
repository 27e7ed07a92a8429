"""The thread in which this process decodes pictures: one, so that memory and cores are bounded.

The largest picture takes some 300 MB and a second; two at a time would be too many for a small
machine, and the threads of requests, which are few, must not wait for them.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connections

P = ParamSpec("P")
T = TypeVar("T")


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")


async def in_picture_thread(service: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a service that decodes; it waits for those before it."""

    def call() -> T:
        try:
            return service(*args, **kwargs)
        finally:
            # Uploads are rare: a connection that waits for the next one is missed elsewhere.
            connections.close_all()

    return await sync_to_async(call, thread_sensitive=False, executor=_thread())()
