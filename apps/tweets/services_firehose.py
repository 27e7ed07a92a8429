"""Tweets of very many authors at full speed: live traffic that comes in batches.

A batch is one transaction of the caller's: rows by COPY, their events by COPY, then the authors'
counts. Rows, events and announcements are those of `services.post_tweet`; what refers to another
tweet goes through that service itself, one by one.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from apps.infra import ids
from apps.infra.eventlog.bulk import publish_copied
from apps.infra.eventlog.log import publish_many
from apps.infra.stores import partitions
from apps.tweets import services
from apps.tweets.events import TweetPosted
from apps.tweets.schemas import TweetOut
from apps.tweets.services_import import TweetRow, import_tweets
from apps.users import services_import as user_imports

_COPY = "copy tweets (id, author_id, text, lang, source, created_at, conversation_id) from stdin"
_LIVE = "select id from tweets where id = any(%s) and deleted_at is null and hidden_at is null"
# What `import_tweets` has stored in this transaction.
_IMPORTED = """
select id, author_id, in_reply_to_id, in_reply_to_user_id, retweet_of_id, quote_of_id
  from import_tweets order by id
"""
# With two numbers that stand nowhere else, so the payload is always the event's own.
_PAYLOAD = (
    TweetPosted(tweet_id=-111, author_id=-222)
    .payload()
    .replace("%", "%%")
    .replace("-111", "%d")
    .replace("-222", "%d")
)


class LivePost(NamedTuple):
    """A tweet that refers to no other. The text has passed `services.checked_text`."""

    author_id: int
    text: str
    lang: str
    source: str


@transaction.atomic
def post_tweets(*, posts: Sequence[LivePost], now: datetime) -> list[int]:
    """Store and announce tweets of accounts that may post; their new ids, in order."""
    if not posts:
        return []
    new_ids = ids.next_ids(len(posts))
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.write(_lines(posts, new_ids, now))
    publish_copied(
        topic=TweetPosted.topic,
        events=[
            (post.author_id, _PAYLOAD % (new_id, post.author_id))
            for new_id, post in zip(new_ids, posts, strict=True)
        ],
    )
    # Accounts are locked after the tweets, and for as short as can be.
    user_imports.add_counts(tweets=Counter([post.author_id for post in posts]))
    return new_ids


def _lines(posts: Sequence[LivePost], new_ids: Sequence[int], now: datetime) -> str:
    """The rows as COPY reads them."""
    at = now.isoformat()
    known: dict[str, str] = {}
    lines = []
    for new_id, (author_id, text, lang, source) in zip(new_ids, posts, strict=True):
        mark = known.get(source) or known.setdefault(source, _escaped(source))
        lines.append(
            f"{new_id}\t{author_id}\t{_escaped(text)}\t{_escaped(lang)}\t{mark}\t{at}\t{new_id}\n"
        )
    return "".join(lines)


def _escaped(text: str) -> str:
    # Four searches cost less than one replacement of each.
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\n" in text:
        text = text.replace("\n", "\\n")
    if "\r" in text:
        text = text.replace("\r", "\\r")
    if "\t" in text:
        text = text.replace("\t", "\\t")
    return text


def live_tweets(*, tweet_ids: Iterable[int]) -> set[int]:
    """Which of these can be answered, quoted or passed on, but for what `guards` says."""
    by_month: dict[partitions.Month, list[int]] = {}
    for tweet_id in tweet_ids:
        by_month.setdefault(partitions.month_of_id(tweet_id), []).append(tweet_id)
    found: set[int] = set()
    with connection.cursor() as cursor:
        for wanted in by_month.values():
            cursor.execute(_LIVE, [wanted])
            found.update(row[0] for row in cursor.fetchall())
    return found


def post_referring(
    *,
    post: LivePost,
    now: datetime,
    in_reply_to_id: int | None,
    retweet_of_id: int | None,
    quote_of_id: int | None,
) -> TweetOut:
    """Store and announce a reply, quote or retweet, by the rules of a post.

    Raises:
        DomainError: as `services.post_tweet` and `services.retweet`; nothing is stored.
    """
    if retweet_of_id is not None:
        return services.retweet(user_id=post.author_id, tweet_id=retweet_of_id, now=now)
    return services.post_tweet(
        author_id=post.author_id,
        text=post.text,
        now=now,
        in_reply_to_id=in_reply_to_id,
        quote_of_id=quote_of_id,
        source=post.source,
    )


@transaction.atomic
def replay_tweets(*, rows: Sequence[TweetRow]) -> set[int]:
    """Store tweets with their own ids and times, and announce them as posted.

    The authors exist, and so do the partitions. Homes of followers are dropped by the caller:
    an old id belongs where a push would not put it.

    Returns:
        The ids that were stored; the others existed.

    Raises:
        ImportCrossed: as `import_tweets`.
    """
    stored = import_tweets(rows=rows)
    if stored:
        names = ("in_reply_to_id", "in_reply_to_user_id", "retweet_of_id", "quote_of_id")
        with connection.cursor() as cursor:
            cursor.execute(_IMPORTED)
            publish_many(
                [
                    TweetPosted(
                        tweet_id=row[0], author_id=row[1], **dict(zip(names, row[2:], strict=True))
                    )
                    for row in cursor.fetchall()
                ]
            )
    return stored
