"""CPU time is that of a process and of all that it starts, also when that has ended."""

import os
import subprocess
import sys

from bench.cpu import Cost, Meter, Sample, explained, waited_seconds

BURN = "import time\nwhile time.process_time() < 0.3: pass"
# Starts a child that burns, waits for its end, and says so.
NEST = (
    f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}]); print(1); input()"
)


def test_the_time_of_an_ended_child_counts():
    with subprocess.Popen(
        [sys.executable, "-c", NEST], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as nest:
        assert nest.stdout is not None
        nest.stdout.readline()
        meter = Meter({"nest": nest.pid, "gone": 2**22 + 1})

        used = meter.seconds()
        without = Meter({"nest": nest.pid}, without=[nest.pid]).seconds()

        nest.kill()
    # Whole ticks of a hundredth each.
    assert used["nest"] >= 0.25
    assert used["gone"] == without["nest"] == 0


def test_costs_are_explained_dearest_first():
    samples = [Sample(Cost({"web": web, "cache": 0.1, "relay": 30.0}), 1.0) for web in (90, 50, 70)]

    assert explained(samples) == {"web_us": 70, "relay_us": 30}


def test_waiting_for_a_core_is_counted():
    assert waited_seconds(os.getpid()) >= 0
    assert waited_seconds(2**22 + 1) == 0
