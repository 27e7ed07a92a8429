"""The worker that indexes for search, killed with -9 again and again while posts come in."""

import json
import os
import signal
import time
import urllib.parse
import urllib.request
from pathlib import Path

import psycopg
import pytest

from apps.infra.engines.ports import LOOPBACK
from tests.faults.service import Service, running

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(300)]

POSTS, KILLS = 240, 6
_INDEX = "select tweet_id, author_id, tokens, marks from search_documents order by tweet_id"


def ask(service: Service, token: str, path: str, text: str = "") -> dict[str, object]:
    """A call to the API; with a text it is a post."""
    request = urllib.request.Request(
        f"http://{LOOPBACK}:{service.port}{path}",
        data=json.dumps({"text": text}).encode() if text else None,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, object] = json.load(answer)
    return found


def found_by(service: Service, token: str, word: str) -> set[str]:
    """Ids of all posts that a search of the API finds."""
    ids: set[str] = set()
    query = {"query": word, "max_results": "100"}
    while True:
        page = ask(service, token, f"/2/tweets/search/recent?{urllib.parse.urlencode(query)}")
        ids |= {one["id"] for one in page.get("data", [])}  # type: ignore[attr-defined]
        following = page["meta"].get("next_token")  # type: ignore[attr-defined]
        if following is None:
            return ids
        query["next_token"] = following


def index_of(service: Service) -> list[tuple[object, ...]]:
    """Every row of the index."""
    with psycopg.connect(service.database(), autocommit=True) as connection:
        return connection.execute(_INDEX).fetchall()


def kill_indexer(service: Service) -> None:
    """`kill -9`; the supervisor starts another one."""
    for pid in service.targets("worker-fanout_bulk"):
        os.kill(pid, signal.SIGKILL)


def wait_until_indexed(service: Service) -> None:
    """The test's own time limit guards it."""
    while not service.is_drained():
        time.sleep(0.1)


def test_a_killed_indexer_loses_nothing_and_a_replay_equals_what_it_made(tmp_path: Path):
    wanted = {"names": ["anna"], "protected": [], "with_password": [], "password": "",
              "follows": []}  # fmt: skip
    with running(tmp_path, RATE_LIMIT_FACTOR="1000") as service:
        made = json.loads(service.run("tests.faults.people", json.dumps(wanted)))
        _anna, token = made["anna"]
        posted = set()
        for number in range(POSTS):
            data = ask(service, token, "/2/tweets", f"harbour number {number}")["data"]
            posted.add(data["id"])  # type: ignore[index]
            if number % (POSTS // KILLS) == POSTS // KILLS // 2:
                kill_indexer(service)
        wait_until_indexed(service)

        assert found_by(service, token, "harbour") == posted
        live = index_of(service)
        assert len(live) == POSTS
        with psycopg.connect(service.database(), autocommit=True) as connection:
            connection.execute("delete from search_documents where tweet_id % 3 = 0")
        service.run("django", "replay", "--subscriber", "search", "--since", "1h")
        kill_indexer(service)
        wait_until_indexed(service)
        assert index_of(service) == live
