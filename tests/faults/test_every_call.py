"""Every call that a deed makes to an engine fails once, in each way; nothing is lost or wrong.

As SQLite is tested: the deed is done with its first call failing, then with its second, to the
last. What must hold, whatever failed: an answer is right or an honest 503; what was acknowledged
is there once, and hidden from those who must not see it at once; what was not may be asked for
again; and after recovery homes and counters are what the rows say. `make test` tries some of
them, by a seed that is printed; all of them:

    CALLS=all .venv/bin/python -m pytest -n 2 tests/faults/test_every_call.py
"""

import asyncio
import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.deeds import DEEDS, Deed
from tests.faults.scene import Scene, wait_a_while
from tests.faults.taps import Kind, Taps
from tests.faults.truth import Wrong

# Of each deed, so many failures; `all` for every one.
CALLS = os.environ.get("CALLS") or "3"

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(1200)]


def _try(deed: Deed, scene: Scene, taps: Taps, number: int, kind: Kind) -> None:
    """Do it with one call failing, again until it is acknowledged, and look at everything."""
    times = deed.times
    with taps.counting(number, kind):
        reply = deed.do(scene)
        scene.settle()
    was_done = deed.check_answer(scene, reply)
    if times is not None and times(scene) not in ((1,) if was_done else (0, 1)):
        raise Wrong(f"{reply.status_code}, and done {times(scene)} times")
    if was_done:
        scene.check_hidden(deed.hidden(scene))
    else:
        wait_a_while()
        if not deed.check_answer(scene, deed.do(scene)):
            raise Wrong("refused again, with all engines there")
        scene.check_hidden(deed.hidden(scene))
    if times is not None and times(scene) not in ((1,) if deed.is_once or was_done else (1, 2)):
        raise Wrong(f"done {times(scene)} times")
    scene.recover()
    scene.check_hidden(deed.hidden(scene))
    scene.check()


def _failures(deed: Deed, loop: asyncio.AbstractEventLoop, taps: Taps) -> list[tuple[int, Kind]]:
    """All that can fail, by a try in which nothing does."""
    scene = _scene(deed, loop)
    _try(deed, scene, taps, 0, Kind.BROKEN)
    return [(number + 1, kind) for number in range(len(taps.calls)) for kind in Kind]


def _scene(deed: Deed, loop: asyncio.AbstractEventLoop) -> Scene:
    wait_a_while()
    scene = Scene(loop)
    deed.prepare(scene)
    return scene


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_a_call_that_fails_loses_doubles_and_shows_nothing(
    deed: Deed,
    world: None,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, Any], None],
):
    seed = random.randrange(1_000_000)
    taps = Taps(monkeypatch)

    failures = _failures(deed, loop, taps)
    if CALLS != "all":
        failures = random.Random(seed).sample(failures, min(int(CALLS), len(failures)))
    wrongs = []
    for number, kind in failures:
        try:
            _try(deed, _scene(deed, loop), taps, number, kind)
        except Wrong as wrong:
            wrongs.append(f"call {number} ({taps.failed}) {kind.value}: {wrong}")

    record_property("calls", len(failures))
    assert not wrongs, f"seed {seed}, {len(failures)} tried:\n" + "\n".join(wrongs)
