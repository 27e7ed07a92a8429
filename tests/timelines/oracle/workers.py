"""Two workers in this process, that can be killed and paused between any two steps.

A step is whatever a worker does on a wire, and what it does after its pushes.
"""

from collections.abc import Callable
from typing import Any

import pytest

from apps.infra.eventlog.log import LoggedEvent
from apps.infra.eventlog.registry import Subscriber, handler_of
from apps.timelines.services import bulk, fanout
from apps.timelines.store import wire


class Killed(BaseException):
    """The worker's process is gone."""


class Faults:
    """Does something at the n-th step from now."""

    def __init__(self) -> None:
        self._left = 0
        self._action: Callable[[], None] | None = None

    def at(self, step: int, action: Callable[[], None]) -> None:
        """Do `action` before the `step`-th step, counted from 1."""
        self._left, self._action = step, action

    def step(self) -> None:
        """The worker is about to do something."""
        self._left -= 1
        if self._left == 0 and self._action is not None:
            action, self._action = self._action, None
            action()

    def clear(self) -> None:
        """Let the worker do its work."""
        self._action = None


def watch(patch: pytest.MonkeyPatch, faults: Faults) -> None:
    """Count the steps of every worker of this process."""

    def counted(target: Any, name: str) -> None:
        real = getattr(target, name)

        def stepping(*args: Any, **kwargs: Any) -> Any:
            faults.step()
            return real(*args, **kwargs)

        patch.setattr(target, name, stepping)

    counted(wire.Wire, "send")
    counted(wire.Wire, "read")
    counted(wire.Wire, "read_lengths")
    counted(fanout, "_announce")


class Workers:
    """What the workers hold in memory; `current` is the one whose turn it is."""

    def __init__(self, patch: pytest.MonkeyPatch, faults: Faults) -> None:
        self._patch = patch
        self.faults = faults
        self._lanes = [(fanout.QuickLane(), bulk.BulkLane()) for _ in range(2)]
        self.current = 0

    def call(
        self, number: int, subscriber: Subscriber, batch: list[LoggedEvent], **how: Any
    ) -> None:
        """Have one worker handle a batch."""
        before, self.current = self.current, number % 2
        try:
            self._take_turn()
            handler_of(subscriber.handler)(events=batch, **how)
        except Killed:
            self._restart()
            raise
        finally:
            self.current = before
            self._take_turn()

    def _take_turn(self) -> None:
        quick, large = self._lanes[self.current]
        self._patch.setattr(fanout, "_lane", quick)
        self._patch.setattr(bulk, "_lane", large)

    def _restart(self) -> None:
        for lane in self._lanes[self.current]:
            lane.wires.close()
        self._lanes[self.current] = (fanout.QuickLane(), bulk.BulkLane())

    def close(self) -> None:
        """Close all connections."""
        for lanes in self._lanes:
            for lane in lanes:
                lane.wires.close()
