"""Follows in bulk: imports and the demo world. No event is published."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from apps.graph import store
from apps.infra import ids
from apps.infra.stores.staging import stage
from apps.users import services_import as user_imports

_COLUMNS = {
    "follower_id": "int8",
    "followee_id": "int8",
    "id": "int8",
    "n": "int4",
    "created_at": "timestamptz",
}
_TAKE_OUT_BLOCKED = """
delete from import_follows i
 where exists (select from blocks b
                where b.blocker_id = i.follower_id and b.blocked_id = i.followee_id)
    or exists (select from blocks b
                where b.blocker_id = i.followee_id and b.blocked_id = i.follower_id)
returning n
"""
_INSERT = """
insert into follows (follower_id, followee_id, id, created_at)
select follower_id, followee_id, id, created_at from import_follows order by id
on conflict do nothing returning follower_id, followee_id
"""
# A follow ends what was remembered of an earlier unfollow, and what was asked for.
_FORGET = [
    "delete from unfollows o using import_follows i"
    " where o.follower_id = i.follower_id and o.followee_id = i.followee_id",
    "delete from follow_requests o using import_follows i"
    " where o.follower_id = i.follower_id and o.followee_id = i.followee_id",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFollows:
    """What became of the edges: the number stored, and the places of the others in the input."""

    stored: int
    duplicates: list[int]
    blocked: list[int]


@transaction.atomic
def import_follows(
    *, edges: Sequence[tuple[int, int]], edge_ids: Sequence[int] | None = None
) -> ImportedFollows:
    """Store (follower, followee) pairs and keep both counters exact.

    The accounts exist. Nobody follows themselves: the caller sorts that out. Where one has
    blocked the other, nothing is stored. The caller drops the followers' home timelines once
    this is committed (a storey above).

    Args:
        edge_ids: one for each edge, its time is the follow's; new ones by default.
    """
    chosen = edge_ids or ids.next_ids(len(edges))
    first: dict[tuple[int, int], int] = {}
    for place, edge in enumerate(edges):
        first.setdefault(edge, place)
    stage(
        table="import_follows",
        columns=_COLUMNS,
        rows=(
            (*edge, chosen[place], place, ids.created_at_of(chosen[place]))
            for edge, place in first.items()
        ),
    )
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_OUT_BLOCKED)
        blocked = {row[0] for row in cursor.fetchall()}
        cursor.execute(_INSERT)
        stored = set(cursor.fetchall())
        for statement in _FORGET:
            cursor.execute(statement)
    user_imports.add_counts(
        followers=Counter(followee for _, followee in stored),
        following=Counter(follower for follower, _ in stored),
    )
    store.hold_many(
        viewer_ids={follower for follower, _ in stored},
        author_ids={followee for _, followee in stored},
        reload=True,
    )
    return ImportedFollows(
        stored=len(stored),
        duplicates=[
            place
            for place, edge in enumerate(edges)
            if first[edge] not in blocked and (edge not in stored or first[edge] != place)
        ],
        blocked=[place for place, edge in enumerate(edges) if first[edge] in blocked],
    )


def follower_ids(*, author_id: int, size: int = 10_000) -> Iterator[list[int]]:
    """Everybody who follows an account, in lists of at most `size`, by rising id."""
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "select follower_id from follows where followee_id = %s and follower_id > %s"
                " order by follower_id limit %s",
                [author_id, last, size],
            )
            found = [row[0] for row in cursor.fetchall()]
        if not found:
            return
        yield found
        last = found[-1]
