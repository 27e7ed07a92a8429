"""Whom tweets name or answer, noted from what is stored of them.

A worker does this after the post: storing a tweet costs nothing more for it. Whom new ones concern
is announced as well, for those who tell people.
"""

from collections.abc import Collection, Iterable, Sequence

from django.db import connection, transaction

from apps.infra.batches import batches
from apps.infra.eventlog.log import publish_many
from apps.tweets.events import Addressed, TweetsAddressed
from apps.tweets.stored import Said
from apps.tweets.text.entities import extract_entities
from apps.users import guards as user_guards

# Id, author, whom it answers, text.
_Tweet = tuple[int, int, int | None, str]
# Of one tweet, those that come first.
MAX_MENTIONS = 50
# Tweets in one announcement.
AT_ONCE = 200
# Tweets that name nobody stay in PostgreSQL. The bounds say the same again, so that it looks into
# the months of these ids only.
_MAY_NAME = (
    "retweet_of_id is null and (in_reply_to_user_id is not null"
    " or strpos(text, '@') > 0 or strpos(text, '\uff20') > 0)"
)
_BY_IDS = f"""
select id, author_id, in_reply_to_user_id, text from tweets
 where id = any(%s) and id between %s and %s and {_MAY_NAME}
"""  # noqa: S608 (own names)
_BELOW = f"""
select min(id), array_agg(id) filter (where {_MAY_NAME}), count(*)
  from (select * from tweets where id < %s order by id desc limit %s) t
"""  # noqa: S608 (own names)
_FORGET = """
delete from mentions m using unnest(%s::bigint[], %s::bigint[]) as given (user_id, tweet_id)
 where m.user_id = given.user_id and m.tweet_id = given.tweet_id
"""
_NOTE = """
insert into mentions (user_id, tweet_id, author_id)
select * from unnest(%s::bigint[], %s::bigint[], %s::bigint[]) on conflict do nothing
"""


def note(*, tweet_ids: Collection[int]) -> None:
    """Note whom these tweets name or answer, except their authors. Idempotent.

    A name is the account's that has it now; of a retweet, the original counts alone.
    """
    if not tweet_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_BY_IDS, [list(tweet_ids), min(tweet_ids), max(tweet_ids)])
        _note(cursor.fetchall())


def note_live(*, tweets: Iterable[Said]) -> None:
    """The same of tweets that were read just now, and announce those that concern others.

    Idempotent: what is announced again is known.
    """
    concerning = [
        tweet
        for tweet in tweets
        if tweet.in_reply_to_user_id is not None
        or "@" in tweet.text
        or tweet.retweet_of_id is not None
        or tweet.quote_of_id is not None
        or "\uff20" in tweet.text
    ]
    if concerning:
        with transaction.atomic():
            _announce(concerning, _note([_row(one) for one in concerning if not one.retweet_of_id]))


def forget_former(*, tweets: Iterable[Said], former: Iterable[Said]) -> None:
    """Forget whom edited tweets named and name no more. Idempotent.

    Args:
        tweets: as they are now. former: what they said before.
    """
    gone = _mentions(map(_row, former)) - _mentions(map(_row, tweets))
    if gone:
        with connection.cursor() as cursor:
            columns = [list(column) for column in zip(*sorted(gone), strict=True)]
            cursor.execute(_FORGET, columns[:2])


def _row(tweet: Said) -> _Tweet:
    return tweet.id, tweet.author_id, tweet.in_reply_to_user_id, tweet.text


def _announce(tweets: Sequence[Said], noted: Iterable[tuple[int, int, int]]) -> None:
    named: dict[int, list[int]] = {}
    for user_id, tweet_id, _ in noted:
        named.setdefault(tweet_id, []).append(user_id)
    addressed: list[Addressed] = [
        (
            tweet.id,
            tweet.author_id,
            tweet.in_reply_to_user_id or 0,
            tweet.quote_of_user_id or 0,
            tweet.retweet_of_id or 0,
            tweet.retweet_of_user_id or 0,
            named.get(tweet.id, []),
        )
        for tweet in tweets
    ]
    publish_many([TweetsAddressed(tweets=list(some)) for some in batches(addressed, AT_ONCE)])


def _note(rows: Sequence[_Tweet]) -> list[tuple[int, int, int]]:
    noted = sorted(_mentions(rows)) if rows else []
    if noted:
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, [list(column) for column in zip(*noted, strict=True)])
    return noted


def note_below(*, before_id: int, limit: int) -> tuple[int, int]:
    """The same for the newest `limit` tweets below an id.

    Returns:
        The oldest of them, 0 if there are none; and how many they were.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BELOW, [before_id, limit])
        oldest, ids, count = cursor.fetchone()
    note(tweet_ids=ids or [])
    return oldest or 0, count


def _mentions(rows: Iterable[_Tweet]) -> set[tuple[int, int, int]]:
    """(user, tweet, author) of tweets."""
    named: list[tuple[str, int, int]] = []
    found: set[tuple[int, int, int]] = set()
    for tweet_id, author_id, answered_id, text in rows:
        if answered_id is not None and answered_id != author_id:
            found.add((answered_id, tweet_id, author_id))
        for one in extract_entities(text).mentions[:MAX_MENTIONS]:
            named.append((one.username.lower(), tweet_id, author_id))
    if named:
        ids = user_guards.ids_of_usernames(usernames={name for name, _, _ in named})
        found.update(
            (ids[name], tweet_id, author_id)
            for name, tweet_id, author_id in named
            if name in ids and ids[name] != author_id
        )
    return found
