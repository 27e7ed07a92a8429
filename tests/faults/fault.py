"""What a fault is."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.service import Service


@dataclass(frozen=True)
class Fault:
    """One thing that is done, by its name in the report."""

    name: str
    strike: Callable[[Service, random.Random], Awaitable[None]]
