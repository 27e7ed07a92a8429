"""Whom somebody may want to follow: people followed by those whom they follow.

Two hops are walked from the latest followees only, and what was found is kept for some minutes in
the process: the work of one person is bounded and rare. Whether each is still to be suggested
(not followed meanwhile, not blocked, not suspended) is looked at with every read.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from apps.graph import queries
from apps.graph.schemas import Relations
from apps.infra.stores import aioreplica
from apps.infra.stores.cache import LocalCache
from apps.infra.stores.id_queries import IdQuery
from apps.users import queries as user_queries

# Followees that are looked at, those that each of them followed last, and how many are kept.
FIRST_HOP, SECOND_HOP, KEPT = 100, 50, 60
KEPT_SECONDS = 600.0
POPULAR_SECONDS = 60.0
MAX_PEOPLE = 20_000
_EVERYBODY = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """An account to follow, and up to two followees of the viewer who follow it."""

    user_id: int
    via: tuple[int, ...] = ()


_Kept = tuple[float, tuple[Suggestion, ...]]
# Nothing is announced of this kind: what is kept goes by age.
_found: LocalCache[int, _Kept] = LocalCache("suggested", max_items=MAX_PEOPLE, name="suggestions")

_TWO_HOPS = """
with mine as (
  select followee_id, id from follows where follower_id = %(viewer)s
   order by id desc limit %(first)s),
hops as (
  select theirs.followee_id as candidate, mine.followee_id as via, mine.id as edge
    from mine cross join lateral (
      select followee_id from follows where follower_id = mine.followee_id
       order by id desc limit %(second)s) theirs)
select candidate, (array_agg(via order by edge desc))[1:2] from hops
 where candidate <> %(viewer)s and not exists (
   select from follows where follower_id = %(viewer)s and followee_id = candidate)
 group by candidate order by count(*) desc, candidate desc limit %(kept)s
"""


async def suggestions(viewer_id: int) -> tuple[Suggestion, ...]:
    """Accounts two hops away, those with the most ways first; up to ten minutes old."""
    kept = _found.get(viewer_id)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    started = time.monotonic()
    rows = await aioreplica.fetch_stale(
        _TWO_HOPS,
        {"viewer": viewer_id, "first": FIRST_HOP, "second": SECOND_HOP, "kept": KEPT},
    )
    found = tuple(Suggestion(user_id=row[0], via=tuple(row[1])) for row in rows)
    _found.put(viewer_id, (started + KEPT_SECONDS, found), started=started)
    return found


async def popular() -> tuple[Suggestion, ...]:
    """The most followed public accounts; up to a minute old."""
    kept = _found.get(_EVERYBODY)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    started = time.monotonic()
    users = await user_queries.most_followed(limit=KEPT, without=(), but=IdQuery.of([]))
    found = tuple(Suggestion(user_id=user.id) for user in users)
    _found.put(_EVERYBODY, (started + POPULAR_SECONDS, found), started=started)
    return found


async def candidates(viewer_id: int | None, relations: Relations | None) -> Sequence[Suggestion]:
    """Whom to suggest, best first: from the graph, then the most followed, each once."""
    if viewer_id is None:
        return await popular()
    hidden = (relations or await queries.relations(viewer_id)).hidden
    every = (*await suggestions(viewer_id), *await popular())
    first = {one.user_id: one for one in reversed(every)}
    ids = dict.fromkeys(one.user_id for one in every)
    return [first[one] for one in ids if one not in hidden and one != viewer_id]
