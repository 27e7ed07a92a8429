"""Keeping the index: what it holds of a tweet is decided by the tweet's row, every time anew.

So it does not matter how often, how late and in which order one hears of a tweet, and a replay
or a rebuild beside the live traffic ends with the same rows. A stale row harms nobody: what is
found passes the tweets' own filter at each read.
"""

from collections.abc import Collection, Iterable, Sequence

import orjson
from django.db import connection, transaction

from apps.infra.stores import partitions
from apps.search.documents import SEPARATOR, Row, document_of, row_of
from apps.search.models import Backfill
from apps.search.plain import plain_row_of
from apps.tweets import stored
from apps.tweets.schemas import TweetOut
from apps.tweets.stored import Said

BACKFILL = "all"
_LOCK = 7_465_239
_NAMES = list(Row.__annotations__)
_TYPES = ", ".join(f"{name} {'bigint' if name.endswith('_id') else 'text'}" for name in _NAMES)
_VALUES = "tokens = excluded.tokens, url_tokens = excluded.url_tokens, marks = excluded.marks"
_CHANGED = (
    "(kept.tokens, kept.url_tokens, kept.marks, kept.conversation_id) is distinct from"
    " (excluded.tokens, excluded.url_tokens, excluded.marks, excluded.conversation_id)"
)
# A row that is as it should be is left alone: a replay reads, and writes next to nothing.
_UPSERT = f"""
insert into search_documents as kept ({", ".join(_NAMES)})
select {", ".join(_NAMES[:8])}, tokens::tsvector, url_tokens::tsvector,
       string_to_array(marks, '{SEPARATOR}')
  from json_to_recordset(%s::json) as given ({_TYPES})
 order by tweet_id
    on conflict (tweet_id) do update
   set {_VALUES}, conversation_id = excluded.conversation_id
 where {_CHANGED}
"""  # noqa: S608 (own names)
_MAKE = """
create table {name} (like search_documents including all);
alter table search_documents attach partition {name} for values from ({low}) to ({high})
"""

# Months whose partitions this process knows to exist. They are never dropped.
_known: set[partitions.Month] = set()


@transaction.atomic
def index_tweets(*, tweet_ids: Collection[int]) -> list[Said]:
    """Bring the index up to date about these tweets: live ones are in, all others out.

    Returns:
        The live ones, oldest first.
    """
    live = stored.live_said(tweet_ids=tweet_ids)
    short = list(map(plain_row_of, live))
    rows = [row for row in short if row is not None]
    if len(rows) < len(live):
        special = [said.id for said, row in zip(live, short, strict=True) if row is None]
        rows += _rows(stored.live_tweets(tweet_ids=special).values())
    _write(rows)
    if len(rows) < len(tweet_ids):
        gone = set(tweet_ids).difference(row["tweet_id"] for row in rows)
        with connection.cursor() as cursor:
            cursor.execute("delete from search_documents where tweet_id = any(%s)", [list(gone)])
    return live


def _rows(tweets: Iterable[TweetOut]) -> list[Row]:
    """Rows of live tweets, oldest first; a retweet without its original says nothing."""
    tweets = sorted(tweets, key=lambda tweet: tweet.id)
    pointed = {tweet.retweet_of_id for tweet in tweets if tweet.retweet_of_id is not None}
    originals = stored.live_tweets(tweet_ids=pointed)
    return [
        plain_row_of(tweet) or row_of(document_of(tweet, originals.get(tweet.retweet_of_id or 0)))
        for tweet in tweets
        if tweet.retweet_of_id is None or tweet.retweet_of_id in originals
    ]


def _write(rows: Sequence[Row]) -> None:
    if not rows:
        return
    _ensure_months(_months([row["tweet_id"] for row in rows]))
    with connection.cursor() as cursor:
        # One parameter, as JSON: much cheaper to write than an array for each column.
        cursor.execute(_UPSERT, [orjson.dumps(rows).decode()])


def _months(tweet_ids: Sequence[int]) -> set[partitions.Month]:
    ends = {partitions.month_of_id(one) for one in (min(tweet_ids), max(tweet_ids))}
    # Nearly always one month, and a date for each id costs more than the rest.
    return ends if len(ends) == 1 else set(map(partitions.month_of_id, tweet_ids))


def _ensure_months(months: set[partitions.Month]) -> None:
    """Make partitions that are missing, in the caller's transaction. Readers are not held up."""
    unknown = sorted(months - _known)
    if not unknown:
        return
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        for month in unknown:
            name = f"search_documents_{month[0]:04d}_{month[1]:02d}"
            cursor.execute("select to_regclass(%s)", [name])
            if cursor.fetchone()[0] is None:
                low, high = partitions.bounds(month)
                cursor.execute(_MAKE.format(name=name, low=low, high=high))
    transaction.on_commit(lambda: _known.update(unknown))


# ── Everything, from the tables ──────────────────────────────────────────────


def start_over() -> None:
    """Let the next backfill begin with the newest tweet."""
    Backfill.objects.filter(name=BACKFILL).delete()


def remaining() -> tuple[int, int]:
    """How many tweets a backfill has indexed, over all its runs, and how many are before it."""
    state = Backfill.objects.filter(name=BACKFILL).first()
    before = partitions.MAX_ID if state is None else state.before_id
    return (state.indexed if state else 0), stored.count_between(low=0, high=before)


@transaction.atomic
def index_next(*, limit: int) -> int | None:
    """Index the next older `limit` tweets of the backfill, and note how far it is.

    Rows between them whose tweets are gone go.

    Returns:
        How many were indexed; None when everything is.
    """
    state, _ = Backfill.objects.select_for_update().get_or_create(
        name=BACKFILL, defaults={"before_id": partitions.MAX_ID}
    )
    if state.before_id <= 0:
        return None
    tweets = stored.live_tweets_between(low=0, high=state.before_id, limit=limit)
    low = tweets[-1].id if len(tweets) == limit else 0
    rows = _rows(tweets)
    _write(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            "delete from search_documents where tweet_id >= %s and tweet_id < %s"
            " and not tweet_id = any(%s)",
            [low, state.before_id, [row["tweet_id"] for row in rows]],
        )
    state.before_id, state.indexed = low, state.indexed + len(rows)
    state.save()
    return len(rows)
