"""Tweets and likes in bulk: imports and the demo world.

Ids and times are kept; no event is published, nobody is notified, nothing is pushed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.infra import ids
from apps.infra.batches import batches
from apps.infra.errors import Conflict
from apps.infra.stores import invalidation, partitions
from apps.infra.stores.staging import stage
from apps.users import services_import as user_imports

MAX_SOURCE = 60
_COLUMNS = {
    "id": "int8",
    "author_id": "int8",
    "text": "text",
    "lang": "text",
    "source": "text",
    "created_at": "timestamptz",
    "conversation_id": "int8",
    "in_reply_to_id": "int8",
    "in_reply_to_user_id": "int8",
    "retweet_of_id": "int8",
    "retweet_of_user_id": "int8",
    "quote_of_id": "int8",
    "quote_of_user_id": "int8",
    "media_keys": "text[]",
    "poll_id": "int8",
    "reply_count": "int4",
    "retweet_count": "int4",
    "quote_count": "int4",
}
_NAMES = ", ".join(_COLUMNS)
_INSERT = f"""
insert into tweets ({_NAMES}) select {_NAMES} from import_tweets order by id
on conflict do nothing
"""  # noqa: S608 (the names are those above)
_RETWEETS = """
insert into retweets (user_id, tweet_id, retweet_id)
select author_id, retweet_of_id, id from import_tweets where retweet_of_id is not null
"""
_KNOWN = """
select id, author_id, conversation_id, retweet_of_id is null and deleted_at is null
  from tweets where id = any(%s)
"""
# Replies that were stored before the tweet that they answer.
_CHILDREN = """
select in_reply_to_id, id, deleted_at is null from tweets
 where id >= %(low)s and in_reply_to_id between %(low)s and %(high)s
"""
_COUNT = """
update tweets t set reply_count = t.reply_count + d.replies,
                    retweet_count = t.retweet_count + d.retweets,
                    quote_count = t.quote_count + d.quotes,
                    like_count = t.like_count + d.likes
  from unnest(%(ids)s::bigint[], %(replies)s::int[], %(retweets)s::int[], %(quotes)s::int[],
              %(likes)s::int[]) as d(id, replies, retweets, quotes, likes)
 where t.id = any(%(ids)s) and t.id = d.id
"""


class ImportCrossed(Conflict):
    """Somebody else stored one of these tweets meanwhile; the same call again will do."""

    code = "import_crossed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TweetRow:
    """A tweet to store.

    Replies keep the id that they answer, known or not. A retweet or quote counts as one only if
    its original is stored and live; otherwise it is a plain tweet and needs a text. Pictures and
    a poll were hung on it by the caller, in this transaction.
    """

    id: int
    author_id: int
    text: str
    created_at: datetime
    lang: str = "und"
    source: str = "import"
    conversation_id: int | None = None
    in_reply_to_id: int | None = None
    in_reply_to_user_id: int | None = None
    retweet_of_id: int | None = None
    quote_of_id: int | None = None
    media_keys: tuple[str, ...] = ()
    poll_id: int | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What has to be known of a tweet that others refer to."""

    author_id: int
    conversation_id: int
    # An original that can be retweeted or quoted: live, and no retweet itself.
    is_original: bool


def ensure_partitions(*, tweet_ids: Iterable[int]) -> None:
    """Make the months that these ids fall in. Call outside a transaction: it waits for readers."""
    partitions.ensure_months(sorted({partitions.month_of_id(one) for one in tweet_ids}))


@transaction.atomic
def import_tweets(*, rows: Sequence[TweetRow], adopted: dict[int, int] | None = None) -> set[int]:
    """Store tweets whose id is new, in threads, with every counter exact.

    The authors exist, and so do the partitions (`ensure_partitions`). The caller drops the home
    timelines of the authors' followers once this is committed (a storey above).

    Args:
        adopted: gets the replies that were here before what they answer, with the conversations
            that they were in.

    Returns:
        The ids that were stored; the others existed.

    Raises:
        ImportCrossed: another import stored one of them at this moment; nothing is stored.
    """
    fresh, stored_before = _fresh(rows)
    if not fresh:
        return set()
    resolved = _resolved(fresh, stored_before)
    new_ids = {row["id"] for row in resolved}
    changes = _counted(resolved)
    children = _children(new_ids)
    for row in resolved:
        own = changes.pop(row["id"], Counter())
        row |= {name: own[name] for name in ("reply_count", "retweet_count", "quote_count")}
        row["reply_count"] += sum(1 for _, live in children.get(row["id"], ()) if live)
    stage(
        table="import_tweets",
        columns=_COLUMNS,
        rows=([row[column] for column in _COLUMNS] for row in resolved),
    )
    with connection.cursor() as cursor:
        cursor.execute(_INSERT)
        if cursor.rowcount != len(resolved):
            raise ImportCrossed("Another import is storing the same tweets; try again.")
        cursor.execute(_RETWEETS)
    add_counts(changes)
    _adopt({row["id"]: row["conversation_id"] for row in resolved}, children, adopted)
    user_imports.add_counts(tweets=Counter(row["author_id"] for row in resolved))
    return new_ids


def _fresh(rows: Sequence[TweetRow]) -> tuple[list[TweetRow], dict[int, _Known]]:
    """The rows whose id is not stored, by rising id, and what is known of tweets they name."""
    named = {row.id for row in rows}
    for row in rows:
        named |= {row.in_reply_to_id or 0, row.retweet_of_id or 0, row.quote_of_id or 0}
    known = _known(named - {0})
    fresh = {row.id: row for row in reversed(rows) if row.id not in known}
    return sorted(fresh.values(), key=lambda row: row.id), known


def _known(tweet_ids: Iterable[int]) -> dict[int, _Known]:
    # Month by month: an array of all ids would be looked up in every partition.
    by_month: dict[partitions.Month, list[int]] = {}
    for tweet_id in tweet_ids:
        by_month.setdefault(partitions.month_of_id(tweet_id), []).append(tweet_id)
    found: dict[int, _Known] = {}
    with connection.cursor() as cursor:
        for wanted in by_month.values():
            cursor.execute(_KNOWN, [wanted])
            found |= {row[0]: _Known(*row[1:]) for row in cursor.fetchall()}
    return found


def _resolved(fresh: Sequence[TweetRow], known: dict[int, _Known]) -> list[dict[str, Any]]:
    """The columns of each row, with its thread, and its original where that is stored."""
    retweeted = _retweeted(fresh)
    resolved = []
    for row in fresh:
        parent = known.get(row.in_reply_to_id or 0)
        quoted = _original(known, row.quote_of_id)
        original = _original(known, row.retweet_of_id)
        if (row.author_id, row.retweet_of_id) in retweeted:
            original = None
        if original is not None:
            retweeted.add((row.author_id, row.retweet_of_id or 0))
        conversation_id = parent.conversation_id if parent else row.conversation_id or row.id
        values = {
            "id": row.id,
            "author_id": row.author_id,
            "text": row.text if original is None else "",
            "lang": row.lang,
            "source": row.source[:MAX_SOURCE],
            "created_at": row.created_at,
            "conversation_id": conversation_id,
            "in_reply_to_id": row.in_reply_to_id,
            "in_reply_to_user_id": parent.author_id if parent else row.in_reply_to_user_id,
            "retweet_of_id": row.retweet_of_id if original else None,
            "retweet_of_user_id": original.author_id if original else None,
            "quote_of_id": row.quote_of_id if quoted else None,
            "quote_of_user_id": quoted.author_id if quoted else None,
            "media_keys": list(row.media_keys) or None,
            "poll_id": row.poll_id,
        }
        known[row.id] = _Known(row.author_id, conversation_id, original is None)
        resolved.append(values)
    return resolved


def _original(known: dict[int, _Known], tweet_id: int | None) -> _Known | None:
    found = known.get(tweet_id or 0)
    return found if found is not None and found.is_original else None


def _retweeted(rows: Sequence[TweetRow]) -> set[tuple[int, int]]:
    """(author, original) pairs that are stored: a person retweets a tweet once."""
    pairs = [(row.author_id, row.retweet_of_id) for row in rows if row.retweet_of_id]
    with connection.cursor() as cursor:
        cursor.execute(
            "select user_id, tweet_id from retweets join unnest(%s::bigint[], %s::bigint[])"
            " as wanted(user_id, tweet_id) using (user_id, tweet_id)",
            [[one for one, _ in pairs], [other for _, other in pairs]],
        )
        return set(cursor.fetchall())


def _counted(resolved: Sequence[dict[str, Any]]) -> dict[int, Counter[str]]:
    """What the rows add to the counters of the tweets that they answer, retweet or quote."""
    changes: dict[int, Counter[str]] = {}
    for row in resolved:
        for column, counter in (
            ("in_reply_to_id", "reply_count"),
            ("retweet_of_id", "retweet_count"),
            ("quote_of_id", "quote_count"),
        ):
            if row[column] is not None:
                changes.setdefault(row[column], Counter())[counter] += 1
    return changes


def _children(new_ids: set[int]) -> dict[int, list[tuple[int, bool]]]:
    """Stored replies to tweets that are being stored: parent → (reply, is it live)."""
    found: dict[int, list[tuple[int, bool]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_CHILDREN, {"low": min(new_ids), "high": max(new_ids)})
        for parent_id, tweet_id, live in cursor.fetchall():
            if parent_id in new_ids:
                found.setdefault(parent_id, []).append((tweet_id, live))
    return found


def add_counts(changes: Mapping[int, Counter[str]]) -> None:
    """Add to counters of stored tweets; ids that are not stored are passed over."""
    by_month: dict[partitions.Month, list[int]] = {}
    for tweet_id in sorted(changes):
        by_month.setdefault(partitions.month_of_id(tweet_id), []).append(tweet_id)
    names = ("reply_count", "retweet_count", "quote_count", "like_count")
    with connection.cursor() as cursor:
        for wanted in by_month.values():
            replies, retweets, quotes, likes = (
                [changes[tweet_id][name] for tweet_id in wanted] for name in names
            )
            # In the order of ids, as everybody who locks several tweets.
            cursor.execute(
                "select id from tweets where id = any(%s) order by id for update", [wanted]
            )
            cursor.execute(
                _COUNT,
                {
                    "ids": wanted, "replies": replies, "retweets": retweets, "quotes": quotes,
                    "likes": likes,
                },
            )  # fmt: skip
    changed = list(changes)
    transaction.on_commit(lambda: _forget(changed))


def _forget(tweet_ids: Sequence[int]) -> None:
    for part in batches(tweet_ids, 1_000):
        invalidation.announce([("c", tweet_id) for tweet_id in part], hold=False)


def _adopt(
    conversations: dict[int, int],
    children: dict[int, list[tuple[int, bool]]],
    adopted: dict[int, int] | None,
) -> None:
    """Bring replies that came before their parent into its conversation, and theirs, and so on."""
    parents = {
        tweet_id: conversations[parent_id]
        for parent_id, replies in children.items()
        for tweet_id, _ in replies
    }
    with connection.cursor() as cursor:
        while parents:
            if adopted is not None:
                cursor.execute(
                    "select id, conversation_id from tweets where id = any(%s)", [list(parents)]
                )
                adopted |= dict(cursor.fetchall())
            cursor.execute(
                "update tweets t set conversation_id = d.conversation_id"
                " from unnest(%s::bigint[], %s::bigint[]) as d(id, conversation_id)"
                " where t.id = any(%s) and t.id = d.id",
                [list(parents), list(parents.values()), list(parents)],
            )
            cursor.execute(
                "select id, in_reply_to_id from tweets where in_reply_to_id = any(%s) and id > %s",
                [list(parents), min(parents)],
            )
            # A reply is younger than what it answers, so this ends.
            parents = {row[0]: parents[row[1]] for row in cursor.fetchall() if row[0] > row[1]}


@dataclass(frozen=True, slots=True, kw_only=True)
class LikeRow:
    """One person's like. `author_id` is the tweet's author; `id` is a snowflake of its time."""

    id: int
    user_id: int
    tweet_id: int
    author_id: int


@transaction.atomic
def import_likes(*, rows: Sequence[LikeRow]) -> int:
    """Store likes of stored tweets, counted; the number that was new."""
    stage(
        table="import_likes",
        columns={
            "id": "int8", "user_id": "int8", "tweet_id": "int8", "author_id": "int8",
            "created_at": "timestamptz",
        },
        rows=(
            (row.id, row.user_id, row.tweet_id, row.author_id, ids.created_at_of(row.id))
            for row in rows
        ),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into likes (id, user_id, tweet_id, author_id, created_at)"
            " select id, user_id, tweet_id, author_id, created_at from import_likes order by id"
            " on conflict do nothing returning tweet_id"
        )
        stored = [row[0] for row in cursor.fetchall()]
    add_counts({one: Counter(like_count=n) for one, n in Counter(stored).items()})
    return len(stored)


def with_people(row: TweetRow, *, author_id: int, in_reply_to_user_id: int | None) -> TweetRow:
    """The same row with the accounts that an importer learns only in its transaction."""
    return replace(row, author_id=author_id, in_reply_to_user_id=in_reply_to_user_id)


def with_pictures(row: TweetRow, *, media_keys: tuple[str, ...]) -> TweetRow:
    """The same row with pictures that were hung on it."""
    return replace(row, media_keys=media_keys)
