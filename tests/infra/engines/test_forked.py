"""Forked children: they behave as if the interpreter had been started for them."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from apps.infra.engines import process

# Forking beside the threads of a test run is refused, so each test has a parent of its own.
PARENT = """
import os, signal, sys, time
from pathlib import Path
from apps.infra.engines import forked
directory = Path(sys.argv[1])
log = directory / "log"

def fork(*arguments, **more):
    return forked.fork(arguments, log=log, **more)

def script(text):
    path = directory / "script.py"
    path.write_text(text)
    return str(path)

{body}
"""


def run(directory: Path, body: str) -> str:
    """Run the body in a parent process and return what it printed."""
    program = PARENT.format(body=textwrap.dedent(body))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(directory)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("pass", 0),
        ("raise SystemExit(3)", 3),
        ("raise SystemExit('no')", 1),
        ("import sys; sys.exit()", 0),
        ("1 / 0", 70),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -15),
    ],
)
def test_the_exit_code_is_that_of_the_program(tmp_path: Path, text: str, code: int):
    assert run(tmp_path, f"print(fork(script({text!r})).wait())") == f"{code}\n"


def test_a_program_gets_its_arguments_and_writes_to_its_log(tmp_path: Path):
    said = run(
        tmp_path,
        """
        text = "import sys; print(sys.argv[1:], __name__); print('oh', file=sys.stderr)"
        child = fork(script(text), "a", "b c", output=directory / "out")
        print(child.wait())
        """,
    )

    assert said == "0\n"
    assert (tmp_path / "out").read_text() == "['a', 'b c'] __main__\n"
    assert (tmp_path / "log").read_text() == "oh\n"


def test_a_module_is_run_as_with_dash_m(tmp_path: Path):
    run(tmp_path, "fork('-m', 'json.tool', '--help').wait()")

    assert "usage:" in (tmp_path / "log").read_text()


def test_what_must_run_at_exit_runs_and_the_parents_code_does_not(tmp_path: Path):
    said = run(
        tmp_path,
        """
        try:
            child = fork(script("import atexit; atexit.register(print, 'bye')"))
        finally:
            print("parent")
        child.wait()
        """,
    )

    assert said == "parent\n"
    assert (tmp_path / "log").read_text() == "bye\n"


def test_a_child_lets_go_of_what_is_the_supervisors(tmp_path: Path):
    run(
        tmp_path,
        """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kept = (directory / "lock").open("w")
        forked.in_child.append(kept.close)
        text = "import os, time; os.system(f'ls -l /proc/{os.getpid()}/fd'); time.sleep(600)"
        child = fork(script(text))
        while not log.exists() or "log" not in log.read_text():
            time.sleep(0.01)
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == -signal.SIGTERM
        """,
    )

    assert str(tmp_path / "lock") not in (tmp_path / "log").read_text()


def test_a_child_dies_with_its_parent(tmp_path: Path):
    body = """
        child = fork(script("import time; time.sleep(600)"))
        print(child.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    done = subprocess.run(
        [sys.executable, "-c", PARENT.format(body=textwrap.dedent(body)), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == -signal.SIGKILL
    assert process.wait_gone([int(done.stdout)], timeout_seconds=20)


def test_a_fork_beside_threads_is_refused(tmp_path: Path):
    said = run(
        tmp_path,
        """
        import threading
        stop = threading.Event()
        threading.Thread(target=stop.wait).start()
        try:
            fork(script("pass"))
        except RuntimeError as error:
            print(error)
        stop.set()
        """,
    )

    assert said.startswith("fork beside threads")
