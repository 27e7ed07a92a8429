"""Watching, judging, learning, and what becomes of a tweet that is called hot.

One job does it all, every few seconds, in this order: what was judged is in the database before it
leaves Redis. Whoever dies in between judges or learns from the same few tweets twice, which moves a
bar or a weight by as much as one more tweet would.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from apps.hot import pinning, store
from apps.hot.features import Features, actors_of, features_of
from apps.hot.models import HotCall, HotModel
from apps.hot.predictor import Predictor, Verdict
from apps.hot.store import Deed, Ended, Young
from apps.infra import clock, ids, replication
from apps.infra.telemetry import metrics
from apps.tweets import stored
from apps.users import guards as user_guards

AT_ONCE = 500
# A version stands for so much time.
VERSION_SECONDS = 6 * 3600
KEEP_VERSIONS = 60
KEEP_CALLS = timedelta(days=30)
# Calls over which precision is told.
RECENT_CALLS = 200

Judged = tuple[Young, Features, Verdict]


def watch(*, deeds: Sequence[Deed], now: datetime) -> None:
    """Count acts upon tweets of others. What is older than the horizon is no news.

    Raises:
        redis.RedisError: some may be counted; the same again changes nothing.
    """
    oldest = clock.to_ms(now) - store.HORIZON_MS
    news = [one for one in deeds if one.author_id != one.act.actor_id and one.act.ms > oldest]
    left_out = store.note(news)
    if left_out:
        metrics.HOT_LEFT_OUT.inc(left_out)


def look(*, now: datetime) -> list[int]:
    """Judge what is due, learn from what has ended, keep what is hot pinned.

    Returns:
        The tweets that are newly hot.

    Raises:
        redis.RedisError: the rest is done the next time.
    """
    now_ms = clock.to_ms(now)
    due, over = store.due(now_ms, limit=AT_ONCE), store.ended(now_ms, limit=AT_ONCE)
    new: list[int] = []
    if due or over:
        judged = _judge_and_learn(due, over, now)
        store.settle([(young, features, one.is_hot) for young, features, one in judged])
        store.forget([one.tweet_id for one in over])
        hot = [young.tweet_id for young, _, verdict in judged if verdict.is_hot]
        new = store.call(hot, now_seconds=now_ms // 1000)
        pinning.tell(new)
        for tweet_id in new:
            replication.became_hot(tweet_id)
    _measure(due, now_ms)
    return new


def renew(*, now: datetime) -> None:
    """Tell all processes again what is hot. Raises redis.RedisError."""
    pinning.tell(store.hot_now(now_seconds=clock.to_ms(now) // 1000))


@transaction.atomic
def _judge_and_learn(due: Sequence[Young], over: Sequence[Ended], now: datetime) -> list[Judged]:
    model = _newest(now)
    predictor = Predictor(model.state)
    _learn(predictor, over)
    judged = _judged(predictor, due)
    _keep_calls([one for one in judged if one[2].is_hot], model.version, now)
    model.state, model.examples, model.changed_at = predictor.state(), predictor.examples, now
    model.precision = _precision()
    model.save()
    return judged


def _newest(now: datetime) -> HotModel:
    """The version in use, locked; another one when that is old enough. Two workers who make one
    at once get an error, and the second does it the next time."""
    model = HotModel.objects.select_for_update().order_by("-version").first()
    if model is None:
        return HotModel.objects.create(version=1, made_at=now, changed_at=now)
    if (now - model.made_at).total_seconds() < VERSION_SECONDS:
        return model
    HotModel.objects.filter(version__lte=model.version - KEEP_VERSIONS).delete()
    HotCall.objects.filter(called_at__lt=now - KEEP_CALLS).delete()
    return HotModel.objects.create(
        version=model.version + 1, made_at=now, changed_at=now, state=model.state
    )


def _judged(predictor: Predictor, due: Sequence[Young]) -> list[Judged]:
    reach = user_guards.followers_of(user_ids={one.author_id for one in due})
    judged: list[Judged] = []
    for young in due:
        features = features_of(
            young.acts,
            began_ms=young.began_ms,
            reach=reach.get(young.author_id, 0),
            age_ms=young.began_ms - ids.ms_of(young.tweet_id),
        )
        judged.append((young, features, predictor.judge(features)))
    hot = [young.tweet_id for young, _, verdict in judged if verdict.is_hot]
    live = {one.id for one in stored.live_said(tweet_ids=hot)}
    for _, _, verdict in judged:
        metrics.HOT_PREDICTIONS.labels(by=verdict.by, hot=str(int(verdict.is_hot))).inc()
    # What is deleted or hidden meanwhile ends like any other, but nobody pins it.
    return [
        (young, features, verdict if young.tweet_id in live else verdict.cold())
        for young, features, verdict in judged
    ]


def _keep_calls(hot: Sequence[Judged], version: int, now: datetime) -> None:
    HotCall.objects.bulk_create(
        [
            HotCall(
                tweet_id=young.tweet_id,
                author_id=young.author_id,
                called_at=now,
                version=version,
                by=verdict.by,
                score=verdict.score,
                features=features,
                parts=verdict.parts,
            )
            for young, features, verdict in hot
        ],
        # Judged twice, or in another rush of the same tweet.
        ignore_conflicts=True,
    )


def _learn(predictor: Predictor, over: Sequence[Ended]) -> None:
    examples = []
    for tweet_id, counted, facts in over:
        if facts is None:
            continue
        # A HyperLogLog may be a little below what was exact.
        people = max(counted, actors_of(facts.features))
        is_top = predictor.note_outcome(people, weight=facts.weight, was_called=facts.is_called)
        examples.append((facts.features, people, facts.weight))
        if facts.is_called:
            HotCall.objects.filter(tweet_id=tweet_id).update(outcome=people, was_right=is_top)
    learned = predictor.learn(examples)
    if learned:
        metrics.HOT_LEARNED.inc(learned)


def _precision() -> float | None:
    known = HotCall.objects.exclude(was_right=None).order_by("-called_at", "tweet_id")
    right = list(known.values_list("was_right", flat=True)[:RECENT_CALLS])
    return sum(map(bool, right)) / len(right) if right else None


def _measure(due: Sequence[Young], now_ms: int) -> None:
    metrics.HOT_LAG.set(max(now_ms - due[0].due_ms, 0) / 1000 if due else 0.0)
    young, open_now = store.watched()
    metrics.HOT_WATCHED.labels(state="young").set(young)
    metrics.HOT_WATCHED.labels(state="open").set(open_now)
    metrics.HOT_TWEETS.set(len(store.hot_now(now_seconds=now_ms // 1000)))
    changed = HotModel.objects.order_by("-version").values_list("changed_at", flat=True).first()
    if changed is not None:
        metrics.HOT_MODEL_AGE.set(max(now_ms - clock.to_ms(changed), 0) / 1000)
