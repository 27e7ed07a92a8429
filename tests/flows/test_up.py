"""`manage.py up` as people run it: the real command, its real children, and what kills them."""

import dataclasses
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.infra.engines import ports, process, runfile, services, stack

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(600)]

CHILDREN = ["postgres", "state", "state2", "cache", "relay", "worker-fanout", "beat", "web"]
ENGINE_PROGRAMS = ["postgres", "valkey-server", "redis-server"]


@dataclasses.dataclass
class Running:
    """One `manage.py up` in a folder of its own."""

    var_dir: Path
    port: int
    up: subprocess.Popen[str]
    said: list[str]

    @property
    def ready_url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self.port}/readyz"

    def pid(self, name: str) -> int:
        return runfile.read(self.var_dir).alive()[name]

    def wait_for_line(self, text: str) -> None:
        """Wait until a line holds the text; the test's own time limit guards it."""
        while not any(text in line for line in self.said):
            assert self.up.poll() is None, "".join(self.said)
            time.sleep(0.05)

    def left_over(self) -> list[int]:
        """Every process of this folder that is alive."""
        engines = [
            pid
            for name in ("pg", "valkey-state", "valkey-state2", "valkey-cache")
            for pid in process.working_in(self.var_dir / name, ENGINE_PROGRAMS)
        ]
        return engines + process.writing_into(self.var_dir / "log")

    def manage(self, *words: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=stack.BASE_DIR,
            env={**_environment(), "VAR_DIR": str(self.var_dir)},
            check=True,
        )

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.up.send_signal(number)
        return self.up.wait(60)


def _environment() -> dict[str, str]:
    """This one, without the engines of the test run."""
    kept = {"DATABASE_URL", "REDIS_STATE_URL", "REDIS_CACHE_URL", "DJANGO_SETTINGS_MODULE"}
    return {name: value for name, value in os.environ.items() if name not in kept}


def start(var_dir: Path, *, port: int) -> Running:
    """Start the command, and read along what it says."""
    up = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--no-demo", "--port", str(port)],
        cwd=stack.BASE_DIR,
        env={**_environment(), "VAR_DIR": str(var_dir), "HOST": ports.LOOPBACK},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []

    def read_along() -> None:
        assert up.stdout is not None
        with up.stdout:
            said.extend(up.stdout)

    threading.Thread(target=read_along, daemon=True).start()
    return Running(var_dir=var_dir, port=port, up=up, said=said)


def answers(url: str) -> bool:
    return status(url) == 200


def status(url: str, *, body: bytes | None = None) -> int:
    """What a GET is answered with, or a POST of the body; 0: nobody answers."""
    try:
        with urllib.request.urlopen(url, data=body, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service, started once for this module."""
    made = start(tmp_path_factory.mktemp("up"), port=ports.choose())
    try:
        made.wait_for_line("is ready")
        yield made
    finally:
        if made.up.poll() is None:
            made.stop()
        assert made.left_over() == []


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_child_is_replaced_and_the_site_answers_again(running: Running, name: str):
    before = running.pid(name)

    os.kill(before, signal.SIGKILL)

    while runfile.read(running.var_dir).alive().get(name, before) == before:
        time.sleep(0.05)
    while not answers(running.ready_url):
        time.sleep(0.05)
    assert process.birth_mark(before) is None


def test_every_engine_is_alive_and_asks_for_a_password(running: Running):
    urls = runfile.read_urls(running.var_dir)

    assert set(urls) == set(services.VARIABLES.values())
    each = [url for listed in urls.values() for url in listed.split(",")]
    assert len(each) == len(services.VARIABLES)
    assert all(re.search(r":[\w-]{20,}@127\.0\.0\.1:\d+/", url) for url in each)


def test_a_process_that_only_takes_posts_hears_of_a_level(running: Running):
    posts = running.ready_url.replace("/readyz", "/2/tweets")

    for level, expected in (("4", 503), ("auto", 401)):
        running.manage("brownout", level)
        while status(posts, body=b"{}") != expected:
            time.sleep(0.05)


def test_it_stops_in_order_starts_again_as_it_was_and_survives_its_own_death(tmp_path: Path):
    first = start(tmp_path, port=ports.choose())
    first.wait_for_line("is ready")
    urls = runfile.read_urls(tmp_path)
    assert first.stop(signal.SIGTERM) == 0
    assert first.left_over() == []
    assert "database system is shut down" in (tmp_path / "log" / "postgres.log").read_text()

    second = start(tmp_path, port=first.port)
    second.wait_for_line("is ready")
    assert runfile.read_urls(tmp_path) == urls
    assert not any("migrations" in line for line in second.said)
    second.up.kill()
    second.up.wait()

    third = start(tmp_path, port=first.port)
    third.wait_for_line("is ready")
    assert answers(third.ready_url)
    assert third.stop() == 0
    assert third.left_over() == []
