"""The one page that says who is told what: topic → subscriber → queue, jobs and the clock.

A subscriber is a plain function in an app's `tasks`, named by its path, so that nothing here
imports upwards: `handle(*, events: Sequence[LoggedEvent], late: bool) -> None`. It must be
idempotent: events come at least once, now and then late and out of order.
"""

from apps.infra import conf
from apps.infra.eventlog.registry import Subscriber

CELERY_APP = "twitterlite.celery"

# Whoever does without (TRENDS=0, HOT=0) pays nothing for them.
_CONF = conf.load()
_HAS_TRENDS, _HAS_HOT = _CONF.trends, _CONF.hot
_TRENDS = (
    # Counts who says what, for trends.
    Subscriber(
        name="trends",
        topics=frozenset(
            {
                "tweet.posted",
                "tweet.edited",
                "tweet.deleted",
                "tweet.hidden",
                "tweet.unhidden",
                "user.changed",
            }
        ),
        handler="apps.trends.tasks.count",
        queue="trends",
        gather_seconds=1.0,
    ),
)
_HOT = (
    # Counts who acts on which tweet, and how fast.
    Subscriber(
        name="hot",
        topics=frozenset({"like.created", "tweets.addressed"}),
        handler="apps.hot.tasks.watch",
        queue="hot",
        gather_seconds=1.0,
    ),
)
SUBSCRIBERS = (
    # Pushes new tweets to the home timelines of followers.
    Subscriber(
        name="fan_out",
        topics=frozenset({"tweet.posted"}),
        handler="apps.timelines.tasks.fan_out",
        queue="fanout",
    ),
    # The same for authors with very many followers, who must not hold up the others.
    Subscriber(
        name="fan_out_bulk",
        topics=frozenset({"fan_out.deferred"}),
        handler="apps.timelines.tasks.fan_out_bulk",
        queue="fanout_bulk",
    ),
    # Recounts tweets that many like at once.
    Subscriber(
        name="count",
        topics=frozenset({"like.created", "like.removed"}),
        handler="apps.tweets.tasks.count_likes",
        queue="index",
    ),
    # Keeps the index of search, and notes whom new tweets name or answer.
    Subscriber(
        name="search",
        topics=frozenset(
            {"tweet.posted", "tweet.edited", "tweet.deleted", "tweet.hidden", "tweet.unhidden"}
        ),
        handler="apps.search.tasks.index",
        queue="search",
        gather_seconds=0.2,
    ),
    # What archives bring, found by search; far behind what is posted now.
    Subscriber(
        name="search_history",
        topics=frozenset({"history.changed"}),
        handler="apps.search.tasks.index_history",
        queue="archives",
    ),
    # Home timelines that were made before an archive was taken in or given back.
    Subscriber(
        name="drop_homes",
        topics=frozenset({"history.settled"}),
        handler="apps.timelines.tasks.drop_homes",
        queue="archives",
    ),
    *(_TRENDS if _HAS_TRENDS else ()),
    *(_HOT if _HAS_HOT else ()),
    # Tells people what happened to their tweets and who follows them.
    Subscriber(
        name="tell",
        topics=frozenset(
            {
                "tweets.addressed",
                "tweet.deleted",
                "like.created",
                "like.removed",
                "follow.created",
                "follow.removed",
                "follow.requested",
                "follow.unrequested",
                "block.created",
                "block.removed",
                "mute.created",
                "mute.removed",
                "muted_words.changed",
                "user.changed",
            }
        ),
        handler="apps.notifications.tasks.tell",
        queue="notify",
        gather_seconds=0.3,
    ),
    # Repeats the invalidations of edits.
    Subscriber(
        name="edits",
        topics=frozenset({"tweet.edited"}),
        handler="apps.tweets.tasks.repeat_edits",
        queue="index",
    ),
    # Repeats the invalidations that the services made before they committed.
    Subscriber(
        name="invalidate",
        topics=frozenset(
            {
                "tweet.deleted",
                "tweet.hidden",
                "tweet.unhidden",
                "reply.hidden",
                "reply.unhidden",
                "follow.created",
                "follow.removed",
                "block.created",
                "block.removed",
                "mute.created",
                "mute.removed",
                "muted_words.changed",
                "user.changed",
                "announcement.lost",
            }
        ),
        handler="apps.timelines.tasks.invalidate",
        queue="index",
    ),
)

# One solo worker process per lane; the queues that it serves.
LANES: list[tuple[str, ...]] = [
    ("fanout",),
    ("fanout_bulk", "index", "search", "trends", "hot", "notify", "default"),
    # Minutes of work at a time, which nobody else should wait for.
    ("archives",),
]

# Celery jobs that are not subscribers, by name: their queue. The rest goes to "default".
JOBS: dict[str, str] = {
    "apps.timelines.tasks.rebuild_home": "index",
    "apps.tweets.tasks.recount_due": "index",
    "apps.tweets.tasks.post_scheduled": "index",
    "apps.notifications.tasks.drop_old": "default",
    # Some 40 ms each.
    "apps.search.tasks.learn_words": "default",
    "apps.search.tasks.tidy_words": "default",
    "apps.trends.tasks.roll_up": "trends",
    "apps.trends.tasks.tidy": "trends",
    "apps.hot.tasks.look": "hot",
    "apps.hot.tasks.renew": "hot",
    # Long animations; seconds each.
    "apps.media.tasks.process": "default",
    "apps.media.tasks.sweep": "default",
    # Some seconds each; an import is many of them.
    "apps.archives.tasks.go_on": "archives",
    "apps.archives.tasks.look_after": "archives",
}

# The clock (Celery beat): job name → every so many seconds.
SCHEDULE: dict[str, float] = {
    # The last likes of a rush; while it lasts its own events see to the counts.
    "apps.tweets.tasks.recount_due": 2.0,
    # Posts whose time has come.
    "apps.tweets.tasks.post_scheduled": 1.0,
    # The lists of trends.
    **({"apps.trends.tasks.roll_up": 3.0, "apps.trends.tasks.tidy": 60.0} if _HAS_TRENDS else {}),
    # Which tweets are hot; pins end after two and a half of the longer time.
    **({"apps.hot.tasks.look": 5.0, "apps.hot.tasks.renew": 60.0} if _HAS_HOT else {}),
    # Pictures that no tweet took, and processing that a dead process left.
    "apps.media.tasks.sweep": 60.0,
    # Imports of archives that a dead process left, and files that nobody needs any more.
    "apps.archives.tasks.look_after": 30.0,
    # Words for "Did you mean", from the newest posts; rare ones go.
    "apps.search.tasks.learn_words": 10.0,
    "apps.search.tasks.tidy_words": 600.0,
    # What people were told long ago.
    "apps.notifications.tasks.drop_old": 3600.0,
    # Days of the event log: made ahead, dropped when old.
    "eventlog.maintain_days": 3600.0,
    # Months of tweets: made ahead, and the DEFAULT partition emptied.
    "apps.ops.tasks.manage_partitions": 3600.0,
    # When the last backup was taken, for the metric.
    "apps.ops.tasks.measure_backups": 60.0,
}
