"""One schedule on the real functions, beside the model."""

import asyncio
import itertools
import json
import random
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, connections

from apps.graph import services as graph
from apps.graph.models import Follow
from apps.infra import blocking, clock, ids
from apps.infra.errors import DomainError
from apps.infra.eventlog.log import LoggedEvent
from apps.infra.eventlog.registry import Subscriber, subscribers
from apps.infra.stores import cache, invalidation, redis
from apps.timelines import queries
from apps.timelines.cache import blocks
from apps.timelines.services import fanout, homes
from apps.timelines.store import keys
from apps.tweets import services as tweets
from apps.tweets.schemas import Page
from apps.users import services as users
from apps.users.models import User
from tests.timelines.oracle.model import Model, Post
from tests.timelines.oracle.schedule import Plan, Step
from tests.timelines.oracle.workers import Faults, Killed, Workers, watch

PEOPLE = 5
# Shares of timelines, and of follows, that are there when a schedule begins.
WARM = 0.7
FRIENDLY = 0.5
_names = itertools.count()
_EVENTS = """
select id, topic, key, payload, at from event_log
 where id > %s and at > clock_timestamp() - interval '1 hour' order by id
"""


class Wrong(AssertionError):
    """A timeline is not what the model says."""


@dataclass(slots=True)
class Building:
    """A rebuild on its way; another of the same person may be begun when this one was undone."""

    user: int
    token: bytes
    found: list[int] | None = None


class Pending:
    """Events that one subscriber has not acknowledged."""

    def __init__(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber
        self.events: list[LoggedEvent] = []
        self.tried: set[int] = set()
        self.done: list[LoggedEvent] = []


@contextmanager
def small_limits(plan: Plan, patch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Numbers so small that a few posts pass every bound."""
    settings.HOME_TIMELINE_LENGTH = 8
    settings.FANOUT_MAX_FOLLOWERS = plan.max_followers
    settings.FANOUT_BULK_FOLLOWERS = plan.bulk_followers
    patch.setattr(keys, "CHUNK_EVENTS", 3)
    patch.setattr(keys, "OVERLAP_IDS", 1)
    patch.setattr(keys, "TRIM_SLACK", 2)
    patch.setattr(keys, "MAX_SIDE", 4)
    patch.setattr(blocks, "SEGMENT", 1)
    patch.setattr(blocks, "RECHECK_SECONDS", plan.recheck_seconds)
    # Room for three authors, or for all.
    patch.setattr(blocks, "MAX_EDGES", 120 if plan.seed % 2 else 10_000)
    patch.setattr(fanout, "RECOUNT_SECONDS", 0.0)
    patch.setattr(fanout, "PULL_SET_SECONDS", 0.0)
    yield


class World:
    """Five people, two workers, one reader's process. Every verb is a method `do_…`."""

    def __init__(
        self, plan: Plan, loop: asyncio.AbstractEventLoop, patch: pytest.MonkeyPatch
    ) -> None:
        self.chance = random.Random(plan.seed)
        self._loop = loop
        self.faults = Faults()
        watch(patch, self.faults)
        self.workers = Workers(patch, self.faults)
        self.model = Model(_fresh_world())
        self.people = self.model.people
        self.pending = [Pending(one) for one in subscribers()]
        self.asked: dict[int, bytes] = {}
        self.building: list[Building] = []
        self._last_event = _last_event()
        self._old_ids: list[int] = []
        self.ack_first = False
        patch.setattr("apps.timelines.queries.jobs.start_soon", self._on_job)
        blocking.adopt(loop)

    # Running it.

    def play(self, plan: Plan) -> None:
        """Do all steps, deliver what is left, and compare everything."""
        self._befriend()
        for place in range(PEOPLE):
            if self.chance.random() < WARM:
                self.do_rebuild(place, 0, 0)
        for step in plan.steps:
            self.do(step)
        self.drain()
        for viewer in self.people:
            self.check_all(viewer, self.chance.choice([1, 3, 5, 20]))
        # Once more from a list that was just built, and after another post.
        viewer = self.chance.choice(self.people)
        homes.rebuild_home(user_id=viewer)
        self.do_post(self.chance.randrange(PEOPLE), 0, 0)
        self.drain()
        self.check_all(viewer, 3)

    def _befriend(self) -> None:
        """Half of all possible follows are there from the start."""
        pairs = [(a, b) for a in self.people for b in self.people if a != b]
        self.model.follows = {pair for pair in pairs if self.chance.random() < FRIENDLY}
        Follow.objects.bulk_create(
            Follow(follower_id=who, followee_id=whom, created_at=clock.now())
            for who, whom in sorted(self.model.follows)
        )

    def do(self, step: Step) -> None:
        """One step; what the service refuses changes nothing."""
        verb, one, two, three = step
        try:
            getattr(self, f"do_{verb}")(one, two, three)
        except DomainError:
            pass
        finally:
            self.faults.clear()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Call a coroutine."""
        return self._loop.run_until_complete(coroutine)

    def _on_job(self, _name: str, *, user_id: int, token: str) -> None:
        self.asked[user_id] = token.encode()

    # Who and what.

    def _person(self, number: int) -> int:
        return self.people[number % PEOPLE]

    def _two(self, one: int, two: int) -> tuple[int, int]:
        first = one % PEOPLE
        return self.people[first], self.people[(first + 1 + two % (PEOPLE - 1)) % PEOPLE]

    def _some_post(self, number: int) -> Post | None:
        posts = [post for post in self.model.posts.values() if not post.is_gone]
        return posts[number % len(posts)] if posts else None

    # Posts.

    def do_post(self, one: int, two: int, _three: int) -> None:
        author = self._person(one)
        for _ in range(1 + two % 3):
            self._posted(tweets.post_tweet(author_id=author, text="hello", now=clock.now()))

    def _posted(self, tweet: Any) -> None:
        if tweet.id not in self.model.posts:
            post = Post(id=tweet.id, author=tweet.author_id, original=tweet.retweet_of_id)
            self.model.posts[tweet.id] = post

    def do_reply(self, one: int, two: int, _three: int) -> None:
        if parent := self._some_post(two):
            self._posted(
                tweets.post_tweet(
                    author_id=self._person(one), text="yes", now=clock.now(),
                    in_reply_to_id=parent.id,
                )
            )  # fmt: skip

    def do_retweet(self, one: int, two: int, _three: int) -> None:
        if parent := self._some_post(two):
            author = self._person(one)
            self._posted(tweets.retweet(user_id=author, tweet_id=parent.id, now=clock.now()))

    def do_quote_late(self, one: int, two: int, _three: int) -> None:
        """A post whose id was made long before it is committed."""
        if not self._old_ids or two % 2:
            self._old_ids.append(ids.next_id())
            return
        old = self._old_ids.pop()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("apps.tweets.services.ids.next_id", lambda: old)
            tweet = tweets.post_tweet(author_id=self._person(one), text="late", now=clock.now())
        self._posted(tweet)

    def do_delete(self, one: int, two: int, _three: int) -> None:
        if post := self._some_post(one):
            tweets.delete_tweet(user_id=post.author, tweet_id=post.id, now=clock.now())
            post.is_deleted = True
            self.check_hidden(self._person(two))

    def do_hide(self, one: int, two: int, _three: int) -> None:
        if post := self._some_post(one):
            tweets.hide_tweet(tweet_id=post.id, now=clock.now())
            post.is_hidden = True
            self.check_hidden(self._person(two))

    def do_unhide(self, one: int, _two: int, _three: int) -> None:
        hidden = [post for post in self.model.posts.values() if post.is_hidden]
        if hidden:
            post = hidden[one % len(hidden)]
            tweets.unhide_tweet(tweet_id=post.id, now=clock.now())
            post.is_hidden = post.is_settled = False

    # Edges.

    def do_follow(self, one: int, two: int, _three: int) -> None:
        who, whom = self._two(one, two)
        state = graph.follow_user(follower_id=who, followee_id=whom, now=clock.now())
        (self.model.follows if state == "following" else self.model.requests).add((who, whom))
        self.check_first(who)

    def do_follow_slowly(self, one: int, two: int, three: int) -> None:
        """A follow during whose transaction others read, rebuild and push."""
        who = self._person(one)

        def meanwhile(_follower: int) -> None:
            if meanwhile in graph.on_new_follow:
                graph.on_new_follow.remove(meanwhile)
                self._elsewhere(lambda: self.do_deliver(three, three, 0))
                self.do_read(self.people.index(who), 0, 0)
                if who in self.asked:
                    homes.rebuild_home(user_id=who, token=self.asked.pop(who))

        graph.on_new_follow.append(meanwhile)
        try:
            self.do_follow(one, two, 0)
        finally:
            if meanwhile in graph.on_new_follow:
                graph.on_new_follow.remove(meanwhile)

    def _elsewhere(self, work: Callable[[], None]) -> None:
        """Outside of this thread's transaction."""

        def run() -> None:
            try:
                work()
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    def do_unfollow(self, one: int, two: int, _three: int) -> None:
        who, whom = self._two(one, two)
        graph.unfollow_user(follower_id=who, followee_id=whom, now=clock.now())
        self.model.follows.discard((who, whom))
        self.model.requests.discard((who, whom))
        self.check_hidden(who)

    def do_block(self, one: int, two: int, _three: int) -> None:
        who, whom = self._two(one, two)
        graph.block_user(blocker_id=who, blocked_id=whom, now=clock.now())
        self.model.block(who, whom)
        self.check_hidden(who)
        self.check_hidden(whom)

    def do_unblock(self, one: int, two: int, _three: int) -> None:
        who, whom = self._two(one, two)
        graph.unblock_user(blocker_id=who, blocked_id=whom, now=clock.now())
        self.model.blocks.discard((who, whom))

    def do_mute(self, one: int, two: int, _three: int) -> None:
        who, whom = self._two(one, two)
        graph.mute_user(muter_id=who, muted_id=whom, now=clock.now())
        self.model.mutes.add((who, whom))
        self.check_hidden(who)

    def do_unmute(self, one: int, two: int, _three: int) -> None:
        who, whom = self._two(one, two)
        graph.unmute_user(muter_id=who, muted_id=whom, now=clock.now())
        self.model.mutes.discard((who, whom))
        self.check_first(who)

    def do_accept(self, one: int, _two: int, _three: int) -> None:
        waiting = sorted(self.model.requests)
        if waiting:
            who, whom = waiting[one % len(waiting)]
            graph.accept_request(user_id=whom, follower_id=who, now=clock.now())
            self.model.requests.discard((who, whom))
            self.model.follows.add((who, whom))

    def do_protect(self, one: int, two: int, _three: int) -> None:
        who = self._person(one)
        users.set_protected(user_id=who, protected=True, now=clock.now())
        self.model.protected.add(who)
        self.check_hidden(self._person(two))

    def do_unprotect(self, one: int, _two: int, _three: int) -> None:
        who = self._person(one)
        users.set_protected(user_id=who, protected=False, now=clock.now())
        self.model.protected.discard(who)

    def do_suspend(self, one: int, two: int, _three: int) -> None:
        who = self._person(one)
        users.suspend_user(user_id=who, now=clock.now())
        self.model.suspended.add(who)
        self.check_hidden(self._person(two))

    def do_unsuspend(self, one: int, _two: int, _three: int) -> None:
        if self.model.suspended:
            who = sorted(self.model.suspended)[one % len(self.model.suspended)]
            users.unsuspend_user(user_id=who, now=clock.now())
            self.model.suspended.discard(who)

    # Deliveries.

    def collect(self) -> None:
        """What was published since; to each subscriber its own."""
        with connection.cursor() as cursor:
            cursor.execute(_EVENTS, [self._last_event])
            rows = cursor.fetchall()
        for event_id, topic, key, payload, at in rows:
            event = LoggedEvent(id=event_id, topic=topic, key=key, payload=_loads(payload), at=at)
            self._last_event = event_id
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
            rest = [event for event in pending.events if event not in batch][: 1 + two % 5]
            self._finish(three + 1, pending, rest)

        self.faults.at(1 + three % 24, others_work)
        self._finish(three, pending, batch)

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

    # Reads.

    def page(self, viewer: int, before: int | None, size: int) -> Page:
        """One page, with what every page must hold: order, and nothing hidden."""
        page: Page = self.run(queries.home_timeline(viewer_id=viewer, before_id=before, limit=size))
        shown = [tweet.id for tweet in page.tweets]
        if any(a <= b for a, b in itertools.pairwise(shown)) or (before and shown[:1] > [before]):
            raise Wrong(f"out of order for {viewer}: {shown}")
        for tweet_id in shown:
            post = self.model.posts.get(tweet_id)
            if post is None or not self.model.shows(viewer, post):
                raise Wrong(f"{viewer} sees {tweet_id}, which is hidden")
        if page.next_before_id is not None and len(shown) != size:
            raise Wrong(f"a short page that is not the last: {shown}")
        return page

    def check_hidden(self, viewer: int) -> None:
        """On the very next read nothing hidden shows."""
        self.page(viewer, None, 4)

    def check_first(self, viewer: int) -> None:
        """The first page has everything that was delivered."""
        page = self.page(viewer, None, self.chance.randint(1, 4))
        self._complete(viewer, [tweet.id for tweet in page.tweets], page.next_before_id, None)

    def _complete(
        self, viewer: int, shown: list[int], next_before_id: int | None, before: int | None
    ) -> None:
        low = shown[-1] if shown and next_before_id is not None else 0
        for tweet_id in self.model.home(viewer, settled=True):
            if low <= tweet_id < (before or 1 << 63) and tweet_id not in shown:
                raise Wrong(f"{viewer} misses {tweet_id} between {before} and {low}: {shown}")

    def do_read(self, one: int, two: int, _three: int) -> None:
        self.check_first(self._person(one)) if two % 2 else self.check_hidden(self._person(one))

    def do_walk(self, one: int, two: int, three: int) -> None:
        """Page down to the end while others post, rebuild and lose things."""
        viewer, size, before = self._person(one), 1 + two % 4, None
        chance = random.Random(three)
        for _ in range(60):
            page = self.page(viewer, before, size)
            self._complete(viewer, [t.id for t in page.tweets], page.next_before_id, before)
            before = page.next_before_id
            if before is None:
                return
            verb = chance.choice(["post", "deliver", "evict", "rebuild", "rebuild_begin", "none"])
            if verb != "none":
                numbers = [chance.randrange(1 << 20) for _ in range(3)]
                getattr(self, f"do_{verb}")(*numbers)
        raise Wrong("the timeline never ends")

    def check_all(self, viewer: int, size: int) -> None:
        """The whole timeline, page by page, is what the model says."""
        seen: list[int] = []
        before: int | None = None
        wanted = self.model.home(viewer)
        for _ in range(len(wanted) + 3):
            page = self.page(viewer, before, size)
            seen += [tweet.id for tweet in page.tweets]
            before = page.next_before_id
            if before is None:
                break
        if seen != wanted:
            missing, extra = set(wanted) - set(seen), set(seen) - set(wanted)
            raise Wrong(f"{viewer}, pages of {size}: missing {missing}, extra {extra}, {seen}")


def _loads(payload: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(payload) if isinstance(payload, str) else payload
    return loaded


def _last_event() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(max(id), 0) from event_log")
        return int(cursor.fetchone()[0])


def _fresh_world() -> list[int]:
    """New people, empty Redis; what others left in the tables does no harm."""
    with connection.cursor() as cursor:
        cursor.execute("delete from pull_authors")
    for instance in range(redis.state_count()):
        redis.state(instance).flushall()
    cache.clear_all()
    invalidation.distrust()
    made = [
        User(id=one, username=f"o{next(_names)}", name="o", password="!", created_at=clock.now())
        for one in ids.next_ids(PEOPLE)
    ]
    User.objects.bulk_create(made)
    return [user.id for user in made]


def play(plan: Plan, loop: asyncio.AbstractEventLoop, settings: Any, **how: Any) -> None:
    """Play one schedule from an empty world. Raises Wrong."""
    with pytest.MonkeyPatch.context() as patch, small_limits(plan, patch, settings):
        world = World(plan, loop, patch)
        world.ack_first = how.get("ack_first", False)
        try:
            world.play(plan)
        finally:
            world.workers.close()
