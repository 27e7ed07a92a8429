"""Pages over edges: who likes, follows, mutes, quotes what, newest first, cursors on the edge's id.

What a reader may not see is left out, and the page is filled from further down. A list that is
nearly all out of sight may give a short page with a token all the same.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from apps.infra.web import pagination
from apps.infra.web.pagination import Position

# (edge id, id of what is at its other end)
Edge = tuple[int, int]
# (before, after, limit) -> edges newest first: the highest below `before`, or, with `after`, the
# lowest above it.
Fetch = Callable[[int | None, int | None, int], Awaitable[list[Edge]]]
# The same of many owners: (owner's id, before=, after=, limit=).
EdgesOf = Callable[..., Awaitable[list[Edge]]]
Thing = TypeVar("Thing")
# Ids -> the things that may be shown, by id.
Keep = Callable[[Sequence[int]], Awaitable[dict[int, Thing]]]

# How often a page is filled up before it is given as it is.
MAX_ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgePage(Generic[Thing]):
    """What is shown, newest edge first, and where the pages beside it begin; None: nowhere."""

    things: list[Thing]
    next_id: int | None
    previous_id: int | None

    def meta(self) -> dict[str, Any]:
        """The `meta` member of the answer."""
        told: dict[str, Any] = {"result_count": len(self.things)}
        if self.next_id is not None:
            told["next_token"] = pagination.encode("n", self.next_id)
        if self.previous_id is not None:
            told["previous_token"] = pagination.encode("p", self.previous_id)
        return told


def of(edges_of: EdgesOf, owner_id: int) -> Fetch:
    """The edges of one owner."""

    async def fetch(before: int | None, after: int | None, limit: int) -> list[Edge]:
        return await edges_of(owner_id, before=before, after=after, limit=limit)

    return fetch


async def page_of(
    fetch: Fetch, keep: Keep[Thing], *, position: Position | None, limit: int
) -> EdgePage[Thing]:
    """The page that a token names; the first without one."""
    back = position is not None and position.direction == "p"
    at = None if position is None else position.id
    walked: list[int] = []
    found: list[Thing] = []
    more = True
    for _ in range(MAX_ROUNDS):
        want = limit - len(found)
        # One more than wanted tells whether the list goes on.
        edges = await fetch(None, at, want + 1) if back else await fetch(at, None, want + 1)
        if back:
            edges.reverse()
        more = len(edges) > want
        edges = edges[:want]
        shown = await keep([other for _, other in edges]) if edges else {}
        found += [shown[other] for _, other in edges if other in shown]
        walked += [edge_id for edge_id, _ in edges]
        if not more or len(found) == limit:
            break
        at = walked[-1]
    if back:
        walked.reverse()
        found.reverse()
    is_first = position is None
    return EdgePage(
        things=found,
        next_id=walked[-1] if walked and (more or back) else None,
        previous_id=walked[0] if walked and (more if back else not is_first) else None,
    )
