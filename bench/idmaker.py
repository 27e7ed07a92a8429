"""Makes ids in bulk in a process of its own and says which: `python -m bench.idmaker COUNT CALL`.

Prints JSON: `rates`, ids per ms of each call, and `runs`, [first, last] of ids without a gap, in
the order in which they were made. Every single id is looked at.
"""

import json
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence

import django


def runs_of(ids: Sequence[int], *, per_run: int) -> Iterator[tuple[int, int]]:
    """Cut ids into runs without a gap, each inside one block of `per_run` numbers.

    Raises:
        ValueError: an id is not the one after the id before.
    """
    place = 0
    while place < len(ids):
        first = ids[place]
        # To the end of the block, or less where the next id is of another one.
        block_end = first - first % per_run + per_run
        length = bisect_left(ids, block_end, place, min(place + per_run, len(ids))) - place
        run = ids[place : place + length]
        if not length or list(run) != list(range(first, first + length)):
            raise ValueError(f"ids after {first} are not in a row")
        yield first, first + length - 1
        place += length


def main(count: int, call: int) -> None:
    """Make `count` ids, `call` at once, and print what came."""
    django.setup()
    from apps.infra import ids

    ids.next_id()  # takes the lease
    rates: list[float] = []
    runs: list[tuple[int, int]] = []
    for _ in range(max(1, count // call)):
        began = time.perf_counter()
        made = ids.next_ids(call)
        took_ms = (time.perf_counter() - began) * 1000
        # The first and the last millisecond may be begun and not over: they count whole.
        span_ms = ids.ms_of(made[-1]) - ids.ms_of(made[0]) + 1
        rates.append(call / max(took_ms, span_ms))
        runs += runs_of(made, per_run=ids.PER_MS)
    json.dump({"rates": rates, "runs": runs}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
