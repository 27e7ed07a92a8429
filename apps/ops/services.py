"""Verbs of operators that reach over several apps."""

import random
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from apps.graph import services_import as graph_imports
from apps.infra import ids
from apps.infra.batches import batches
from apps.infra.errors import Conflict
from apps.ops.demo import content
from apps.ops.demo.furniture import furnish
from apps.ops.demo.world import HEROES, Builder, World
from apps.search import services as search_services
from apps.trends import services as trend_services
from apps.trends.schemas import Posted
from apps.tweets import mentions
from apps.tweets import services_import as tweet_imports
from apps.users import services_import as user_imports
from apps.users.services_import import UserRow

SEED = 2006
ADMIN = "admin"
# Well known on purpose: a demo that nobody can enter shows nothing. Not for a public site.
PASSWORDS = {name: f"demo-{name}-2006" for name in (*HEROES, ADMIN)}
_LOCK = 7_465_233
_INDEX_AT_ONCE = 1_000


class DemoNameTaken(Conflict):
    """Somebody who is not of the demo has one of its names."""

    code = "demo_name_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSize:
    """What was made; all zero if the demo world was there."""

    people: int = 0
    follows: int = 0
    tweets: int = 0
    likes: int = 0


def make_demo(*, now: datetime, seed: int = SEED) -> DemoSize:
    """Make the demo world, whole or not at all; the same for the same seed and moment.

    Raises:
        DemoNameTaken: a name of its people belongs to somebody else.
    """
    if set(PASSWORDS) <= set(user_imports.ids_of_usernames(usernames=PASSWORDS)):
        return DemoSize()
    world = Builder(content.load(), now=now, seed=seed).build()
    rows = _accounts(world, now)
    tweet_imports.ensure_partitions(tweet_ids={row.id for row in world.tweets})
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Two first starts at once: the second finds it done.
            cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        taken = user_imports.ids_of_usernames(usernames=[row.username for row in rows])
        if set(PASSWORDS) <= set(taken):
            return DemoSize()
        if taken:
            names = ", ".join(f"@{name}" for name in sorted(taken))
            raise DemoNameTaken(f"The demo world needs these names, which are taken: {names}.")
        size = _store(world, rows)
        shown = _furnish(world, now, seed)
        # What is imported raises no events.
        for part in batches([*(row.id for row in world.tweets), *shown], _INDEX_AT_ONCE):
            mentions.note_live(tweets=search_services.index_tweets(tweet_ids=part))
    _count_trends(world, now)
    return size


def _count_trends(world: World, now: datetime) -> None:
    if not settings.TRENDS:
        return
    posts = [Posted(row.id, row.author_id, row.retweet_of_id) for row in world.tweets]
    for part in batches(posts, _INDEX_AT_ONCE):
        trend_services.count_posts(posts=part, now=now, late=True)


def _accounts(world: World, now: datetime) -> list[UserRow]:
    rows = [person.row for person in world.people]
    rows.append(
        UserRow(
            id=ids.next_id(),
            username=ADMIN,
            name="Administrator",
            created_at=now,
            is_staff=True,
            is_superuser=True,
        )
    )
    return [
        replace(row, password=make_password(PASSWORDS[row.username]))
        if row.username in PASSWORDS
        else row
        for row in rows
    ]


def _store(world: World, rows: list[UserRow]) -> DemoSize:
    user_imports.import_users(rows=rows)
    follows = graph_imports.import_follows(
        edges=list(world.follows), edge_ids=list(world.follows.values())
    )
    tweets = tweet_imports.import_tweets(rows=world.tweets)
    likes = tweet_imports.import_likes(rows=world.likes)
    return DemoSize(people=len(rows), follows=follows.stored, tweets=len(tweets), likes=likes)


def _furnish(world: World, now: datetime, seed: int) -> list[int]:
    """Add what is more than rows: pictures, a poll, lists; the ids of the posts."""
    return furnish(
        people={person.row.username: person.row.id for person in world.people},
        followers={
            person.row.username: [one.row.id for one in person.followers]
            for person in world.people
            if person.star
        },
        now=now,
        dice=random.Random(seed),  # noqa: S311 (a world of play, to be the same each time)
    )
