"""Four people with posts and warm homes, for one deed; and what must be true of them after it."""

import asyncio
import contextlib
import itertools
from collections.abc import Iterable
from typing import Any

from django.db import connection

from apps.graph.models import Follow
from apps.infra import blocking, clock, ids, jobs
from apps.infra.eventlog import doorbell
from apps.infra.resilience import breaker
from apps.timelines.services.homes import rebuild_home
from apps.tweets.services import post_tweet
from apps.users.models import User
from apps.users.services import issue_token
from tests.faults.truth import Wrong
from tests.http import Client, Response
from tests.spine import drain_committed

HOME = "/2/users/{}/timelines/reverse_chronological?max_results=50"
PROFILE = "/2/users/{}/tweets?max_results=50"
NAMES = ("alice", "bob", "carol", "dave")
FOLLOWS = (("bob", "alice"), ("bob", "carol"), ("carol", "alice"), ("dave", "bob"))
_numbers = itertools.count()

# What a home timeline holds, from the tables alone.
_HOME = """
with me as (select %(me)s::bigint as id),
 mine as (select followee_id as id from follows, me where follower_id = me.id),
 shut as (select blocked_id as id from blocks, me where blocker_id = me.id
          union select blocker_id from blocks, me where blocked_id = me.id)
select t.id from tweets t left join tweets o on o.id = t.retweet_of_id
 left join users w on w.id = o.author_id, me
 where t.author_id = any(%(people)s) and t.deleted_at is null
   and (t.author_id = me.id or t.author_id in (select id from mine))
   and t.author_id not in (select id from shut)
   and (o.id is null or (o.deleted_at is null and o.author_id not in (select id from shut)
        and (not w.is_protected or o.author_id = me.id or o.author_id in (select id from mine))))
 order by t.id desc
"""
# Counters that are not what their rows say.
_MISCOUNTED = """
select 'tweet', t.id, array[like_count, reply_count, retweet_count], counted.n
  from tweets t, lateral (select array[
   (select count(*) from likes where tweet_id = t.id),
   (select count(*) from tweets r where r.in_reply_to_id = t.id and r.deleted_at is null),
   (select count(*) from retweets where tweet_id = t.id)]::int[] as n) counted
 where t.author_id = any(%(people)s) and array[like_count, reply_count, retweet_count] <> counted.n
union all
select 'user', u.id, array[followers_count, following_count, tweet_count], counted.n
  from users u, lateral (select array[
   (select count(*) from follows where followee_id = u.id),
   (select count(*) from follows where follower_id = u.id),
   (select count(*) from tweets t where t.author_id = u.id and t.deleted_at is null)]::int[] as n)
   counted
 where u.id = any(%(people)s)
   and array[followers_count, following_count, tweet_count] <> counted.n
"""


class Scene:
    """New people in the world that is there: bob reads alice and carol, carol alice, dave bob."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        blocking.adopt(loop)
        self.people = dict(zip(NAMES, ids.next_ids(len(NAMES)), strict=True))
        self.number = next(_numbers)
        User.objects.bulk_create(
            User(
                id=self.people[name], username=f"{name}{self.number}", name=name, password="!",
                created_at=clock.now(),
                followers_count=sum(pair[1] == name for pair in FOLLOWS),
                following_count=sum(pair[0] == name for pair in FOLLOWS),
            )
            for name in NAMES
        )  # fmt: skip
        Follow.objects.bulk_create(
            Follow(
                follower_id=self.people[one], followee_id=self.people[other],
                created_at=clock.now(),
            )
            for one, other in FOLLOWS
        )  # fmt: skip
        now = clock.now()
        self._tokens = {
            name: issue_token(user_id=one, now=now) for name, one in self.people.items()
        }
        self.posts = {name: self._post(name) for name in ("alice", "carol", "bob")}
        self._post("alice")
        drain_committed()
        for name, one in self.people.items():
            rebuild_home(user_id=one)
            # What a process remembers is what may be wrong in it.
            self.home(name)
        self.ask("dave", "GET", PROFILE.format(self.people["alice"]))

    def _post(self, name: str) -> int:
        return post_tweet(author_id=self.people[name], text=name, now=clock.now()).id

    def ask(self, who: str, method: str, path: str, data: Any = None, **headers: str) -> Response:
        """One request of somebody's, through all doors."""
        client = Client(self._loop, self._tokens[who])
        if method == "POST":
            return client.post(path, data, **headers)
        return client.request(method, path)

    def settle(self) -> None:
        """Wait for jobs that are being published."""
        if jobs._under_way:
            self._loop.run_until_complete(asyncio.wait(set(jobs._under_way)))

    # Reads that must succeed.

    def _ids(self, who: str, path: str) -> list[int]:
        reply = self.ask(who, "GET", path)
        if reply.status_code == 403:
            return []
        if reply.status_code != 200:
            raise Wrong(f"GET {path}: {reply.status_code} {reply.content!r}")
        return ids_of(reply)

    def home(self, who: str) -> list[int]:
        """A whole home timeline as it is answered."""
        return self._ids(who, HOME.format(self.people[who]))

    def wanted_home(self, who: str) -> list[int]:
        """The same from the tables."""
        given = {"me": self.people[who], "people": list(self.people.values())}
        return [row[0] for row in rows(_HOME, given)]

    def check_hidden(self, hidden: Iterable[tuple[str, str, int]]) -> None:
        """Nobody sees on any surface what must not be seen: (viewer, author, tweet)."""
        for who, author, tweet_id in hidden:
            shown = {
                "home": self.home(who),
                "profile": self._ids(who, PROFILE.format(self.people[author])),
                "lookup": self._ids(who, f"/2/tweets?ids={tweet_id}"),
            }
            if where := [name for name, found in shown.items() if tweet_id in found]:
                raise Wrong(f"{who} sees {tweet_id} of {author} on {where}")

    # After it.

    def recover(self) -> None:
        """Time passes: breakers close, everything is delivered."""
        wait_a_while()
        drain_committed(pause=lambda _seconds: None)

    def check(self) -> None:
        """At rest: homes and counters are what the rows say, with the list and without."""
        for _ in range(2):
            for who, one in self.people.items():
                found, wanted = self.home(who), self.wanted_home(who)
                if found != wanted:
                    raise Wrong(f"home of {who} is {found}, not {wanted}")
                rebuild_home(user_id=one)
        if bad := rows(_MISCOUNTED, {"people": list(self.people.values())}):
            raise Wrong(f"counters, and what their rows say: {bad}")


def rows(query: str, given: Any) -> list[tuple[Any, ...]]:
    """What PostgreSQL says."""
    with connection.cursor() as cursor:
        cursor.execute(query, given)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def ids_of(reply: Response) -> list[int]:
    """The ids of an answer's tweets."""
    return [int(one["id"]) for one in reply.json().get("data", ())]


def wait_a_while() -> None:
    """As after some seconds: nothing is left alone any more because it failed."""
    for one in breaker.all_breakers():
        one.reset()
    doorbell._quiet["until"] = 0.0
    with contextlib.suppress(Exception):
        connection.close()
