"""One schedule on the real functions, beside the model."""

import asyncio
import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import override_settings

from apps.graph.models import Follow
from apps.infra import blocking, clock, ids
from apps.infra.errors import DomainError
from apps.infra.stores import cache, invalidation, redis
from apps.timelines import home_read, table_read, trips
from apps.timelines.cache import blocks, large_blocks
from apps.timelines.services import bulk, fanout, homes
from apps.timelines.store import keys
from apps.tweets import queries as tweet_queries
from apps.tweets.rendering import DEFAULT, render_tweets
from apps.tweets.schemas import Page
from apps.users.models import User
from tests.timelines.oracle.people import PeoplesVerbs
from tests.timelines.oracle.schedule import PEOPLE, Plan, Step
from tests.timelines.oracle.stage import Wrong
from tests.timelines.oracle.workers_verbs import WorkersVerbs

# Shares of timelines, and of follows, that are there when a schedule begins.
WARM = 0.7
FRIENDLY = 0.5
_names = itertools.count()


@contextmanager
def small_limits(plan: Plan, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Numbers so small that a few posts pass every bound."""
    patch.setattr(keys, "CHUNK_EVENTS", 3)
    patch.setattr(keys, "UNIT_EVENTS", 5)
    patch.setattr(keys, "OVERLAP_IDS", 1)
    patch.setattr(keys, "AGAIN_IDS", plan.seed % 2)
    patch.setattr(keys, "TRIM_SLACK", 2)
    patch.setattr(keys, "SPARE_IDS", plan.seed % 2)
    patch.setattr(keys, "MAX_SIDE", 4)
    patch.setattr(large_blocks, "PIECE", 2)
    # Who follows nobody has the set, the others walk first: some find enough, some do not.
    patch.setattr(table_read, "WALK_FROM", 1 if plan.seed % 3 else 1_000)
    patch.setattr(table_read, "WALK_TWEETS", 3 if plan.seed % 2 else 60)
    patch.setattr(tweet_queries, "_MAX_LATERAL", 0 if plan.seed % 4 < 2 else 1_000)
    patch.setattr(bulk, "NOTE_EVERY", 1)
    patch.setattr(blocks, "RECHECK_SECONDS", plan.recheck_seconds)
    # Room for three authors, or for all.
    patch.setattr(blocks, "MAX_EDGES", 120 if plan.seed % 2 else 10_000)
    patch.setattr(fanout, "RECOUNT_SECONDS", 0.0)
    patch.setattr(fanout, "PULL_SET_SECONDS", 0.0)
    # Not the fixture: it goes a level deeper with each schedule, and ends in a RecursionError.
    with override_settings(
        HOME_TIMELINE_LENGTH=8,
        FANOUT_MAX_FOLLOWERS=plan.max_followers,
        FANOUT_BULK_FOLLOWERS=plan.bulk_followers,
    ):
        yield


class World(WorkersVerbs, PeoplesVerbs):
    """Five people, two workers, one reader's process. Every verb is a method `do_…`."""

    def __init__(
        self, plan: Plan, loop: asyncio.AbstractEventLoop, patch: pytest.MonkeyPatch
    ) -> None:
        people = _fresh_world()
        super().__init__(
            seed=plan.seed, people=people, loop=loop, patch=patch, last_event=_last_event()
        )
        patch.setattr("apps.timelines.home_read.jobs.start_soon", self._on_job)
        blocking.adopt(loop)

        # By where a page began, as the page before it said.
        self.depths: dict[int, int] = {}

    def _on_job(self, _name: str, *, user_id: int, token: str) -> None:
        self.asked[user_id] = token.encode()

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

    # Reads.

    def page(self, viewer: int, before: int | None, size: int) -> Page:
        """One page, with what every page must hold: order, and nothing hidden."""
        page: Page = self.run(self._both_ways(viewer, before, size))
        self.depths[page.next_before_id or 0] = page.depth
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

    async def _both_ways(self, viewer: int, before: int | None, size: int) -> Page:
        """A page made at once, where that can be, and the same page made the general way."""
        # What the last page said of its depth, nothing, or nonsense: a hint is a hint.
        hints = [0, self.depths.get(before or 0, 0), self.chance.randrange(1, 14)]
        depth = self.chance.choice(hints)

        async def opened() -> home_read.HomeRead:
            trip = trips.plan_trip(viewer_id=viewer, before_id=before, limit=size, depth=depth)
            return await home_read.open_home(trip)

        read = await opened()
        found = [home_read.at_once(read, DEFAULT)]
        page = await home_read.fill(read)
        # Now that all of it was read, more may be in memory.
        found.append(home_read.at_once(await opened(), DEFAULT))
        rendered = await render_tweets(page.tweets, DEFAULT, viewer_id=viewer)
        ends = (page.tweets[0].id, page.tweets[-1].id) if page.tweets else None
        for rows in filter(None, found):
            if rows.tweets != rendered.tweets or ends != (rows.newest, rows.oldest):
                raise Wrong(f"at once {viewer} sees {rows.tweets}, else {rendered.tweets}")
        return page

    def check_hidden(self, viewer: int) -> None:
        """On the very next read nothing hidden shows."""
        self.page(viewer, None, 4)

    def check_first(self, viewer: int) -> None:
        """The first page has everything that was delivered."""
        page = self.page(viewer, None, self.chance.randint(1, 4))
        shown = [tweet.id for tweet in page.tweets]
        self._complete(viewer, shown, page.next_before_id, None)
        self._still_there(viewer, shown, page.next_before_id)

    def _still_there(self, viewer: int, shown: list[int], next_before_id: int | None) -> None:
        """Who saw a post sees it again, delivered to everybody or not."""
        low = shown[-1] if shown and next_before_id is not None else 0
        seen = self.seen.setdefault(viewer, set())
        for tweet_id in self.model.home(viewer):
            if low <= tweet_id and tweet_id in seen and tweet_id not in shown:
                raise Wrong(f"{viewer} saw {tweet_id}, and it is gone down to {low}: {shown}")
        # Posts of the moments between a rebuild's reading and its end come to its list with their
        # delivery; meanwhile PostgreSQL shows them.
        is_read = any(one.user == viewer and one.found is not None for one in self.building)
        posts = self.model.posts
        seen.update(one for one in shown if not is_read or posts[one].is_settled)

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


def play(plan: Plan, loop: asyncio.AbstractEventLoop, **how: Any) -> None:
    """Play one schedule from an empty world. Raises Wrong."""
    with pytest.MonkeyPatch.context() as patch, small_limits(plan, patch):
        world = World(plan, loop, patch)
        world.ack_first = how.get("ack_first", False)
        try:
            world.play(plan)
        finally:
            world.workers.close()
