"""What an archive brought, found again and taken away without a trace."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.infra.batches import batches
from apps.infra.errors import DomainError
from apps.infra.eventlog.log import publish, publish_many
from apps.infra.stores import invalidation, partitions
from apps.media.services import attaching
from apps.tweets import guards
from apps.tweets.events import HistoryChanged, HistorySettled, TweetDeleted
from apps.tweets.services_import import add_counts
from apps.users import services_import as user_imports
from apps.users import services_pinned

# Ids in one event.
_AT_ONCE = 200
_AUTHORS = "select id, author_id from tweets where id = any(%s)"
_ROWS = """
select id, in_reply_to_id, retweet_of_id, quote_of_id, deleted_at is null, media_keys is not null,
       like_count + reply_count + retweet_count + quote_count > 0
  from tweets where id = any(%s) and author_id = %s order by id for update
"""
_BACK = """
update tweets t set conversation_id = d.conversation_id
  from unnest(%s::bigint[], %s::bigint[]) as d(id, conversation_id)
 where t.id = any(%s) and t.id = d.id
"""


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    in_reply_to_id: int | None
    retweet_of_id: int | None
    quote_of_id: int | None
    is_live: bool
    has_pictures: bool
    # Somebody liked, answered, quoted it or passed it on.
    was_met: bool


def authors_of(*, tweet_ids: Collection[int]) -> dict[int, int]:
    """Who wrote these tweets, of those that are stored, deleted ones too."""
    found: dict[int, int] = {}
    with connection.cursor() as cursor:
        for wanted in _by_month(tweet_ids):
            cursor.execute(_AUTHORS, [wanted])
            found |= dict(cursor.fetchall())
    return found


def _by_month(tweet_ids: Collection[int]) -> Iterator[list[int]]:
    """The same, each list of one month: an array of all would be looked up in every partition."""
    months: dict[partitions.Month, list[int]] = {}
    for tweet_id in sorted(tweet_ids):
        months.setdefault(partitions.month_of_id(tweet_id), []).append(tweet_id)
    yield from months.values()


def may_answer(*, user_id: int, tweet_id: int) -> bool:
    """Whether a stored tweet may be answered by somebody."""
    try:
        parent = guards.ensure_may_see(viewer_id=user_id, tweet_id=tweet_id)
        guards.ensure_may_answer(user_id=user_id, parent=parent)
    except DomainError:
        return False
    return True


def may_share(*, user_id: int, tweet_id: int) -> bool:
    """Whether a stored tweet may be quoted or passed on by somebody."""
    try:
        guards.ensure_may_share(user_id=user_id, tweet_id=tweet_id)
    except DomainError:
        return False
    return True


def tell_of_history(*, author_id: int, tweet_ids: Sequence[int]) -> None:
    """Have search look at these tweets, in the caller's transaction."""
    publish_many(
        [
            HistoryChanged(author_id=author_id, tweet_ids=part)
            for part in batches(tweet_ids, _AT_ONCE)
        ]
    )


def settle_history(*, author_id: int) -> None:
    """Have lists that were made of the author's tweets made anew, in the caller's transaction."""
    publish(HistorySettled(author_id=author_id))


@transaction.atomic
def withdraw_tweets(
    *, author_id: int, tweet_ids: Sequence[int], conversations: Mapping[int, int], now: datetime
) -> int:
    """Remove what an import has stored, row and all; how many tweets were there.

    Counters go back, pictures go with the next sweep. What others wrote in answer stays, as with a
    tweet that is deleted; their likes go.

    Args:
        tweet_ids: at most some hundred; those of other authors are left alone.
        conversations: replies that came into another conversation by the import, with the one they
            were in before.
    """
    invalidation.announce([("t", one) for one in (*tweet_ids, *conversations)])
    rows = _held(author_id, tweet_ids)
    live = [row for row in rows if row.is_live]
    _take_back_counts(live)
    for row in rows:
        if row.has_pictures:
            attaching.detach(tweet_id=row.id, now=now)
    _remove_rows(author_id, rows)
    if conversations:
        with connection.cursor() as cursor:
            ids = list(conversations)
            cursor.execute(_BACK, [ids, list(conversations.values()), ids])
    user_imports.add_counts(tweets=Counter({author_id: -len(live)}))
    services_pinned.forget_pinned_tweets(user_id=author_id, tweet_ids=[row.id for row in rows])
    publish_many(
        [TweetDeleted(tweet_id=row.id, author_id=author_id) for row in live if row.was_met]
    )
    tell_of_history(author_id=author_id, tweet_ids=[row.id for row in rows])
    return len(rows)


def _held(author_id: int, tweet_ids: Sequence[int]) -> list[_Row]:
    rows: list[_Row] = []
    with connection.cursor() as cursor:
        for wanted in _by_month(tweet_ids):
            cursor.execute(_ROWS, [wanted, author_id])
            rows += [_Row(*row) for row in cursor.fetchall()]
    return rows


def _take_back_counts(live: Sequence[_Row]) -> None:
    going = {row.id for row in live}
    changes: dict[int, Counter[str]] = {}
    for row in live:
        for tweet_id, counter in (
            (row.in_reply_to_id, "reply_count"),
            (row.retweet_of_id, "retweet_count"),
            (row.quote_of_id, "quote_count"),
        ):
            if tweet_id is not None and tweet_id not in going:
                changes.setdefault(tweet_id, Counter())[counter] -= 1
    add_counts(changes)


def _remove_rows(author_id: int, rows: Sequence[_Row]) -> None:
    retweeted = [row.retweet_of_id for row in rows if row.retweet_of_id is not None]
    met = [row.id for row in rows if row.was_met]
    statements: list[tuple[str, list[Any]]] = []
    if retweeted:
        statements.append(
            (
                "delete from retweets where user_id = %s and tweet_id = any(%s)"
                " and retweet_id = any(%s)",
                [author_id, retweeted, [row.id for row in rows]],
            )
        )
    if met:
        statements.append(("delete from likes where tweet_id = any(%s)", [met]))
    statements += [
        ("delete from tweets where id = any(%s) and author_id = %s", [wanted, author_id])
        for wanted in _by_month([row.id for row in rows])
    ]
    with connection.cursor() as cursor:
        for statement, values in statements:
            cursor.execute(statement, values)
