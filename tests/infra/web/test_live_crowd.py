"""A thousand pages that listen: what they cost, and how they are let go. Prints its figures."""

import asyncio
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection, connections

from apps.graph.services import follow_user
from apps.infra import clock, live
from apps.infra.conf import BASE_DIR
from apps.infra.engines import ports, process
from apps.timelines.services.homes import rebuild_home
from apps.tweets.services import post_tweet
from apps.users.models import User
from apps.users.sessions import SessionStore
from tests.factories import UserFactory
from tests.spine import environment_of, wait_for

pytestmark = pytest.mark.slow

PEOPLE, PAGES = 200, 5
STREAMS = PEOPLE * PAGES
# A hundred megabytes for a thousand of them.
MAX_BYTES_EACH = 100_000
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """The application in a process of its own, as production serves it."""

    def __init__(self, log: Path) -> None:
        self.port, self.log = ports.choose(taken=[]), log
        self.child = process.spawn(
            [sys.executable, "-m", "uvicorn", "twitterlite.asgi:application",
             "--port", str(self.port), "--log-level", "warning",
             "--http", "apps.infra.web.gate:GateProtocol"],
            log=log,
            env=environment_of("twitterlite.settings.test"),
            cwd=BASE_DIR,
        )  # fmt: skip
        self.pid = self.child.pid
        wait_for(self._answers, why=log.read_text)

    def _answers(self) -> bool:
        import urllib.request

        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/about", timeout=5) as answer:
            return bool(answer.status == 200)

    def memory(self) -> int:
        """Resident bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(one for one in status.splitlines() if one.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    def cpu_seconds(self) -> float:
        """User and system time."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@pytest.fixture
def server(db_is_ready: None, tmp_path: Path) -> Any:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < 2 * STREAMS + 200:
        pytest.skip("too few files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    made = Server(tmp_path / "web.log")
    yield made
    if made.child.poll() is None:
        made.child.kill()
    made.child.wait()


@pytest.fixture
def db_is_ready(alice: User) -> None:
    """The world is empty but for one."""


def session_of(user: User) -> str:
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)


class Crowd:
    """Streams that are read by nobody but counted."""

    def __init__(self, port: int) -> None:
        self.port, self.readers = port, []  # type: ignore[var-annotated]
        self.heard = self.ended = 0

    async def open(self, query: str, keys: list[str]) -> None:
        for key in keys:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(
                f"GET /live{query} HTTP/1.1\r\nHost: localhost\r\n"
                f"Cookie: sessionid={key}\r\n\r\n".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in head, head
            self.readers.append((asyncio.create_task(self._read(reader)), writer))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while text := await reader.read(65_536):
                self.heard += text.count(b"event: ")
        except ConnectionError:
            pass
        self.ended += 1

    async def leave(self) -> None:
        for task, writer in self.readers:
            task.cancel()
            writer.close()
        await asyncio.gather(*(task for task, _ in self.readers), return_exceptions=True)


def test_a_thousand_streams(server: Server, alice: User, drain_outbox: Any) -> None:
    people = [UserFactory() for _ in range(PEOPLE)]
    for one in people:
        follow_user(follower_id=one.id, followee_id=alice.id, now=clock.now())
    seen = post_tweet(author_id=alice.id, text="Good morning.", now=clock.now()).id
    drain_outbox()
    for one in people:
        rebuild_home(user_id=one.id)
    keys = [session_of(one) for one in people for _ in range(PAGES)]
    crowd = Crowd(server.port)
    others = open_connections()

    async def listen() -> dict[str, float]:
        await crowd.open(f"?since={seen}&ids={seen}", keys[:PAGES])
        await asyncio.sleep(1)
        memory = server.memory()
        await crowd.open(f"?since={seen}&ids={seen}", keys[PAGES:])
        await asyncio.sleep(4)
        found = {"bytes each": (server.memory() - memory) / STREAMS}
        found["idle"] = await share(3)
        live.announce_all([(one.id, "notifications", {"unread": 1}) for one in people])
        await until(lambda: crowd.heard >= STREAMS)
        return found

    async def share(seconds: float) -> float:
        cpu, began = server.cpu_seconds(), time.monotonic()
        await asyncio.sleep(seconds)
        return (server.cpu_seconds() - cpu) / (time.monotonic() - began)

    async def until(condition: Any) -> None:
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110 (counted by readers of this loop)
                await asyncio.sleep(0.1)

    async def busy() -> float:
        crowd.heard = 0
        found = await share(8)
        await until(lambda: crowd.heard >= STREAMS)
        return found

    loop = asyncio.new_event_loop()
    try:
        found = loop.run_until_complete(listen())
        assert open_connections() - others <= settings.DB_POOL_MAX_SIZE
        for _ in range(3):
            post_tweet(author_id=alice.id, text="More.", now=clock.now())
        drain_outbox()
        found["busy"] = loop.run_until_complete(busy())
        server.child.send_signal(signal.SIGTERM)
        loop.run_until_complete(until(lambda: crowd.ended == STREAMS))
        server.child.wait(timeout=60)
    finally:
        loop.run_until_complete(crowd.leave())
        loop.close()

    each, idle, busy_share = found["bytes each"], found["idle"], found["busy"]
    print(
        f"\n{STREAMS} streams: {each:,.0f} bytes each; {idle:.1%} of a core while nothing happens"
    )
    print(f"and {busy_share:.1%} in 8 s with posts to all of them")
    assert found["bytes each"] < MAX_BYTES_EACH


def open_connections() -> int:
    """Of everybody to this database, but for the one that asks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid() and backend_type = 'client backend'"
        )
        found = int(cursor.fetchone()[0])
    connections.close_all()
    return found
