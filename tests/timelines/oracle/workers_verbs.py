"""What workers do, and what befalls them: batches in any order, kills, rebuilds, losses."""

import json
import random
from typing import Any

from django.db import connection

from apps.infra.eventlog.log import LoggedEvent
from apps.infra.stores import redis
from apps.timelines.services import homes
from apps.timelines.store import keys
from tests.timelines.oracle.stage import Building, Pending, Stage, Wrong
from tests.timelines.oracle.workers import Killed

_EVENTS = """
select id, topic, key, payload, at from event_log
 where id > %s and at > clock_timestamp() - interval '1 hour' order by id
"""


class WorkersVerbs(Stage):
    """Deliveries, rebuilds and losses."""

    def collect(self) -> None:
        """What was published since; to each subscriber its own."""
        with connection.cursor() as cursor:
            cursor.execute(_EVENTS, [self.last_event])
            rows = cursor.fetchall()
        for event_id, topic, key, payload, at in rows:
            event = LoggedEvent(id=event_id, topic=topic, key=key, payload=_loads(payload), at=at)
            self.last_event = event_id
            for pending in self.pending:
                if topic in pending.subscriber.topics:
                    pending.events.append(event)
                    if topic != "tweet.posted":
                        self._unsettle(event)

    def _unsettle(self, event: LoggedEvent) -> None:
        post = self.model.posts.get(event.payload.get("tweet_id", 0))
        if post is not None and event.topic in {"fan_out.deferred", "tweet.unhidden"}:
            post.is_settled = False

    def _batch(self, one: int, two: int) -> tuple[Pending, list[LoggedEvent]]:
        self.collect()
        waiting = [pending for pending in self.pending if pending.events] or self.pending[:1]
        pending = waiting[one % len(waiting)]
        return pending, pending.events[: 1 + two % 8]

    def _handle(self, worker: int, pending: Pending, batch: list[LoggedEvent], late: bool) -> None:
        if self.ack_first:
            self._acknowledge(pending, batch)
        pending.tried.update(event.id for event in batch)
        self.workers.call(worker, pending.subscriber, batch, late=late)

    def _acknowledge(self, pending: Pending, batch: list[LoggedEvent]) -> None:
        gone = {event.id for event in batch}
        pending.events = [event for event in pending.events if event.id not in gone]
        pending.done = [*pending.done, *batch][-20:]
        self.collect()
        for event in batch:
            post = self.model.posts.get(event.payload.get("tweet_id", 0))
            if post is not None and not self._is_under_way(post.id):
                post.is_settled = True

    def _is_under_way(self, tweet_id: int) -> bool:
        return any(
            event.payload.get("tweet_id") == tweet_id
            for pending in self.pending
            for event in pending.events
            if event.topic != "tweet.deleted"
        )

    def _finish(self, worker: int, pending: Pending, batch: list[LoggedEvent]) -> None:
        if batch:
            late = any(event.id in pending.tried for event in batch)
            self._handle(worker, pending, batch, late)
            self._acknowledge(pending, batch)

    def do_deliver(self, one: int, two: int, three: int) -> None:
        pending, batch = self._batch(one, two)
        self._finish(three, pending, batch)

    def do_deliver_wild(self, one: int, two: int, three: int) -> None:
        """Any of the waiting events, in any order."""
        pending, _ = self._batch(one, two)
        count = min(len(pending.events), 1 + two % 6)
        self._finish(three, pending, random.Random(two).sample(pending.events, count))

    def do_deliver_twice(self, one: int, two: int, three: int) -> None:
        """Events that were finished come again, known to be late or not."""
        pending = self.pending[one % len(self.pending)]
        count = min(len(pending.done), 1 + two % 6)
        if count:
            batch = random.Random(two).sample(pending.done, count)
            self.workers.call(three, pending.subscriber, batch, late=bool(two % 2))

    def do_lose_ack(self, one: int, two: int, three: int) -> None:
        """The work is done, and nobody is told."""
        pending, batch = self._batch(one, two)
        if batch:
            self._handle(three, pending, batch, late=bool(pending.tried & {e.id for e in batch}))

    def do_kill(self, one: int, two: int, three: int) -> None:
        """The worker dies at some step; what it had in hand comes again."""
        pending, batch = self._batch(one, two)

        def die() -> None:
            raise Killed

        self.faults.at(1 + three % 24, die)
        try:
            self._finish(three, pending, batch)
        except Killed:
            self.faults.clear()

    def do_pause(self, one: int, two: int, three: int) -> None:
        """The worker stands still at some step while the other one works."""
        pending, batch = self._batch(one, two)
        batch = batch[:3]

        def others_work() -> None:
            # The same lane's other worker, or that of another lane.
            theirs = self.pending[two % len(self.pending)] if two % 2 else pending
            rest = [event for event in theirs.events if event not in batch][: 1 + two % 5]
            self._finish(three + 1, theirs, rest)

        self.faults.at(1 + three % 24, others_work)
        self._finish(three, pending, batch)

    def do_pause_rebuild(self, one: int, two: int, three: int) -> None:
        """The worker stands still at some step; others deliver, and homes are built meanwhile."""
        pending, batch = self._batch(one, two)

        def others_work() -> None:
            rest = [event for event in pending.events if event not in batch][: two % 4]
            self._finish(three + 1, pending, rest)
            for place in range(1 + two % 3):
                self.do_rebuild(three + place, 0, 0)
                self.check_first(self._person(three + place))

        self.faults.at(1 + three % 24, others_work)
        self._finish(three, pending, batch)
        for place in range(1 + two % 3):
            self.check_first(self._person(three + place))

    def do_drain(self, _one: int, _two: int, _three: int) -> None:
        self.drain()

    def drain(self) -> None:
        """Deliver until nothing is left."""
        for _ in range(200):
            self.collect()
            for pending in self.pending:
                self._finish(0, pending, pending.events[:20])
            self.collect()
            if not any(pending.events for pending in self.pending):
                return
        raise Wrong("deliveries never end")

    # Rebuilds.

    def do_rebuild(self, one: int, _two: int, _three: int) -> None:
        user = self._person(one)
        homes.rebuild_home(user_id=user, token=self.asked.pop(user, None))

    def do_rebuild_begin(self, one: int, _two: int, _three: int) -> None:
        user = self._person(one)
        token = self.asked.pop(user, b"%x" % self.chance.getrandbits(64))
        if homes.begin_rebuild(user_id=user, token=token):
            self.building.append(Building(user, token))

    def do_rebuild_read(self, one: int, _two: int, _three: int) -> None:
        begun = [building for building in self.building if building.found is None]
        if begun:
            building = begun[one % len(begun)]
            building.found = homes.snapshot(user_id=building.user)

    def do_rebuild_finish(self, one: int, _two: int, _three: int) -> None:
        if self.building:
            building = self.building.pop(one % len(self.building))
            found = building.found
            if found is None:
                found = homes.snapshot(user_id=building.user)
            homes.finish_rebuild(user_id=building.user, token=building.token, ids=found)

    # Losses.

    def do_evict(self, one: int, two: int, _three: int) -> None:
        instance = redis.state(one % redis.state_count())
        names = sorted(instance.keys("*"))
        if names:
            instance.delete(names[two % len(names)])

    def do_evict_list(self, one: int, _two: int, _three: int) -> None:
        people = [building.user for building in self.building] or self.people
        user = people[one % len(people)]
        redis.state(keys.home_instance(user)).delete(keys.home_keys(user)[0])

    def do_evict_side(self, one: int, _two: int, _three: int) -> None:
        user = self._person(one)
        redis.state(keys.home_instance(user)).delete(keys.home_keys(user)[2])

    def do_flush(self, one: int, _two: int, _three: int) -> None:
        for instance in range(redis.state_count()):
            if one % 3 in {instance, 2}:
                redis.state(instance).flushall()


def _loads(payload: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(payload) if isinstance(payload, str) else payload
    return loaded
