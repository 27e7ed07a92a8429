"""The acceptance test: real disasters at their own clock, through subscriber and roll-up."""

import os
from bisect import bisect_left
from datetime import timedelta
from pathlib import Path

import pytest

from apps.infra import clock
from apps.infra.eventlog.log import LoggedEvent
from apps.trends import services, tasks
from apps.trends.schemas import EVERYWHERE
from apps.tweets.services_import import ensure_partitions, import_tweets
from apps.users.services_import import ensure_users
from tests.trends.crisislex import BEFORE, PEOPLE, POPULAR, Truth, posts, utc

CORPUS = Path(os.environ.get("TWITTERLITE_CORPUS", "../shared/data"))
TWEETS = CORPUS / "tweets" / "crisislex" / "crisislex_labeled.ndjson.zst"
START, END = utc(2013, 4, 15), utc(2013, 4, 20)
# The bombs of Boston, the explosion in West, the hunt in Watertown: what is looked at.
WATCHED = [
    (utc(2013, 4, 15, 18), utc(2013, 4, 16, 4)),
    (utc(2013, 4, 18), utc(2013, 4, 18, 9)),
    (utc(2013, 4, 19, 4), utc(2013, 4, 19, 9)),
]
EVENTS = ("#prayforboston", "#westtx", "#prayfortexas", "#westexplosion", "#watertown")
STEP, HOUR = timedelta(minutes=5), timedelta(hours=1)
TOP = 10
# What an exact count calls a burst, and how many there are at least where recall says something.
SIGMAS, ENOUGH = 3.0, 5


def _events(rows):
    return [
        LoggedEvent(
            id=row.id,
            topic="tweet.posted",
            key=str(row.author_id),
            payload={"tweet_id": row.id, "author_id": row.author_id},
            at=row.created_at,
        )
        for row in rows
    ]


def _replayed(rows):
    """Time and tags of each list that is looked at, in the order of time."""
    at, done = START - BEFORE, 0
    while at < END:
        is_watched = any(start <= at < end for start, end in WATCHED)
        at += STEP if is_watched else HOUR
        upto = bisect_left(rows, at, key=lambda row: row.created_at)
        with clock.frozen(at):
            if upto > done:
                tasks.count(events=_events(rows[done:upto]), late=False)
            if not at.minute:
                services.tidy(now=at)
            if is_watched:
                listed = services.roll_up(now=at)[EVERYWHERE]
                yield clock.to_ms(at), [one.key for one in listed if one.key.startswith("#")]
        done = upto


@pytest.mark.slow
@pytest.mark.usefixtures("world")
@pytest.mark.skipif(not TWEETS.exists(), reason=f"{TWEETS} is not here: set TWITTERLITE_CORPUS")
def test_disasters_trend_within_minutes_and_what_is_always_popular_never_does():
    rows = posts(TWEETS, START, END)
    truth = Truth()
    truth.note(rows)
    ensure_users(user_ids=PEOPLE, now=utc(2013, 1, 1))
    ensure_partitions(tweet_ids=[rows[0].id, rows[-1].id])
    import_tweets(rows=rows)

    first_seen: dict[str, int] = {}
    recalls = []
    for at_ms, tags in _replayed(rows):
        for key in tags:
            first_seen.setdefault(key, at_ms)
        assert not POPULAR.keys() & set(tags[:TOP]), clock.from_ms(at_ms)
        best = [key for z, key in truth.top(at_ms, TOP) if z >= SIGMAS]
        if len(best) >= ENOUGH:
            recalls.append(len(set(best) & set(tags[:TOP])) / len(best))

    minutes = {key: (first_seen[key] - truth.burst(key)) / 60_000 for key in EVENTS}
    assert all(late <= 10 for late in minutes.values()), minutes
    assert len(recalls) >= 50
    assert sum(recalls) / len(recalls) >= 0.9
