"""M4: what the whole stack keeps in memory when nobody comes."""

import time

from bench.cpu import memory_mb
from bench.figures import BY_ID
from bench.measured import Result
from bench.setup import Bench


def measure(bench: Bench) -> list[Result]:
    """The figure. In tiny sizes it is the running service, which needs no set-up of its own."""
    if bench.sizes.own_stack:
        bench.machine.stop_service()
        pids = bench.machine.start_own_stack()
    else:
        pids = bench.machine.pids()
    time.sleep(bench.sizes.idle_seconds)
    by_name = {name: memory_mb([pid]) for name, pid in pids.items() if name != "supervisor"}
    everything = memory_mb(list(pids.values()))
    # The supervisor's tree holds all the others.
    rest = set(everything) - {pid for one in by_name.values() for pid in one}
    by_name["supervisor"] = {pid: everything[pid] for pid in rest}
    total = sum(everything.values())
    sizes = {name: sum(one.values()) for name, one in by_name.items()}
    return [
        Result(
            figure=BY_ID["M4"],
            value=total,
            ratio=total,
            also={
                "processes": len(everything),
                **{
                    f"{name}_mb": size
                    for name, size in sorted(sizes.items(), key=lambda item: -item[1])
                },
            },
        )
    ]
