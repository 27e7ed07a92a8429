"""How the ids of a query are looked up: backwards through the newest posts, or by the words' index.

A word that one post in twenty has is found in the newest few hundred posts; through the index all
of its postings would be read and sorted, a hundred thousand in two million posts. A word that one
post in a hundred thousand has is found by its postings alone. PostgreSQL's planner chooses as if
to look into a document cost nothing, and takes the walk for words for which it is tens of times
slower. So the choice is made here, from what ANALYZE knows of how often words and marks occur.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from django.utils.translation import gettext as _

from apps.infra.errors import Unavailable
from apps.infra.resilience.deadline import TookTooLong
from apps.infra.stores import aiopostgres, aioreplica, partitions
from apps.search.query import tokens
from apps.search.query import tree as t
from apps.search.query.routing import mark_of
from apps.search.schemas import Window

# One statement of a search.
LIMIT_MS = 3_000
# Posts that a walk looks at for each that it may expect to find, and at most.
PATIENCE, MAX_WALK = 8, 30_000
# What it costs to fetch a post that the index names, in posts that a walk looks at: they lie
# scattered, and a walk reads one page after the other.
_SCATTERED = 10
# A phrase is about so much rarer than the rarest of its words.
_PHRASE = 0.3
_KNOWN_SECONDS = 60.0
_FREQUENCIES = """
select s.attname, s.most_common_elems::text::text[], s.most_common_elem_freqs, c.reltuples
  from pg_stats s join pg_class c
    on c.relname = s.tablename and c.relnamespace = s.schemaname::regnamespace
 where s.tablename like 'search\\_documents\\_%%' and s.attname in ('tokens', 'marks')
   and s.most_common_elems is not null and c.reltuples > 0
"""
_WALK = (
    "select d.tweet_id from (select * from search_documents"
    " where tweet_id >= %s and tweet_id < %s order by tweet_id desc limit %s) d"
)
_NEWEST = " order by d.tweet_id desc limit %s"


class SearchTooSlow(Unavailable):
    """PostgreSQL could not answer in time."""

    code = "search_too_slow"


def too_slow() -> SearchTooSlow:
    """With advice."""
    return SearchTooSlow(
        _("This search took too long. Add a rarer word, a #tag or from:user, or a shorter time."),
        retry_after_seconds=5,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A query as SQL: what is joined to `search_documents d`, the condition and its parameters;
    and the tree it was made of."""

    tree: t.Node
    joined: str
    condition: str
    params: Sequence[object]

    @property
    def source(self) -> str:
        """What follows `from`, up to the time."""
        return f"search_documents d{self.joined} where {self.condition}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequencies:
    """In which share of all documents the most common words and marks are."""

    rows: float = 0.0
    words: Mapping[str, float] = field(default_factory=dict)
    marks: Mapping[str, float] = field(default_factory=dict)


class _Known:
    """What this process knows; a minute old at most, of statistics that are older."""

    def __init__(self) -> None:
        self.until = 0.0
        self.found = Frequencies()


_known = _Known()


def forget() -> None:
    """Ask again; for tests, and after an ANALYZE that must be seen."""
    _known.until = 0.0


async def frequencies() -> Frequencies:
    """Of all months together, each by its rows."""
    if time.monotonic() > _known.until:
        # The others go on with what was known.
        _known.until = time.monotonic() + _KNOWN_SECONDS
        _known.found = _merged(await aiopostgres.fetch(_FREQUENCIES))
    return _known.found


def _merged(rows: Sequence[tuple[str, list[str], list[float], float]]) -> Frequencies:
    totals = {"tokens": 0.0, "marks": 0.0}
    sums: dict[str, dict[str, float]] = {"tokens": {}, "marks": {}}
    for column, elements, shares, count in rows:
        totals[column] += count
        # Behind the elements' own shares stand the least, the most and that of nulls.
        for element, share in zip(elements, shares, strict=False):
            sums[column][element] = sums[column].get(element, 0.0) + share * count
    return Frequencies(
        rows=totals["tokens"],
        words={name: n / totals["tokens"] for name, n in sums["tokens"].items()},
        marks={name: n / totals["marks"] for name, n in sums["marks"].items()},
    )


def share_of(node: t.Node, known: Frequencies) -> float | None:
    """In about which share of all posts this holds; None: an index of its own finds those few."""
    match node:
        case t.Not(term):
            share = _of_leaf(term, known)
            return 1.0 if share is None else 1.0 - share
        case t.And(parts):
            shares = [share_of(part, known) for part in parts]
            return None if None in shares else _together([one for one in shares if one is not None])
        case t.Or(parts):
            shares = [share_of(part, known) for part in parts]
            return min(1.0, sum(one or 0.0 for one in shares)) if any(shares) else None
        case _:
            return _of_leaf(node, known)


def _of_leaf(leaf: t.Leaf, known: Frequencies) -> float | None:
    match leaf:
        case t.Keyword(text) | t.Phrase(text):
            return _of_words(text, known)
        case t.Since() | t.Until() | t.AtLeast():
            # The time is bounded otherwise; how many likes a post has says nothing of its words.
            return 1.0
        case t.Hashtag() | t.Cashtag() | t.Mention() | t.Is() | t.Has() | t.Lang():
            return known.marks.get(_mark(leaf), 0.0)
        case _:
            return None


def _mark(leaf: t.Hashtag | t.Cashtag | t.Mention | t.Is | t.Has | t.Lang) -> str:
    match leaf:
        case t.Hashtag(name):
            return f"#{tokens.fold(name)}"
        case t.Cashtag(name):
            return f"${tokens.fold(name)}"
        case t.Mention(name):
            return f"@{tokens.fold(name)}"
        case _:
            return mark_of(leaf)


def _of_words(text: str, known: Frequencies) -> float:
    shares = [known.words.get(lexeme, 0.0) for _offset, lexeme in tokens.sought(text)]
    return min(shares, default=0.0) * (_PHRASE if len(shares) > 1 else 1.0)


def _together(shares: Sequence[float]) -> float:
    """Words of one text are neither independent nor always together: between the two."""
    product = reduce(lambda one, other: one * other, shares, 1.0)
    return float((product * min(shares)) ** 0.5)


def rows_to_walk(share: float | None, rows: float, limit: int) -> int:
    """How many of the newest posts to look at before the index is asked; 0: none.

    To walk costs the posts until the page is full, limit / share; the index all that fit,
    share · rows.
    """
    if not share or share * rows * _SCATTERED < limit / share:
        return 0
    return min(MAX_WALK, int(PATIENCE * limit / share))


async def ids_of(sought: Sought, window: Window, limit: int) -> list[int]:
    """The newest ids that fit, newest first. Walks back through the months until there are enough.

    Raises:
        SearchTooSlow: with advice. Unavailable: PostgreSQL does not answer.
    """
    known = await frequencies()
    share = share_of(sought.tree, known)
    found: list[int] = []
    for low, high in partitions.windows_back(window.before_id, await partitions.months()):
        bounds = (max(low, window.after_id + 1), high)
        found += await _in_window(sought, share, known.rows, bounds, limit - len(found))
        if len(found) >= limit or low <= window.after_id:
            break
    return found


async def _in_window(
    sought: Sought, share: float | None, rows: float, bounds: tuple[int, int], limit: int
) -> list[int]:
    walked = rows_to_walk(share, rows, limit)
    if walked:
        found = await _fetch(
            f"{_WALK}{sought.joined} where {sought.condition}{_NEWEST}",
            [*bounds, walked, *sought.params, limit],
        )
        if len(found) >= limit:
            return found
    one = f"select d.tweet_id from {sought.source} and d.tweet_id >= %s and d.tweet_id < %s"
    if share is None or not rows:
        return await _fetch(one + _NEWEST, [*sought.params, *bounds, limit])
    # All that fit first, and then the newest of these: by the index, whatever the planner thinks,
    # for no index has the ids in this order.
    return await _fetch(
        f"{one} order by d.tweet_id + 0 desc limit %s", [*sought.params, *bounds, limit]
    )


async def _fetch(query: str, params: Sequence[object]) -> list[int]:
    try:
        # Old ids do no harm: what is shown is looked at on the primary.
        rows = await aioreplica.fetch_stale(query, params, limit_ms=LIMIT_MS)
    except TookTooLong as error:
        raise too_slow() from error
    return [row[0] for row in rows]
