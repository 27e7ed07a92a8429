"""What the figures over HTTP share: the built world, warm readers, requests, draining."""

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
import uvloop

from bench import client, oracle
from bench.cpu import Meter
from bench.machine import Machine
from bench.measured import Result
from bench.sizes import Sizes
from bench.world import SEED, World

T = TypeVar("T")
PAGE = 20
# A page with all that a client shows of a tweet.
HOME_QUERY = (
    f"max_results={PAGE}&tweet.fields=author_id,created_at,public_metrics&expansions=author_id"
    "&user.fields=name,username"
)
DRAIN_SECONDS = 60.0
FIRST_OWN_USER = 1_000_000_000
_IS_DRAINED = (
    "select (select coalesce(max(id), 0) from event_log)"
    " <= (select top from relay_cursor where target is null)"
    " and not exists (select from deliveries"
    " where %(of)s::text[] is null or subscriber = any(%(of)s))"
)
# Those whose last acknowledgement is the last delivery to a home timeline.
FAN_OUT = ["fan_out", "fan_out_bulk"]


class NotDrained(Exception):
    """The event log was not delivered in time."""


@dataclass
class Bench:
    """One run: the machine, the world, and who reads and posts in it."""

    machine: Machine
    world: World
    sizes: Sizes
    chooser: random.Random = field(default_factory=lambda: random.Random(SEED))
    # What was measured before in this run, by figure: for those that are computed from others.
    found: dict[str, Result] = field(default_factory=dict)
    # What is on file of earlier runs, by figure, as `latest.json` has it.
    earlier: dict[str, Any] = field(default_factory=dict)
    # What one figure made and another uses too, by the name of the module that made it.
    kept: dict[str, Any] = field(default_factory=dict)
    _user_ids: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_OWN_USER))
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(10_000_000))
    _connection: psycopg.Connection[Any] | None = None

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The benchmark's own connection; its backend does not count."""
        if self._connection is None:
            from apps.infra.stores import postgres

            self._connection = postgres.connect()
        return self._connection

    def close(self) -> None:
        """Close this process's connections, so that the engines end in peace."""
        from django.db import connections

        if self._connection is not None:
            self._connection.close()
        for connection in connections.all(initialized_only=True):
            connection.close()

    def own_user_ids(self, count: int) -> list[int]:
        """Ids for people whom one figure needs for itself; nobody of the world has them.

        They are nobody until the figure stores them, and not part of `world`.
        """
        return list(itertools.islice(self._user_ids, count))

    def service_meter(self) -> Meter:
        """CPU of everything that serves: web, workers, relay, PostgreSQL, Valkeys."""
        return Meter(self.machine.pids(), without=[self.connection.info.backend_pid])

    def is_drained(self, of: list[str] | None = None) -> bool:
        """Whether every committed event is handed out and every delivery finished.

        Args:
            of: deliveries to these subscribers; others gather for up to a second.
        """
        row = self.connection.execute(_IS_DRAINED, {"of": of}).fetchone()
        return bool(row and row[0])

    def wait_drained(self, of: list[str] | None = None, *, pause_seconds: float = 0.02) -> None:
        """Wait for that.

        Raises:
            NotDrained: not within DRAIN_SECONDS.
        """
        end = time.monotonic() + DRAIN_SECONDS
        while not self.is_drained(of):
            if time.monotonic() > end:
                rows = self.connection.execute("select * from deliveries limit 5").fetchall()
                raise NotDrained(f"deliveries left: {rows}")
            time.sleep(pause_seconds)

    def home_request(self, viewer_id: int, *, page_token: str = "") -> client.Request:
        """A reader's page; the first one without a token."""
        place = f"&pagination_token={page_token}" if page_token else ""
        return client.request(
            f"/2/users/{viewer_id}/timelines/reverse_chronological?{HOME_QUERY}{place}",
            token=self.world.tokens[viewer_id],
            tag=viewer_id,
        )

    def post_request(self, author_id: int) -> client.Request:
        """A new tweet; the tag is its author and text."""
        text = f"post {next(self._numbers)} of the measured minute, nothing more to say"
        return client.request(
            "/2/tweets",
            method="POST",
            token=self.world.tokens[author_id],
            body=json.dumps({"text": text}).encode(),
            tag=(author_id, text),
        )

    def note_post(self, answer: client.Answer) -> int:
        """Remember an acknowledged post in the model; its id."""
        author_id, text = answer.tag
        tweet_id = int(json.loads(answer.body)["data"]["id"])
        self.world.note(tweet_id, author_id)
        self.world.texts[tweet_id] = text
        return tweet_id

    def warm(self, user_ids: Sequence[int]) -> None:
        """Build these home timelines, as a worker would."""
        from apps.timelines.services.homes import rebuild_home

        for user_id in user_ids:
            rebuild_home(user_id=user_id)

    async def check_homes(self, viewer_ids: list[int]) -> None:
        """Hold pages over HTTP against the model.

        Raises:
            WrongAnswer, BadAnswer.
        """
        caller = await client.Caller.open(self.machine.web_port)
        with contextlib.closing(caller):
            for viewer_id in viewer_ids:
                answer = await caller.call(self.home_request(viewer_id))
                if answer.status != 200:
                    raise client.BadAnswer(f"status {answer.status}: {answer.body[:500]!r}")
                oracle.check_page(self.world, viewer_id, answer.body, limit=PAGE)


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on the fastest loop there is."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
