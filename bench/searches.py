"""S3: the newest posts with a word, among two million, by how common the word is.

Against the same texts in one table of their own, with the same index of words, asked as one would:
`where words @@ … order by id desc limit 20`. Once by the index of words, all that fit and then the
newest of them; and once as PostgreSQL likes, which for a common word walks backwards as the service
does, as long as its statistics are fresh. All are asked by the same function of the service, with
the same limit of time, in turn.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from bench.figures import BY_ID
from bench.measured import Result
from bench.oracle import WrongAnswer
from bench.setup import Bench, in_loop

PAGE = 20
WORDS_EACH = 12
VOCABULARY = 60_000
# Texts are used so many times each.
COPIES = 10
# Zipf's law for words: the n-th is about so many times rarer.
STEEPNESS = 1.05
PLAIN = "bench_plain_search"
MONTH = "search_documents_2016_05"
# Shares of all posts in which a word is, about: the points of the plot.
SHARES = (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.00003)
VERY_COMMON, RARE = SHARES[0], SHARES[-1]
# The index is measured at these parts of its size too, with the queries named here.
PARTS = (16, 4, 1)
SIZED = {f"{VERY_COMMON:g}": "one in ten", f"{RARE:g}": "one in 30,000"}
# As quick, but for chance.
NOT_SLOWER = 1.15

Ask = Callable[[str], Awaitable[list[int]]]
_FILL = """
insert into {table} (tweet_id, author_id, conversation_id, tokens, url_tokens, marks)
select %(low)s + n * 4194304, n %% 5000, %(low)s + n * 4194304, t.words::tsvector, ''::tsvector,
       array['lang:en']
  from generate_series(1::bigint, %(count)s) n join bench_texts t on t.number = n %% %(texts)s
"""


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is in the index: ids from `low` on, one word of each share, and how many have it."""

    low: int
    high: int
    words: dict[float, str]
    counts: Counter[str]


@dataclass(frozen=True, slots=True)
class _Times:
    """What a query took, in ms: ours, one table by its index of words, one table as it likes."""

    ours: float
    gin: float
    planner: float


def measure(bench: Bench) -> list[Result]:
    """The figure. Raises WrongAnswer: they do not find the same."""
    by_size: dict[int, dict[str, _Times]] = {}
    for part in PARTS:
        corpus = _build(bench, bench.sizes.searched // part)
        try:
            wanted = _wanted(corpus)
            if part > 1:
                wanted = {name: wanted[name] for name in SIZED}
            taken = in_loop(_measure(bench, corpus, wanted))
        finally:
            bench.connection.execute(f"drop table {PLAIN}, bench_texts, {MONTH}")
        by_size[bench.sizes.searched // part] = taken
    return [_result(corpus, taken, by_size)]


def _texts(count: int, chooser: random.Random) -> list[list[str]]:
    weights = list(itertools.accumulate(1 / (n + 3) ** STEEPNESS for n in range(VOCABULARY)))
    words = [f"w{n}" for n in range(VOCABULARY)]
    drawn = chooser.choices(words, cum_weights=weights, k=count * WORDS_EACH)
    return [drawn[n : n + WORDS_EACH] for n in range(0, len(drawn), WORDS_EACH)]


def _build(bench: Bench, count: int) -> Corpus:
    """The index of a month long ago, built as fast as can be, and the other table."""
    from apps.infra.stores import partitions

    connection = bench.connection
    texts = _texts(count // COPIES, bench.chooser)
    low, high = partitions.bounds((2016, 5))
    connection.execute("set statement_timeout = 0")
    connection.execute("set maintenance_work_mem = '512MB'")
    connection.execute("create unlogged table bench_texts (number bigint primary key, words text)")
    with connection.cursor() as cursor, cursor.copy("copy bench_texts from stdin") as copy:
        for number, words in enumerate(texts):
            vector = " ".join(f"{word}:{place}" for place, word in enumerate(words, 1))
            copy.write_row((number, vector))
    for table, indexes in ((MONTH, _OURS), (PLAIN, _THEIRS)):
        connection.execute(f"create table {table} (like search_documents including defaults)")
        given: Any = {"low": low, "count": count, "texts": len(texts)}
        connection.execute(_FILL.format(table=table), given)
        for index in indexes:
            connection.execute(f"create index on {table} {index}")
        connection.execute(f"alter table {table} add primary key (tweet_id)")
    connection.execute(
        f"alter table search_documents attach partition {MONTH} for values from ({low}) to ({high})"
    )
    connection.execute(f"vacuum analyze {MONTH}")
    connection.execute(f"vacuum analyze {PLAIN}")
    counts = Counter(word for words in texts for word in set(words))
    nearest = {
        share: min(counts, key=lambda word: (abs(counts[word] / len(texts) - share), word))
        for share in SHARES
    }
    return Corpus(low, high, nearest, Counter({w: n * COPIES for w, n in counts.items()}))


_THEIRS = ("using gin (tokens) with (gin_pending_list_limit = 256)",)
_OURS = (
    *_THEIRS,
    "using gin (url_tokens) with (gin_pending_list_limit = 64)",
    "using gin (marks) with (gin_pending_list_limit = 128)",
    "(author_id, tweet_id desc)",
    "(conversation_id, tweet_id desc)",
)


def _asks(corpus: Corpus) -> tuple[Ask, Ask, Ask]:
    from apps.infra.stores import aiopostgres
    from apps.search import queries, queries_ids
    from apps.search.query.parser import parse
    from apps.search.schemas import Window

    window = Window(after_id=corpus.low - 1, before_id=corpus.high)

    async def ours(words: str) -> list[int]:
        sought = await queries.sought(None, parse(words))
        return await queries_ids.ids_of(sought, window, PAGE)

    async def theirs(words: str, order: str) -> list[int]:
        rows = await aiopostgres.fetch(
            f"select tweet_id from {PLAIN} where tokens @@ %s::tsquery"
            f" order by {order} desc limit %s",
            [" & ".join(words.split()), PAGE],
            limit_ms=queries_ids.LIMIT_MS,
        )
        return [row[0] for row in rows]

    # No index has that order, so the words' is used, and what it finds is sorted.
    return ours, partial(theirs, order="tweet_id + 0"), partial(theirs, order="tweet_id")


def _wanted(corpus: Corpus) -> dict[str, str]:
    """Queries by what they are: the share of posts that have the word, or of several words."""
    common, medium, rare = (corpus.words[share] for share in (VERY_COMMON, 0.003, RARE))
    return {f"{share:g}": word for share, word in corpus.words.items()} | {
        "two common": f"{common} {corpus.words[0.03]}",
        "common and rare": f"{common} {rare}",
        "medium and rare": f"{medium} {rare}",
    }


async def _measure(bench: Bench, corpus: Corpus, wanted: Mapping[str, str]) -> dict[str, _Times]:
    from apps.search import queries_ids

    queries_ids.forget()
    asks = _asks(corpus)
    taken: dict[str, list[list[float]]] = {name: [[] for _ in asks] for name in wanted}
    for turn in range(bench.sizes.search_rounds + 1):
        for name, words in wanted.items():
            # Whoever comes later finds the pages read: each comes first in turn.
            order = [(turn + place) % len(asks) for place in range(len(asks))]
            answers = {place: await _timed(asks[place], words) for place in order}
            found = [answers[place] for place in range(len(asks))]
            if any(one[0] != found[0][0] for one in found):
                raise WrongAnswer(f"{words}: {[one[0] for one in found]}")
            if turn:
                for times, (_ids, seconds) in zip(taken[name], found, strict=True):
                    times.append(1000 * seconds)
    await _close()
    return {name: _Times(*map(median, times)) for name, times in taken.items()}


async def _timed(ask: Ask, words: str) -> tuple[list[int], float]:
    began = time.perf_counter()
    return await ask(words), time.perf_counter() - began


async def _close() -> None:
    from apps.infra.stores import aiopostgres

    await aiopostgres.close()
    await asyncio.sleep(0)


def _result(
    corpus: Corpus, taken: Mapping[str, _Times], by_size: Mapping[int, Mapping[str, _Times]]
) -> Result:
    common = taken[f"{VERY_COMMON:g}"]
    rare = [f"{RARE:g}", "common and rare", "medium and rare"]
    points = [(corpus.counts[word], taken[f"{share:g}"]) for share, word in corpus.words.items()]
    return Result(
        figure=BY_ID["S3"],
        value=common.ours,
        ratio=common.gin / common.ours,
        also={
            "posts_with_the_word": corpus.counts[corpus.words[VERY_COMMON]],
            "to_the_planner_x": common.planner / common.ours,
            "slowest_ms": max(one.ours for one in taken.values()),
            "gin_slowest_ms": max(one.gin for one in taken.values()),
            "planner_slowest_ms": max(one.planner for one in taken.values()),
            "rare_slower_x": max(
                taken[name].ours / min(taken[name].gin, taken[name].planner) for name in rare
            ),
            **{f"ms {name}": one.ours for name, one in taken.items()},
            **{f"GIN, ms {name}": one.gin for name, one in taken.items()},
            **{f"planner, ms {name}": one.planner for name, one in taken.items()},
        },
        goal_at_most={"rare_slower_x": NOT_SLOWER},
        series={
            "ours": _line((n, one.ours) for n, one in points),
            "one table, GIN": _line((n, one.gin) for n, one in points),
            "one table, the planner's choice": _line((n, one.planner) for n, one in points),
            **{
                f"{SIZED[name]}, {side}": _line(
                    (size, getattr(some[name], field)) for size, some in by_size.items()
                )
                for name in SIZED
                for side, field in (("ours", "ours"), ("GIN", "gin"))
            },
        },
    )


def _line(points: Any) -> list[tuple[float, float]]:
    found: Sequence[tuple[float, float]] = sorted(points)
    return list(found)
