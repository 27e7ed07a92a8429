"""The command line: choose figures, measure, print, write the results down."""

import argparse
import contextlib
import importlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from bench import machine, report, world
from bench.client import BadAnswer
from bench.figures import FIGURES, Result
from bench.machine import NotReady
from bench.oracle import WrongAnswer
from bench.setup import Bench, NotDrained
from bench.sizes import FULL, TINY, Sizes

# What is measured together, in the order of measuring: module -> figures. The first ones use the
# running service; the last two stop it.
SUITES = {
    "reads": ("R1", "R2"),
    "latency": ("D1",),
    "posts": ("W2",),
    "memory": ("M1",),
    "fanout": ("F2",),
}
NEED_SERVICE = {"reads", "latency", "posts"}
FAILURES = (WrongAnswer, BadAnswer, NotReady, NotDrained)


def main(argv: Sequence[str] | None = None) -> int:
    """Run; the exit code is 0 when every measured figure reaches its floor, 1 when one does
    not, 2 when an answer was wrong or the service failed: then nothing is written."""
    given = _arguments(argv)
    console = Console(highlight=False)
    began = time.monotonic()
    sizes = TINY if given.tiny else FULL
    people = world.follow_graph(people=sizes.people)
    try:
        results = run(given.only, people=people, sizes=sizes, console=console)
    except FAILURES as error:
        console.print(f"  {type(error).__name__}: {error}", style="red", markup=False)
        return 2
    report.show(results, console)
    if not given.tiny or given.out:
        out = Path(given.out) if given.out else machine.BASE_DIR
        minutes = (time.monotonic() - began) / 60
        report.write(
            results, base_dir=out, minutes=minutes, world=people.source, rounds=sizes.rounds
        )
        console.print("  written: bench/results/latest.json, docs/benchmarks.md")
    return 0 if all(result.passed for result in results) else 1


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measure the service.")
    parser.add_argument("--only", type=_figure_ids, help="figures, such as F2,R1; all by default")
    parser.add_argument("--tiny", action="store_true", help="tiny sizes: does it work at all?")
    parser.add_argument("--out", help="folder for the results; the checkout by default")
    return parser.parse_args(argv)


def _figure_ids(text: str) -> list[str]:
    known = [figure.id for figure in FIGURES]
    wanted = [part.strip().upper() for part in text.split(",") if part.strip()]
    if unknown := [one for one in wanted if one not in known]:
        raise argparse.ArgumentTypeError(f"no figure {', '.join(unknown)}; there are {known}")
    return wanted


def run(
    only: Sequence[str] | None, *, people: world.World, sizes: Sizes, console: Console
) -> list[Result]:
    """Measure the figures, in the order of `FIGURES`.

    Raises:
        WrongAnswer: an answer was not what the model says. BadAnswer, NotReady, NotDrained.
    """
    wanted = set(only or [figure.id for figure in FIGURES])
    suites = [name for name, made in SUITES.items() if wanted & set(made)]
    results: list[Result] = []
    with _bench(people, sizes, console) as bench:
        if NEED_SERVICE & set(suites):
            with _step(console, "web, relay, workers"):
                bench.machine.start_service()
        for suite in suites:
            with _step(console, f"measure {', '.join(SUITES[suite])}"):
                found: list[Result] = importlib.import_module(f"bench.{suite}").measure(bench)
                results += [result for result in found if result.figure.id in wanted]
    order = [figure.id for figure in FIGURES]
    return sorted(results, key=lambda result: order.index(result.figure.id))


@contextlib.contextmanager
def _bench(people: world.World, sizes: Sizes, console: Console) -> Iterator[Bench]:
    """A machine with engines, tables and a world."""
    with contextlib.ExitStack() as stack:
        with _step(console, "engines: PostgreSQL and three Valkeys"):
            made = stack.enter_context(machine.running())
        with _step(console, "tables"):
            prepare_django(made)
        with _step(console, f"world: {people.source}, {len(people.edges):,} follows"):
            world.build(people, tweets=sizes.tweets)
        bench = Bench(machine=made, world=people, sizes=sizes)
        stack.callback(bench.close)
        yield bench


def prepare_django(made: machine.Machine) -> None:
    """Point the settings of this process at the machine's engines and make the tables."""
    os.environ.update(made.environment())
    # This process's own metrics are nobody's business.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False, verbosity=0)


@contextlib.contextmanager
def _step(console: Console, doing: str) -> Iterator[None]:
    began = time.monotonic()
    with console.status(doing):
        yield
    console.print(f"  [green]✓[/] {doing} [dim]{time.monotonic() - began:.1f} s[/]")
