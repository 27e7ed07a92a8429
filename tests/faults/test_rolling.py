"""Every process is replaced while people use the service, and nobody notices.

`manage.py up` runs as people run it, and `manage.py restart` again and again. Clients keep their
connections, read pages and the API, post, and listen to streams; none of them tries anything
twice. More restarts than the three of CI, each other one with the code loaded anew:

    ROLLING=20 .venv/bin/python -m pytest tests/faults/test_rolling.py -s --timeout=0
"""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from apps.infra.engines import stack
from apps.infra.engines.ports import LOOPBACK
from tests.faults.clients import PASSWORD, Browser, Client, Person, Report, shown_on
from tests.faults.line import Line, Lost, Reply
from tests.faults.service import Service, running

RESTARTS = int(os.environ.get("ROLLING") or 3)
NAMES = ("anna", "ben")
DELIVERED_SECONDS = 60.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.faults,
    pytest.mark.timeout(300 + 60 * RESTARTS),
]


@dataclass
class Record:
    """What the clients met."""

    failures: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    # Text by the id that was acknowledged.
    posted: dict[int, str] = field(default_factory=dict)
    # How each stream ended, in its last words.
    ends: dict[str, list[str]] = field(default_factory=dict)
    is_over: bool = False


async def ask(record: Record, line: Line, method: str, path: str, **how: object) -> Reply | None:
    """One request, once; anything but 200 or 201 is a failure."""
    try:
        reply = await line.ask(method, path, **how)  # type: ignore[arg-type]
    except Lost as lost:
        record.failures.append(f"{method} {path}: {lost}")
        return None
    if reply.status not in (200, 201):
        record.failures.append(f"{method} {path}: {reply.status} {reply.body[:200]!r}")
        return None
    record.answers[f"{method} {path.partition('?')[0]}"] += 1
    return reply


async def read(record: Record, port: int, paths: list[str], pause: float, **headers: str) -> None:
    """Ask for one after the other over a kept connection."""
    line = Line(port)
    while not record.is_over:
        for path in paths:
            await ask(record, line, "GET", path, headers=headers)
            await asyncio.sleep(pause)
    line.close()


async def write(record: Record, port: int, author: Person) -> None:
    """Post without an Idempotency-Key: a second try would be a second post."""
    line = Line(port)
    headers = {"authorization": f"Bearer {author.token}", "content-type": "application/json"}
    said = 0
    while not record.is_over:
        said += 1
        text = f"{author.name} {said}"
        body = json.dumps({"text": text}).encode()
        reply = await ask(record, line, "POST", "/2/tweets", headers=headers, body=body)
        if reply is not None:
            record.posted[int(reply.json()["data"]["id"])] = text
        await asyncio.sleep(0.05)
    line.close()


async def chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The parts of an answer; it ends only where the answer ends in order."""
    while size := int(await reader.readline(), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readline()


async def listen(record: Record, port: int, path: str, **headers: str) -> None:
    """Keep a stream open as a browser does: come again when it ends, with the last event's id."""
    ends = record.ends.setdefault(path, [])
    last = ""
    while True:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        lines = [f"GET {path} HTTP/1.1", "host: localhost"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"last-event-id: {last}"] if last else []
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        said = ""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            async for part in chunks(reader):
                said += part.decode()
            if record.is_over:
                return
            ends.append(said.strip().replace("\r\n", "\n\n").rpartition("\n\n")[2])
        except (OSError, ValueError, asyncio.IncompleteReadError, AssertionError) as error:
            record.failures.append(f"{path}: {error!r} after {said[-200:]!r}")
            await asyncio.sleep(0.2)
        finally:
            writer.transport.abort()
        record.answers[f"{path} events"] += said.count("event: ")
        if "event: gap" in said:
            record.failures.append(f"{path}: events were missed")
        last = next((x[4:] for x in reversed(said.splitlines()) if x.startswith("id: ")), last)


async def restart(service: Service, *options: str) -> str:
    """Run `manage.py restart` as people do; what it said."""
    command = await asyncio.create_subprocess_exec(
        sys.executable, "manage.py", "restart", *options,
        cwd=stack.BASE_DIR, env=service.environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await command.communicate()
    assert command.returncode == 0, said.decode()
    return said.decode()


async def home_ids(service: Service, viewer: Person, path: str) -> list[int]:
    """Every id of a timeline, page by page."""
    client, ids, token = Client(service.port, Report()), [], ""
    while True:
        reply = await client.call("home", "GET", path + token, who=viewer)
        assert reply is not None
        ids += [shown[0] for shown in shown_on(reply, {viewer.id: viewer.name})]
        following = reply.json()["meta"].get("next_token")
        if following is None:
            client.close()
            return ids
        token = f"&pagination_token={following}"


async def delivered(service: Service, author: Person) -> list[int]:
    """All that an author said, when the home timeline shows exactly that."""
    query = "max_results=100&tweet.fields=author_id"
    stored = await home_ids(service, author, f"/2/users/{author.id}/tweets?{query}")
    path = f"/2/users/{author.id}/timelines/reverse_chronological?{query}"
    async with asyncio.timeout(DELIVERED_SECONDS):
        while await home_ids(service, author, path) != stored:
            pass
    return stored


async def drive(service: Service, record: Record) -> list[dict[str, int]]:
    """Traffic, and one restart after the other; the pids before and after each."""
    wanted = {
        "names": NAMES, "protected": [], "with_password": ["ben"], "password": PASSWORD,
        "follows": [("ben", "anna")],
    }  # fmt: skip
    made = json.loads(service.run("tests.faults.people", json.dumps(wanted)))
    anna, ben = (Person(name, *made[name]) for name in NAMES)
    browser = Browser("ben")
    door = Client(service.port, Report())
    await browser.log_in(door)
    door.close()
    port, cookie = service.port, browser._headers()["cookie"]
    token = f"Bearer {ben.token}"
    home = f"/2/users/{ben.id}/timelines/reverse_chronological?max_results=20"
    async with asyncio.TaskGroup() as group:
        streams = [
            group.create_task(listen(record, port, "/live?since=1", cookie=cookie)),
            group.create_task(listen(record, port, "/2/tweets/sample/stream", authorization=token)),
        ]
        group.create_task(read(record, port, ["/home", "/anna", "/readyz"], 0.05, cookie=cookie))
        group.create_task(read(record, port, [home, "/2/users/me"], 0.03, authorization=token))
        group.create_task(read(record, port, ["/public", "/about"], 0.05))
        # Idle in between for longer than a process takes to begin to leave.
        group.create_task(read(record, port, ["/2/users/me"], 1.5, authorization=token))
        group.create_task(write(record, port, anna))
        seen = [service.pids()]
        for number in range(RESTARTS):
            print(await restart(service, *(["--fresh"] if number % 2 else [])))
            seen.append(service.pids())
        record.is_over = True
        for one in streams:
            one.cancel()
    assert sorted(await delivered(service, anna)) == sorted(record.posted)
    return seen


def test_every_process_is_replaced_and_no_request_fails(tmp_path: Path):
    record = Record()

    with running(tmp_path, WEB_CONCURRENCY="2") as service:
        try:
            seen = asyncio.run(drive(service, record))
        finally:
            lines = [
                f"{RESTARTS} restarts, {record.answers.total()} answers, "
                f"{len(record.posted)} posts, {len(record.failures)} failures",
                *record.failures[:20],
                *(f"{path}: {ends}" for path, ends in record.ends.items()),
            ]
            print("\n".join([*lines, *service.errors()[-20:]]))

    assert record.failures == []
    house = [name for name in seen[0] if name in ("web", "relay", "beat") or "worker" in name]
    assert len(house) > 4
    for before, after in pairwise(seen):
        assert set(before) == set(after)
        assert [name for name in before if before[name] == after[name]] == [
            name for name in before if name not in house
        ]
    assert record.answers["/live?since=1 events"] > 0
    for path, ends in record.ends.items():
        # Each life of a stream ended with a word to come again.
        assert len(ends) >= RESTARTS, path
        for end in ends:
            assert ("retry: " in end) or ("operational-disconnect" in end), (path, end)
