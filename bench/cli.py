"""The command line: choose figures, measure, print, write the results down."""

import argparse
import contextlib
import importlib
import os
import time
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from bench import machine, report, world
from bench.client import BadAnswer
from bench.figures import FIGURES
from bench.machine import NotReady
from bench.measured import Result
from bench.oracle import WrongAnswer
from bench.setup import Bench, NotDrained
from bench.sizes import SIZES, Sizes

# What is wrong is said in one line; anything else comes with its traceback.
FAILURES = (WrongAnswer, BadAnswer, NotReady, NotDrained)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What one module of this package measures by its `measure(bench)`.

    `service`: web, relay and workers run when it begins; else they are stopped. It may stop and
    start them, and use what an earlier suite left, but the next one trusts nothing but the world.
    """

    module: str
    figures: tuple[str, ...]
    service: bool


# In the order of measuring: first what needs the running service, then what does not.
SUITES = (
    Suite(module="reads", figures=("R1", "R2"), service=True),
    Suite(module="pages", figures=("U1",), service=True),
    Suite(module="sql", figures=("R3",), service=True),
    Suite(module="load", figures=("R4",), service=True),
    Suite(module="latency", figures=("D1",), service=True),
    Suite(module="posts", figures=("W2",), service=True),
    Suite(module="viral", figures=("C1", "C2"), service=True),
    Suite(module="celebrity", figures=("W3",), service=True),
    Suite(module="flat", figures=("R5",), service=True),
    Suite(module="cold", figures=("R6",), service=True),
    Suite(module="neighbours", figures=("E",), service=True),
    Suite(module="overload", figures=("O1",), service=True),
    Suite(module="fresh", figures=("S1",), service=True),
    Suite(module="searches", figures=("S3",), service=True),
    Suite(module="backlog", figures=("L1",), service=True),
    Suite(module="fanout_bulk", figures=("F4", "F5"), service=True),
    Suite(module="footprint", figures=("M4",), service=True),
    Suite(module="memory", figures=("M1",), service=False),
    Suite(module="fanout", figures=("F2", "F6"), service=False),
    Suite(module="fanout_dense", figures=("F1", "F3", "M3"), service=False),
    Suite(module="firehose", figures=("W1", "W4"), service=False),
    Suite(module="trending", figures=("T1",), service=False),
    Suite(module="snowflakes", figures=("I1",), service=False),
    # Computed from others, so the last of all.
    Suite(module="capacity", figures=("X1",), service=False),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run; the exit code is 0 when every measured figure reaches its floor, 1 when one does
    not, 2 when an answer was wrong or something failed: that figure is not written."""
    given = _arguments(argv)
    console = Console(highlight=False)
    began = time.monotonic()
    sizes = SIZES[given.size]
    people = world.follow_graph(people=sizes.people)
    run = Run(console=console)
    run.measure(given.only, people=people, sizes=sizes)
    report.show(run.results, console, kind=given.size)
    for figure_id, why in run.failed.items():
        # All of it stands above, where it happened.
        line = f"  {figure_id} FAILED: {why.splitlines()[0]}"
        console.print(line, style="red", markup=False)
    if given.size == "full" or given.out:
        out = Path(given.out) if given.out else machine.BASE_DIR
        report.write(
            run.results,
            failed=list(run.failed),
            base_dir=out,
            minutes=(time.monotonic() - began) / 60,
            world=people.source,
            rounds=sizes.rounds,
        )
        console.print("  written: bench/results/latest.json, docs/benchmarks.md")
    if run.failed:
        return 2
    return 0 if all(result.passed for result in run.results) else 1


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measure the service.")
    parser.add_argument("--only", type=_figure_ids, help="figures, such as F2,R1; all by default")
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--tiny", dest="size", action="store_const", const="tiny", help="does it work at all?"
    )
    size.add_argument(
        "--quick", dest="size", action="store_const", const="quick", help="fewer rounds; no report"
    )
    parser.add_argument("--out", help="folder for the results; the checkout by default")
    parser.set_defaults(size="full")
    return parser.parse_args(argv)


def _figure_ids(text: str) -> list[str]:
    known = [figure.id for figure in FIGURES]
    wanted = [part.strip().upper() for part in text.split(",") if part.strip()]
    if unknown := [one for one in wanted if one not in known]:
        raise argparse.ArgumentTypeError(f"no figure {', '.join(unknown)}; there are {known}")
    return wanted


@dataclass
class Run:
    """What was measured, in the order of `FIGURES`, and what failed: why, by figure."""

    console: Console
    results: list[Result] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def measure(self, only: Sequence[str] | None, *, people: world.World, sizes: Sizes) -> None:
        """Measure the figures; one that fails leaves the others alone."""
        order = [figure.id for figure in FIGURES]
        wanted = set(only or order)
        suites = [suite for suite in SUITES if wanted & set(suite.figures)]
        with _bench(people, sizes, self.console) as bench:
            for suite in suites:
                self._measure_suite(suite, bench, wanted & set(suite.figures))
        self.results.sort(key=lambda result: order.index(result.figure.id))

    def _measure_suite(self, suite: Suite, bench: Bench, wanted: Set[str]) -> None:
        try:
            self._provide(bench, service=suite.service)
            with _step(self.console, f"measure {', '.join(suite.figures)}"):
                bench.found = {result.figure.id: result for result in self.results}
                found = importlib.import_module(f"bench.{suite.module}").measure(bench)
            self.results += [result for result in found if result.figure.id in wanted]
        except Exception as error:
            # The run goes on, and fails at its end.
            if not isinstance(error, FAILURES):
                self.console.print_exception()
            why = f"{type(error).__name__}: {error}"
            self.console.print(f"  ✗ {why}", style="red", markup=False)
            self.failed |= dict.fromkeys(sorted(wanted), why)
        finally:
            bench.machine.stop_references()

    def _provide(self, bench: Bench, *, service: bool) -> None:
        if not service:
            bench.machine.stop_service()
        elif not bench.machine.is_serving:
            with _step(self.console, "web, relay, workers"):
                bench.machine.start_service()


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
        bench = Bench(
            machine=made, world=people, sizes=sizes, earlier=report.read(machine.BASE_DIR)
        )
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
