"""What leaves this app."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Granularity = Literal["minute", "hour", "day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which ids a search looks at: `after_id` < id < `before_id`."""

    after_id: int = 0
    before_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """How many posts fit from `start` until just before `end`."""

    start: datetime
    end: datetime
    count: int
