"""Ids that one app knows and another asks for, as a part of one statement.

100,000 followees would take 50 ms of an event loop as numbers, and 20 as text. As a query inside
the query they never leave PostgreSQL, and neither app knows the other's tables.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString


@dataclass(frozen=True, slots=True)
class IdQuery:
    """A query for one column of ids, to be put in brackets; none is null, none comes twice."""

    sql: LiteralString
    # By names that begin with that of the app, so that those of several do not collide.
    parameters: Mapping[str, Any]
    # About how many ids there are: which plan is the right one depends on it.
    about: int

    @classmethod
    def of(cls, ids: Collection[int]) -> "IdQuery":
        """These ids."""
        array = "{" + ",".join(map(str, ids)) + "}"
        return cls("select unnest(%(given_ids)s::bigint[])", {"given_ids": array}, len(ids))
