"""The operators' switches of circuit breakers and brownout, obeyed by every web process.

What was switched is a row, and an entry of the invalidation log tells the processes (kind `o`,
`engine=position`, `brownout=level`). A process that knows nothing (it is new, or a state Redis was
away) reads the rows. PostgreSQL's own switch is undone with `manage.py breakers`: the admin cannot
work without.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.infra.errors import Invalid, Unavailable
from apps.infra.resilience.breaker import State, all_breakers, breaker_of
from apps.infra.resilience.brownout import Level, house
from apps.infra.resilience.models import BreakerSwitch, BrownoutSwitch
from apps.infra.stores import aiopostgres, invalidation

KIND = "o"
RESET = "reset"
BROWNOUT = "brownout"
AUTO = "auto"
_STATES = {"open": State.OPEN, "closed": State.CLOSED}
# While a Redis is away everybody is told all the time that nothing is known.
_READ_EVERY_SECONDS = 10.0

_under_way: set[asyncio.Task[Any]] = set()
# When the rows were last read.
_times = [-_READ_EVERY_SECONDS]


def engines() -> list[str]:
    """What has a breaker."""
    return [one.name for one in all_breakers()]


def set_switch(*, engine: str, position: str, now: datetime) -> None:
    """Switch an engine's breakers in all web processes: auto, open or closed.

    Raises:
        Invalid: there is no such engine or position.
    """
    if engine not in engines():
        raise Invalid(f"There is no {engine}: choose from {', '.join(engines())}.")
    if position not in BreakerSwitch.Position:
        raise Invalid(f"{position} is none of {', '.join(BreakerSwitch.Position.values)}.")
    with transaction.atomic():
        BreakerSwitch.objects.update_or_create(
            engine=engine, defaults={"position": position, "changed_at": now}
        )
        invalidation.announce_after_commit([(KIND, f"{engine}={position}")])


def reset(*, engine: str, now: datetime) -> None:
    """Have all web processes forget the engine's failures, and nobody force it."""
    set_switch(engine=engine, position=AUTO, now=now)
    invalidation.announce([(KIND, f"{engine}={RESET}")], hold=False)


def set_brownout(*, level: str, now: datetime) -> None:
    """Hold a brownout level in all web processes, `0` to `5`; `auto`: leave it to them.

    Raises:
        Invalid: there is no such level.
    """
    if level not in BrownoutSwitch.Level:
        raise Invalid(f"{level} is none of {', '.join(BrownoutSwitch.Level.values)}.")
    with transaction.atomic():
        BrownoutSwitch.objects.update_or_create(id=1, defaults={"level": level, "changed_at": now})
        invalidation.announce_after_commit([(KIND, f"{BROWNOUT}={level}")])


def _obey(entry: str) -> None:
    if entry == "*":
        _read_soon()
        return
    engine, _, position = entry.partition("=")
    if engine == BROWNOUT:
        house.hold(None if position == AUTO else Level(int(position)))
        return
    if engine not in engines():
        return
    if position == RESET:
        breaker_of(engine).reset()
    else:
        breaker_of(engine).forced = _STATES.get(position)


def _read_soon() -> None:
    if time.monotonic() - _times[0] < _READ_EVERY_SECONDS:
        return
    # Without a loop: a process that serves nobody.
    with contextlib.suppress(RuntimeError):
        loop = asyncio.get_running_loop()
        _times[0] = time.monotonic()
        _begin(loop, read())


def hear() -> None:
    """Look at the invalidation log; for the server's clock. Whoever reads catches up anyway, but a
    process that only takes posts, or refuses everybody, would never hear of a switch."""
    if not _under_way:
        _begin(asyncio.get_running_loop(), invalidation.catch_up())


def _begin(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> None:
    task = loop.create_task(work)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


async def read() -> None:
    """Take the switches over as they stand."""
    try:
        rows = await aiopostgres.fetch(
            "select engine, position from breaker_switches"
            " union all select %s, level from brownout_switch",
            [BROWNOUT],
        )
    except Unavailable:
        # Nobody can have switched anything meanwhile either.
        return
    for engine, position in rows:
        _obey(f"{engine}={position}")


invalidation.on(KIND, _obey)
