"""Scheduled posts through `manage.py up`, where everything is killed with -9 as they become due.

`-s` prints how late they were made.
"""

import json
import os
import random
import signal
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from apps.infra.engines.ports import LOOPBACK
from tests.faults.service import Service, running

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(900)]

POSTS = 60
ROUNDS = int(os.environ.get("SCHEDULED_ROUNDS") or 2)
ENGINES = ("postgres", "state", "state2", "cache")


def ask(service: Service, token: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """A POST to the API."""
    request = urllib.request.Request(
        f"http://{LOOPBACK}:{service.port}{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)["data"]
    return found


def rows(service: Service, question: str) -> list[tuple[Any, ...]]:
    """What the tables say."""
    with psycopg.connect(service.database(), autocommit=True) as connection:
        return connection.execute(question).fetchall()


def spread(service: Service, seconds: float) -> dict[str, datetime]:
    """Have what waits become due one after the other, from now on; when, by what it says."""
    # The service takes nothing nearer than a minute.
    with psycopg.connect(service.database(), autocommit=True) as connection:
        found = connection.execute(
            "update scheduled_posts s set due_at = now() + n * %s * interval '1 second'"
            " from (select id, row_number() over (order by id) as n from scheduled_posts) t"
            " where t.id = s.id returning s.text, s.due_at",
            (seconds,),
        ).fetchall()
    return dict(found)


def kill_everything(service: Service) -> int:
    """`kill -9`, all at once: supervisor, processes, engines; how many there were."""
    found = {service.up.pid, *service.pids().values(), *service.targets("web-workers")}
    for name in ENGINES:
        found.update(service.processes_of(name))
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    service.up.wait()
    return len(found)


def wait_until_all_are_out(service: Service) -> None:
    """The test's own time limit guards it."""
    while rows(service, "select count(*) from scheduled_posts where failed_at is null") != [(0,)]:
        time.sleep(0.2)


def schedule(service: Service, token: str, words: str) -> None:
    """Many posts that wait."""
    then = datetime.now(UTC) + timedelta(hours=1)
    for number in range(POSTS):
        body = {"text": f"{words} {number}", "scheduled_at": f"{then:%Y-%m-%dT%H:%M:%SZ}"}
        ask(service, token, "/2/scheduled_tweets", body)


def test_each_is_made_once_whatever_is_killed(tmp_path: Path):
    wanted = {"names": ["anna"], "protected": [], "with_password": [], "password": "",
              "follows": []}  # fmt: skip
    due: dict[str, datetime] = {}
    with running(tmp_path, RATE_LIMIT_FACTOR="1000") as service:
        made = json.loads(service.run("tests.faults.people", json.dumps(wanted)))
        anna, token = made["anna"]
        schedule(service, token, "calm")
        due |= spread(service, 0.1)
        wait_until_all_are_out(service)
        print("\ncalm:", lateness(service, due))
    for number in range(ROUNDS):
        with running(tmp_path, RATE_LIMIT_FACTOR="1000") as service:
            schedule(service, token, f"storm {number}:")
            due |= spread(service, 0.05)
            time.sleep(random.uniform(0.5, 2.5))
            print(kill_everything(service), "processes killed;", end=" ")
        with running(tmp_path, RATE_LIMIT_FACTOR="1000") as service:
            wait_until_all_are_out(service)
            storm = {text: at for text, at in due.items() if text.startswith(f"storm {number}:")}
            print(lateness(service, storm))
            ensure_once(service, anna, token, due)


def ensure_once(service: Service, anna: str, token: str, due: dict[str, datetime]) -> None:
    """Each is there once and not before its time, counted and read."""
    said = [text for (text,) in rows(service, "select text from tweets order by id")]
    assert sorted(said) == sorted(due)
    assert rows(service, "select count(*) from scheduled_posts") == [(0,)]
    counted = rows(service, "select tweet_count from users where username = 'anna'")
    assert counted == [(len(due),)]
    early = [
        text
        for text, at in rows(service, "select text, created_at from tweets")
        if at < due[text] - timedelta(milliseconds=1)
    ]
    assert early == []
    request = urllib.request.Request(
        f"http://{LOOPBACK}:{service.port}/2/users/{anna}/tweets?max_results=100",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        newest = json.load(answer)["data"]
    assert [one["text"] for one in newest] == said[:-101:-1]


def lateness(service: Service, due: dict[str, datetime]) -> str:
    """How long after their time posts were made."""
    made = dict(rows(service, "select text, created_at from tweets"))
    late = sorted((made[text] - at).total_seconds() for text, at in due.items())
    return f"{len(late)} posts, late by {late[len(late) // 2]:.2f} s, at most {late[-1]:.2f} s"
