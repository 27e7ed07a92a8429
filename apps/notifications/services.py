"""Writing what people are told, and how far they have looked.

Whatever is heard of is looked at in the tables, one writer at a time: so a batch that comes twice,
late or beside another one leaves the same rows. A group is written once for a batch, however many
likes of it the batch holds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction

from apps.infra import clock, ids, live
from apps.infra.batches import batches
from apps.infra.stores import invalidation
from apps.infra.telemetry import metrics
from apps.notifications import statements
from apps.notifications.models import MutedConversation
from apps.notifications.news import DAY_MS, Group, News, day_of
from apps.notifications.schemas import Kind
from apps.tweets import stored

_LOCK = 7_465_241
# Groups in one statement.
AT_ONCE = 500
# People in one entry of the invalidation log.
PEOPLE_AT_ONCE = 100
MAX_UNREAD = 100
KEPT_DAYS = 90


@dataclass(slots=True)
class _Outcome:
    """Whose pages show something else now, and whose unread count is another."""

    touched: set[int] = field(default_factory=set)
    recounted: set[int] = field(default_factory=set)


def tell(*, news: News) -> None:
    """Bring the groups up to date about a batch of events, and announce whose unread count changed.

    Idempotent, in any order.

    Raises:
        redis.RedisError: a state Redis did not take the announcement; do it again.
    """
    outcome = _Outcome(touched=set(news.concerned))
    if news.to_oneself:
        metrics.NOTIFICATIONS_SUPPRESSED.labels("self").inc(news.to_oneself)
    with transaction.atomic():
        _take_turn()
        _delete(news, outcome)
        _find_groups(news)
        for kind, groups in sorted(news.groups.items()):
            for some in batches(sorted(groups), AT_ONCE):
                _refresh(kind, some, sorted(news.actors), outcome)
        for part in batches(sorted(news.singles.items()), AT_ONCE):
            _tell_singles(part, outcome)
    _announce(outcome, must=True)


def _take_turn() -> None:
    # What is counted in one statement must not be overwritten by what another counted before it.
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])


def _delete(news: News, outcome: _Outcome) -> None:
    """What goes with tweets and accounts; a retweet that goes leaves its group."""
    if not news.deleted and not news.gone:
        return
    for retweet_id, tweet_id, author_id in stored.passed_on(tweet_ids=news.deleted):
        # Whoever passed it on is looked for in the rows.
        news.add_retweet(author_id, tweet_id, retweet_id, actor=0)
    with connection.cursor() as cursor:
        cursor.execute(statements.DELETE_OF_TWEETS, [list(news.deleted)])
        recipients = {row[0] for row in cursor.fetchall()}
        if news.gone:
            cursor.execute(statements.FORGET, {"ids": list(news.gone)})
    outcome.touched |= recipients | news.gone
    outcome.recounted |= recipients


def _find_groups(news: News) -> None:
    """Which groups the undone edges may be in."""
    queries: list[tuple[str, list[list[int]]]] = []
    if news.undone:
        columns = [list(column) for column in zip(*sorted(news.undone), strict=True)]
        queries.append((statements.UNDONE, [*columns, list(news.actors)]))
    if news.parted:
        columns = [list(column) for column in zip(*sorted(news.parted), strict=True)]
        queries.append((statements.PARTED, [*columns]))
    for query, parameters in queries:
        with connection.cursor() as cursor:
            cursor.execute(query, parameters)
            for recipient, kind, tweet_id, day in cursor.fetchall():
                group = (recipient, tweet_id, day)
                news.groups.setdefault(Kind(kind), set()).add(group)


def _refresh(kind: Kind, groups: Sequence[Group], actors: Sequence[int], outcome: _Outcome) -> None:
    recipients, tweets, days = zip(*groups, strict=True)
    places = {
        "recipients": list(recipients),
        "tweets": list(tweets),
        "days": list(days),
        "lows": [ids.at_ms(day * DAY_MS) for day in days],
        "highs": [ids.at_ms((day + 1) * DAY_MS) for day in days],
        "actors": list(actors),
    }
    written = 0
    with connection.cursor() as cursor:
        cursor.execute(statements.REFRESH[kind], places)
        for recipient, before, after, is_written, seen, kept_back in cursor.fetchall():
            written += is_written
            outcome.touched.add(recipient)
            if ((before or 0) > seen) != ((after or 0) > seen):
                outcome.recounted.add(recipient)
            for reason in (kept_back or "").split(",") if kept_back else ():
                metrics.NOTIFICATIONS_SUPPRESSED.labels(reason).inc()
    metrics.NOTIFICATIONS_WRITTEN.labels(kind.label).inc(written)


def _tell_singles(
    part: Iterable[tuple[tuple[int, int], tuple[Kind, int]]], outcome: _Outcome
) -> None:
    given = [
        (recipient, kind.value, tweet_id, author_id, day_of(ids.ms_of(tweet_id)))
        for (recipient, tweet_id), (kind, author_id) in part
    ]
    with connection.cursor() as cursor:
        cursor.execute(statements.TELL, [list(column) for column in zip(*given, strict=True)])
        for recipient, kind, is_unread, why in cursor.fetchall():
            if why is not None:
                metrics.NOTIFICATIONS_SUPPRESSED.labels(why).inc()
                continue
            metrics.NOTIFICATIONS_WRITTEN.labels(Kind(kind).label).inc()
            if is_unread:
                outcome.recounted.add(recipient)
    # Also where the rows were there: whoever wrote them may have died before announcing it.
    outcome.touched.update(one[0] for one in given)


def _announce(outcome: _Outcome, *, must: bool = False) -> None:
    """Have every process forget the counts that it remembers, and open pages show the new ones."""
    parts = batches(sorted(outcome.touched), PEOPLE_AT_ONCE)
    entries: list[tuple[str, int | str]] = [("b", ",".join(map(str, part))) for part in parts]
    invalidation.announce(entries, hold=False, must=must)
    if outcome.recounted:
        with connection.cursor() as cursor:
            cursor.execute(statements.UNREAD, [MAX_UNREAD, list(outcome.recounted)])
            rows = cursor.fetchall()
        live.announce_all([(user_id, "notifications", {"unread": n}) for user_id, n in rows])


def mark_seen(*, user_id: int, up_to_id: int) -> None:
    """Everything up to this row is read, in every open page; never less than before."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statements.SEE, [user_id, up_to_id])
        is_new = bool(cursor.rowcount)
    if is_new:
        _announce(_Outcome(touched={user_id}, recounted={user_id}))


def mute_conversation(*, user_id: int, conversation_id: int, muted: bool) -> None:
    """Tell somebody of nothing in a conversation, from the next read on; or do again.

    Args:
        conversation_id: of a conversation that the caller has seen to be there.
    """
    own = MutedConversation.objects.filter(user_id=user_id, conversation_id=conversation_id)
    if muted:
        MutedConversation.objects.get_or_create(user_id=user_id, conversation_id=conversation_id)
    else:
        own.delete()
    _announce(_Outcome(touched={user_id}))


def drop_old(*, now: datetime, at_a_time: int = 5_000, at_most: int = 200_000) -> int:
    """Drop groups of more than 90 days ago, each batch in a transaction of its own.

    Returns:
        How many went; `at_most` says that there may be more.
    """
    first = day_of(clock.to_ms(now)) - KEPT_DAYS
    dropped = 0
    while dropped < at_most:
        with connection.cursor() as cursor:
            cursor.execute(statements.DELETE_OLD, [first, at_a_time])
            dropped += cursor.rowcount
            if cursor.rowcount < at_a_time:
                break
    return dropped
