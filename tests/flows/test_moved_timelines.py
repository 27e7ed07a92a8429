"""Home timelines when the number of state Valkeys changes: an older version had one, `up` has two.

Lists of people who are now looked for elsewhere must not be read when that number comes back.
"""

import contextlib
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from apps.infra.engines import ports, runfile, services
from apps.timelines.store.keys import READY
from tests.faults.service import Service, running
from tests.spine import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(600)]

READERS = [f"reader{number}" for number in range(20)]
DRAINED = """
select (select coalesce(max(id), 0) from event_log) <=
  (select top from relay_cursor where target is null) and not exists (select from deliveries)
"""


@dataclass
class World:
    """Readers who all follow one author; id and token by name."""

    people: dict[str, tuple[str, str]]

    def post(self, service: Service, text: str) -> str:
        """Post as the author; the id."""
        made = self._call(service, "author", "/2/tweets", {"text": text})
        return str(made["data"]["id"])

    def homes(self, service: Service) -> set[tuple[str, ...]]:
        """What the readers see, newest first: one element when all see the same."""
        return {
            tuple(
                tweet["id"]
                for tweet in self._call(
                    service,
                    name,
                    f"/2/users/{self.people[name][0]}/timelines/reverse_chronological",
                ).get("data", [])
            )
            for name in READERS
        }

    def _call(self, service: Service, name: str, path: str, data: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://{ports.LOOPBACK}:{service.port}{path}",
            data=json.dumps(data).encode() if data else None,
            headers={
                "authorization": f"Bearer {self.people[name][1]}",
                "content-type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def populate(service: Service) -> World:
    wanted = {
        "names": ["author", *READERS], "protected": [], "with_password": [], "password": "",
        "follows": [(reader, "author") for reader in READERS],
    }  # fmt: skip
    return World(json.loads(service.run("tests.faults.people", json.dumps(wanted))))


@contextlib.contextmanager
def older(home: Path) -> Iterator[tuple[Service, str]]:
    """The service with one state Valkey, in the folder and with the run file of that time; and
    the address of that Valkey."""
    var = home / "var"
    var.mkdir(exist_ok=True)
    engines = services.embedded_engines(var_dir=var, kept_ports=runfile.read(var).ports, environ={})
    only = engines["state"]
    # What writes into the folder of logs is taken for a process that a killed `up` left.
    only.log = home / "older.log"
    only.start()
    try:
        with running(home, REDIS_STATE_URL=only.url) as service:
            yield service, only.url
    finally:
        only.stop()
    run = runfile.read(var)
    run.urls["REDIS_STATE_URL"] = only.url
    run.ports["state"] = only.port
    runfile.write(var, run)


def prepared(addresses: list[str]) -> list[int]:
    """How many home timelines are ready, on each of these Valkeys."""
    counts = []
    for address in addresses:
        with redis.Redis.from_url(address) as client:
            counts.append(len(client.keys(f"{READY}:*")))
    return counts


def settle(world: World, service: Service, addresses: list[str]) -> None:
    """Read until every reader has a timeline, and leave no event that could be delivered again.

    A timeline that is overtaken by a post while it is made is made by the read after that.

    The relay delivers the last 10 s again when a Redis was restarted: here it would hide a list
    that missed a post longer ago.
    """
    wait_for(lambda: bool(world.homes(service)) and sum(prepared(addresses)) == len(READERS))
    with psycopg.connect(runfile.read_urls(service.var_dir)["DATABASE_URL"]) as connection:
        wait_for(lambda: connection.execute(DRAINED).fetchone() == (True,))
        connection.execute("delete from event_log")


def test_timelines_are_right_with_one_state_valkey_with_two_and_with_one_again(tmp_path: Path):
    with older(tmp_path) as (service, alone):
        world = populate(service)
        first = world.post(service, "while there was one")
        wait_for(lambda: world.homes(service) == {(first,)})
        settle(world, service, [alone])

    with running(tmp_path) as service:
        both = [address for name, address in service.valkeys().items() if name != "cache"]
        assert both[0] == alone
        assert world.homes(service) == {(first,)}
        wait_for(lambda: all(prepared(both)))
        second = world.post(service, "while there were two")
        wait_for(lambda: world.homes(service) == {(second, first)})
        settle(world, service, both)

    with older(tmp_path) as (service, alone):
        assert world.homes(service) == {(second, first)}
        third = world.post(service, "while there was one again")
        wait_for(lambda: world.homes(service) == {(third, second, first)})
        settle(world, service, [alone])

    with running(tmp_path) as service:
        assert world.homes(service) == {(third, second, first)}
        # The same number as before: what is there is kept.
        settle(world, service, both)

    with running(tmp_path) as service:
        assert sum(prepared(both)) == len(READERS)
        assert world.homes(service) == {(third, second, first)}
