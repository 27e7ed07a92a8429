"""The supervisor, with small stand-in children: order, restarts, back-off, stop."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.infra.engines import process, ready, supervisor
from apps.infra.engines.embedded import EngineFailed
from apps.infra.engines.supervisor import NotReady, Service, StopRequested, Supervisor

SLEEPER = "import time; time.sleep(600)"


class Stage:
    """Collects what happened, in order."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.starts: list[tuple[str, int]] = []
        self.lines: list[str] = []
        self.gone: list[int] = []
        self.supervisor = Supervisor(
            started=lambda name, pid: self.starts.append((name, pid)),
            ended=self.gone.extend,
            say=self.lines.append,
        )

    def service(self, name: str, program: str = SLEEPER, rank: int = 0, **more) -> Service:
        def spawn() -> process.Process:
            return process.spawn(
                [sys.executable, "-c", textwrap.dedent(program)], log=self.directory / name
            )

        return Service(name=name, rank=rank, spawn=spawn, **more)

    def run_until(self, condition: Callable[[], bool]) -> None:
        """Supervise until the condition holds; the test's own time limit guards it."""
        while not condition():
            self.supervisor.tick(longest_seconds=0.02)

    def starts_of(self, name: str) -> list[int]:
        return [pid for started, pid in self.starts if started == name]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_killed_child_is_started_again(stage: Stage):
    with stage.supervisor.signals():
        stage.supervisor.start(stage.service("relay"), ready_seconds=5)
        os.kill(stage.starts_of("relay")[0], signal.SIGKILL)

        stage.run_until(lambda: len(stage.starts) == 2)

        first, second = stage.starts_of("relay")
        assert process.birth_mark(first) is None
        assert process.birth_mark(second)
    assert stage.lines == ["relay ended (signal SIGKILL), again in 0.2 s"]
    assert process.birth_mark(second) is None


def test_what_a_killed_child_had_started_goes_with_it(stage: Stage, tmp_path: Path):
    noted = tmp_path / "pid"
    program = f"""
        import pathlib, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", {SLEEPER!r}])
        pathlib.Path({str(noted)!r} + ".new").write_text(str(child.pid))
        pathlib.Path({str(noted)!r} + ".new").rename({str(noted)!r})
        time.sleep(600)
    """
    with stage.supervisor.signals():
        stage.supervisor.start(
            stage.service("web", program, is_ready=noted.exists), ready_seconds=9
        )
        grandchild = int(noted.read_text())
        os.kill(stage.starts_of("web")[0], signal.SIGKILL)
        stage.run_until(lambda: len(stage.starts) == 2)

        assert process.wait_gone([grandchild], timeout_seconds=10)
    assert stage.gone == [stage.starts_of("web")[0], grandchild]


def test_the_delay_doubles_to_its_limit_while_a_child_dies_at_once(
    stage: Stage,
):
    failing = stage.service("web", "raise SystemExit(3)")
    delays = []
    failing.start()
    for _ in range(7):
        assert failing.child is not None
        failing.child.wait()
        ended = failing.ended()
        assert ended is not None
        assert ended.code == 3
        delays.append(ended.restart_in_seconds)
        failing.start()
    assert failing.child is not None
    failing.child.wait()

    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_child_that_lived_long_is_started_again_quickly(stage: Stage):
    service = stage.service("web", "raise SystemExit(1)")
    service.delay_seconds = 5.0
    service.start()
    service.started_at -= supervisor.HEALTHY_SECONDS + 1
    assert service.child is not None
    service.child.wait()

    service.ended()

    assert service.delay_seconds == 2 * supervisor.FIRST_DELAY_SECONDS


def test_preparation_comes_before_every_start_and_readiness_is_waited_for(stage: Stage):
    prepared: list[int] = []
    asked: list[int] = []

    def is_ready() -> bool:
        asked.append(1)
        return len(asked) >= 3

    service = stage.service("engine", prepare=lambda: prepared.append(1), is_ready=is_ready)
    with stage.supervisor.signals():
        stage.supervisor.start(service, ready_seconds=30)
        assert len(asked) == 3
        os.kill(stage.starts[0][1], signal.SIGKILL)
        stage.run_until(lambda: len(stage.starts) == 2)

    assert len(prepared) == 2


def test_a_child_that_is_never_ready_is_named(stage: Stage):
    service = stage.service("web", is_ready=lambda: False)
    with (
        stage.supervisor.signals(),
        pytest.raises(supervisor.NotReady, match="web was not ready"),
    ):
        stage.supervisor.start(service, ready_seconds=0)


NOTES_ITS_END = """
    import signal, sys, time
    def end(*_):
        with open({path!r}, "a") as file:
            file.write({name!r} + " ")
        sys.exit()
    signal.signal(signal.SIGTERM, end)
    open({path!r} + {name!r}, "w").close()
    time.sleep(600)
"""


def test_children_stop_in_reverse_order_of_rank(stage: Stage, tmp_path: Path):
    path = str(tmp_path / "ends")

    def noting(name: str, rank: int) -> Service:
        program = NOTES_ITS_END.format(path=path, name=name)
        return stage.service(name, program, rank, is_ready=lambda: os.path.exists(path + name))

    with stage.supervisor.signals():
        stage.supervisor.start(
            noting("postgres", 0), noting("valkey", 1), noting("web", 4), ready_seconds=30
        )

    assert Path(path).read_text().split() == ["web", "valkey", "postgres"]


def test_a_child_that_ignores_the_stop_is_killed(stage: Stage, tmp_path: Path):
    deaf = tmp_path / "deaf"
    program = f"""
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open({str(deaf)!r}, "w").close()
        time.sleep(600)
    """
    service = stage.service("web", program, stop_seconds=0.2, is_ready=deaf.exists)
    with stage.supervisor.signals():
        stage.supervisor.start(service, ready_seconds=30)

    assert process.birth_mark(stage.starts[0][1]) is None


def test_a_program_that_is_missing_is_tried_again_and_reported(stage: Stage, tmp_path: Path):
    def spawn() -> process.Process:
        return subprocess.Popen([str(tmp_path / "missing")])

    service = Service(name="relay", rank=0, spawn=spawn)
    with stage.supervisor.signals(), pytest.raises(supervisor.NotReady):
        stage.supervisor.start(service, ready_seconds=0.5)

    assert len(stage.lines) >= 2
    assert "relay cannot start" in stage.lines[0]


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals need the main thread"
)
def test_a_signal_ends_the_wait_for_readiness(stage: Stage):
    def is_ready() -> bool:
        os.kill(os.getpid(), signal.SIGTERM)
        return False

    service = stage.service("web", is_ready=is_ready)
    with stage.supervisor.signals(), pytest.raises(StopRequested):
        stage.supervisor.start(service, ready_seconds=60)

    assert process.birth_mark(stage.starts[0][1]) is None


# ── Replacing ────────────────────────────────────────────────────────────────

READY = """
    import os, signal, time
    os.write(int(os.environ["READY_FD"]), b"not yet\\nready\\n")
    time.sleep(600)
"""


def replaceable(stage: Stage, successor: str, *, says: bytes = b"", **more) -> Service:
    """A service whose next process is another program, told where it says that it is ready.

    Args:
        says: said in its name at its start.
    """

    def succeed(waiter: ready.Waiter) -> process.Process:
        os.write(waiter.write, says)
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(successor)],
            pass_fds=[waiter.write],
            env={**os.environ, ready.VARIABLE: str(waiter.write)},
            start_new_session=True,
        )

    return stage.service("web", successor=succeed, **more)


def test_a_process_is_replaced_when_the_next_one_is_ready(stage: Stage):
    web = replaceable(stage, READY)
    with stage.supervisor.signals():
        stage.supervisor.start(web, ready_seconds=9)
        stage.supervisor.replace(web, ready_seconds=30)
        stage.supervisor.wait_for_leaving()

        first, second = stage.starts_of("web")
        assert process.birth_mark(first) is None
        assert process.birth_mark(second)
        assert stage.gone == [first]
        os.kill(second, signal.SIGKILL)
        stage.run_until(lambda: len(stage.starts) == 3)
    assert stage.lines == ["web ended (signal SIGKILL), again in 0.2 s"]


@pytest.mark.parametrize(
    ("successor", "seconds", "why"),
    [
        (SLEEPER, 0.2, "web was not ready within 0 s: the engine is away"),
        ("raise SystemExit(4)", 30, "web ended before it was ready (exit code 4)"),
    ],
)
def test_the_running_process_goes_on_when_the_next_one_is_not_ready(
    stage: Stage, successor: str, seconds: float, why: str
):
    web = replaceable(stage, successor, says=b"the engine is away\n")
    with stage.supervisor.signals():
        stage.supervisor.start(web, ready_seconds=9)
        with pytest.raises(NotReady, match=re.escape(why)):
            stage.supervisor.replace(web, ready_seconds=seconds)

        (running,) = stage.starts_of("web")
        assert process.birth_mark(running)
        assert web.child is not None
        assert web.child.pid == running
        assert len(stage.gone) == 1


def test_what_may_not_be_there_twice_ends_before_the_next_one_starts(stage: Stage):
    beat = stage.service("beat", is_alone=True)
    with stage.supervisor.signals():
        stage.supervisor.start(beat, ready_seconds=9)
        stage.supervisor.replace(beat, ready_seconds=9)

        first, second = stage.starts_of("beat")
        assert process.birth_mark(first) is None
        assert process.birth_mark(second)


def test_who_takes_too_long_to_leave_is_killed(stage: Stage):
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: None)\n"
    web = replaceable(stage, READY, program=stubborn + "while True: time.sleep(600)")
    web.leaves_seconds = 0.2
    with stage.supervisor.signals():
        stage.supervisor.start(web, ready_seconds=9)
        stage.supervisor.replace(web, ready_seconds=30)
        stage.supervisor.wait_for_leaving()

        assert process.birth_mark(stage.starts_of("web")[0]) is None


def test_a_signal_asks_to_restart_and_the_loop_says_so(stage: Stage):
    with stage.supervisor.signals():
        os.kill(os.getpid(), supervisor.RESTART_SIGNAL)
        assert stage.supervisor.run() is True
        os.kill(os.getpid(), signal.SIGTERM)
        assert stage.supervisor.run() is False


def test_processes_of_a_supervisor_before_are_taken_over(stage: Stage):
    left = process.spawn([sys.executable, "-c", SLEEPER], log=stage.directory / "log")
    relay, web = stage.service("relay"), stage.service("web")
    with stage.supervisor.signals():
        stage.supervisor.adopt(relay, web, pids={"relay": left.pid})
        stage.run_until(lambda: web.child is not None)

        assert stage.starts_of("relay") == []
        os.kill(left.pid, signal.SIGKILL)
        stage.run_until(lambda: len(stage.starts_of("relay")) == 1)
    left.returncode = 0  # the supervisor has heard of its end


def test_an_engine_that_cannot_be_prepared_again_takes_nothing_with_it(stage: Stage):
    failures: list[bool] = []

    def prepare():
        if stage.starts and len(failures) < 2:
            failures.append(True)
            raise EngineFailed("it was promoted")

    engine = stage.service("replica", prepare=prepare)
    with stage.supervisor.signals():
        stage.supervisor.start(engine, ready_seconds=5)
        os.kill(stage.starts_of("replica")[0], signal.SIGKILL)
        stage.run_until(lambda: len(stage.starts_of("replica")) == 2)

    assert "replica cannot start: it was promoted" in stage.lines
