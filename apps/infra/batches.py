"""Cut a stream into lists of bounded length."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` items in their order; never an empty one."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
