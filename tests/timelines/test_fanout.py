"""From a posted tweet to the followers' lists."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import redis as redis_sync
from prometheus_client import REGISTRY

from apps.graph.models import PullAuthor
from apps.infra.eventlog.log import LoggedEvent
from apps.infra.stores import redis
from apps.infra.telemetry import metrics
from apps.timelines import tasks, trips
from apps.timelines.cache import blocks, large_blocks
from apps.timelines.services import bulk, fanout
from apps.timelines.store import keys, pushes
from apps.users.models import User
from tests.factories import UserFactory
from tests.timelines.conftest import follow, post, stored, warm

Drain = Callable[[], int]


def _events(*posts: Any, first_id: int = 1) -> list[LoggedEvent]:
    return [
        LoggedEvent(
            id=first_id + place,
            topic="tweet.posted",
            key=str(one.author_id),
            payload={"tweet_id": one.id, "author_id": one.author_id},
            at=one.created_at,
        )
        for place, one in enumerate(posts)
    ]


def test_a_post_reaches_followers_and_its_author_and_nobody_else(
    alice: User, bob: User, carol: User, drain_outbox: Drain
) -> None:
    follow(bob, alice)
    drain_outbox()
    warm(alice, bob, carol)

    tweet = post(alice)
    drain_outbox()

    assert stored(bob) == stored(alice) == [0, tweet.id]
    assert stored(carol) == [0]


def test_nothing_is_pushed_where_no_timeline_is(
    alice: User, bob: User, drain_outbox: Drain
) -> None:
    follow(bob, alice)

    post(alice)
    drain_outbox()

    assert stored(bob) == []


def test_who_follows_after_the_first_post_gets_the_next(
    alice: User, bob: User, carol: User, drain_outbox: Drain
) -> None:
    follow(bob, alice)
    first = post(alice)
    drain_outbox()

    follow(carol, alice)
    drain_outbox()
    warm(bob, carol)
    second = post(alice)
    drain_outbox()

    assert stored(bob) == stored(carol) == [0, first.id, second.id]


def test_a_batch_that_comes_again_changes_no_list(
    alice: User, bob: User, drain_outbox: Drain, lanes: tuple[fanout.QuickLane, bulk.BulkLane]
) -> None:
    follow(bob, alice)
    drain_outbox()
    warm(bob)
    posts = [post(alice) for _ in range(50)]
    drain_outbox()
    before = stored(bob)

    tasks.fan_out(events=_events(*posts), late=False)
    tasks.fan_out(events=_events(*posts), late=True)

    assert stored(bob) == before == [0, *(one.id for one in posts)]
    assert stored(bob, 2) == []


def test_a_post_that_comes_late_lies_aside_and_is_read_in_its_place(
    alice: User, bob: User, drain_outbox: Drain, home: Callable[..., list[int]]
) -> None:
    follow(bob, alice)
    drain_outbox()
    warm(bob)
    early, middle, newest = post(alice), post(alice), post(alice)

    tasks.fan_out(events=_events(early, newest), late=False)
    tasks.fan_out(events=_events(middle), late=False)

    assert stored(bob) == [0, early.id, newest.id]
    assert stored(bob, 2) == [middle.id]
    assert home(bob) == [newest.id, middle.id, early.id]


def test_ids_of_a_paused_worker_are_moved_aside(
    alice: User,
    bob: User,
    carol: User,
    drain_outbox: Drain,
    home: Callable[..., list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keys, "OVERLAP_IDS", 1)
    follow(bob, alice)
    follow(bob, carol)
    drain_outbox()
    warm(bob)
    fanout.fan_out(events=_events(post(alice)), late=False)
    paused = [post(alice) for _ in range(3)]
    others = [post(carol) for _ in range(3)]
    slow, quick = fanout.QuickLane(), fanout.QuickLane()
    real = slow.blocks.answer

    def answer(*arguments: Any) -> Any:
        quick.deliver(fanout.posts_of(_events(*others)), late=False)
        return real(*arguments)

    monkeypatch.setattr(slow.blocks, "answer", answer)
    slow.deliver(fanout.posts_of(_events(*paused)), late=False)
    slow.wires.close()
    quick.wires.close()

    assert stored(bob)[-3:] == [one.id for one in others]
    assert set(stored(bob, 2)) >= {one.id for one in paused}
    assert home(bob)[:6] == [one.id for one in (*others[::-1], *paused[::-1])]


def test_out_of_memory_is_noticed_and_nothing_is_lost(
    alice: User, bob: User, drain_outbox: Drain
) -> None:
    follow(bob, alice)
    drain_outbox()
    warm(bob)
    tweet = post(alice)
    client = redis.state(keys.home_instance(bob.id))
    client.config_set("maxmemory", "1")

    with pytest.raises(redis_sync.exceptions.OutOfMemoryError):
        tasks.fan_out(events=_events(tweet), late=False)
    client.config_set("maxmemory", "0")
    tasks.fan_out(events=_events(tweet), late=True)

    assert stored(bob) == [0, tweet.id]


@pytest.mark.faults
def test_a_state_redis_that_dies_between_two_posts_loses_none(
    alice: User, bob: User, drain_outbox: Drain, breakable_engines: Any
) -> None:
    people = [bob, *(UserFactory() for _ in range(6))]
    while len({keys.home_instance(user.id) for user in people}) < len(breakable_engines.states):
        people.append(UserFactory())
    for user in people:
        follow(user, alice)
    drain_outbox()
    warm(*people)
    first, second = post(alice), post(alice)
    tasks.fan_out(events=_events(first), late=False)
    victim = breakable_engines.states[1]

    victim.kill()
    with pytest.raises((redis_sync.ConnectionError, redis_sync.TimeoutError)):
        tasks.fan_out(events=_events(second), late=False)
    victim.restart()
    tasks.fan_out(events=_events(second), late=True)

    for user in people:
        # The engine may have lost a list as a whole, but none has a hole.
        assert stored(user) in ([0, first.id, second.id], [])


def _counted() -> float:
    (samples,) = metrics.FANOUT_DELIVERIES.collect()
    return next(one.value for one in samples.samples if one.name.endswith("_total"))


def test_a_large_author_is_left_to_the_bulk_lane(
    alice: User, bob: User, carol: User, drain_outbox: Drain, settings: Any
) -> None:
    settings.FANOUT_BULK_FOLLOWERS = 1
    follow(bob, alice)
    follow(carol, alice)
    follow(carol, bob)
    drain_outbox()
    warm(alice, bob, carol)
    before = _counted()

    small, large = post(bob), post(alice)
    drain_outbox()

    assert stored(bob) == stored(carol) == [0, small.id, large.id]
    assert stored(alice) == [0, large.id]
    assert _counted() - before == 2 + 3


@pytest.mark.parametrize("is_under_way", [False, True])
def test_a_rebuild_that_knows_what_is_still_on_its_way_hides_nothing(
    is_under_way: bool,
    alice: User,
    bob: User,
    drain_outbox: Drain,
    lanes: Any,
    home: Callable[..., list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a rebuild finds in PostgreSQL before it is pushed comes once more, behind newer ids."""
    follow(bob, alice)
    post(alice)
    drain_outbox()
    posts = [post(alice) for _ in range(3 * keys.disorder())]
    if is_under_way:
        real = lanes[0]._push

        def push(*given: Any, **how: Any) -> int:
            warm(bob)
            pushed: int = real(*given, **how)
            return pushed

        monkeypatch.setattr(lanes[0], "_push", push)
    else:
        warm(bob)

    fanout.fan_out(events=_events(*posts[:-5]), late=False)

    assert home(bob) == [one.id for one in reversed(posts[-20:])]


def _hand_out_as_newest(tweet_id: int) -> None:
    """As if the quick lane had just handed this one on, and the bulk lane had had others."""
    for instance in range(redis.state_count()):
        redis.state(instance).set(keys.WATERMARK, tweet_id)
        redis.state(instance).set(keys.BULK_WATERMARKS[0], 1)


@pytest.mark.parametrize("is_newest", [True, False])
def test_a_killed_bulk_worker_goes_on_where_it_was(
    is_newest: bool,
    alice: User,
    drain_outbox: Drain,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(large_blocks, "PIECE", 2)
    monkeypatch.setattr(bulk, "NOTE_EVERY", 1)
    monkeypatch.setattr(blocks, "LOOK_BACK_IDS", 0)
    people = [UserFactory() for _ in range(9)]
    for user in people:
        follow(user, alice)
    drain_outbox()
    warm(*people)
    events = _events(post(alice), first_id=77)
    if is_newest:
        _hand_out_as_newest(events[0].payload["tweet_id"])
    lane = bulk.BulkLane()
    real = lane._note

    def note(wires: Any, work: Any) -> None:
        real(wires, work)
        if work.place == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(lane, "_note", note)
    with pytest.raises(KeyboardInterrupt):
        lane.deliver(events, late=False)
    reached = [bool(stored(user)[1:]) for user in people]
    pushed = bulk.BulkLane().deliver(events, late=False)

    assert 0 < sum(reached) < len(people)
    assert pushed <= len(people) + 1 - sum(reached) + 2
    assert [stored(user) for user in people] == [[0, events[0].payload["tweet_id"]]] * len(people)
    assert redis.state(0).exists(keys.bulk_key(77)) == 0


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many lists were looked at before a push, by call."""
    counts: list[int] = []
    real = pushes.push_late

    def push_late(wires: Any, given: Any) -> int:
        given = list(given)
        counts.append(sum(len(part) for _, parts in given for part in parts))
        return real(wires, given)

    monkeypatch.setattr(pushes, "push_late", push_late)
    return counts


def test_a_large_authors_newest_tweet_is_appended_without_a_look(
    alice: User, bob: User, carol: User, drain_outbox: Drain, looked_at: list[int]
) -> None:
    follow(bob, alice)
    follow(carol, alice)
    drain_outbox()
    warm(bob, carol)
    events = _events(post(alice))
    _hand_out_as_newest(events[0].payload["tweet_id"])

    tasks.fan_out_bulk(events=events, late=False)
    assert looked_at == []
    tasks.fan_out_bulk(events=events, late=False)
    tasks.fan_out_bulk(events=events, late=True)

    assert looked_at == [3, 3]
    assert stored(bob) == stored(carol) == [0, events[0].payload["tweet_id"]]


def test_a_large_authors_tweet_moves_aside_when_a_newer_one_came_in_between(
    alice: User,
    bob: User,
    carol: User,
    drain_outbox: Drain,
    home: Callable[..., list[int]],
    looked_at: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(large_blocks, "PIECE", 1)
    for user in (bob, carol):
        follow(user, alice)
    follow(carol, bob)
    drain_outbox()
    warm(bob, carol)
    large, small = post(alice), post(bob)
    _hand_out_as_newest(large.id)
    real = bulk._Appending.push
    quick = fanout.QuickLane()

    def push(self: Any, work: Any, piece: Any) -> None:
        if work.place == 1:
            quick.deliver(fanout.posts_of(_events(small)), late=False)
        real(self, work, piece)

    monkeypatch.setattr(bulk._Appending, "push", push)
    tasks.fan_out_bulk(events=_events(large), late=False)
    quick.wires.close()

    assert stored(bob) == [0, large.id, small.id]
    assert (stored(carol), stored(carol, 2)) == ([0, small.id], [large.id])
    assert home(carol)[:2] == [small.id, large.id]


def test_a_celebrity_is_merged_at_read_and_pushed_again_below_the_threshold(
    alice: User,
    bob: User,
    carol: User,
    drain_outbox: Drain,
    home: Callable[..., list[int]],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from apps.graph.services import unfollow_user
    from apps.infra import clock

    monkeypatch.setattr(fanout, "RECOUNT_SECONDS", 0.0)
    monkeypatch.setattr(fanout, "PULL_SET_SECONDS", 0.0)
    monkeypatch.setattr(blocks, "RECHECK_SECONDS", 0.0)
    settings.FANOUT_MAX_FOLLOWERS = 1
    follow(bob, alice)
    drain_outbox()
    warm(bob)
    pushed = post(alice)
    drain_outbox()

    follow(carol, alice)
    drain_outbox()
    warm(bob)
    merged = post(alice)
    drain_outbox()
    settings.FANOUT_MAX_FOLLOWERS = 2
    unfollow_user(follower_id=carol.id, followee_id=alice.id, now=clock.now())
    again = post(alice)
    drain_outbox()

    assert stored(bob) == [0, pushed.id, again.id]
    assert home(bob) == [again.id, merged.id, pushed.id]
    assert PullAuthor.objects.get(author_id=alice.id).until_id is not None


def test_a_reader_is_asked_for_a_side_list_only_while_there_is_one(
    alice: User, bob: User, drain_outbox: Drain, home: Callable[..., list[int]], loop: Any
) -> None:
    follow(bob, alice)
    drain_outbox()
    warm(bob)
    early, middle, newest = post(alice), post(alice), post(alice)
    tasks.fan_out(events=_events(early, newest), late=False)
    tasks.fan_out(events=_events(middle), late=False)
    plan = partial(trips.plan_trip, viewer_id=bob.id, loop=loop)
    from_postgres = REGISTRY.get_sample_value("tl_home_reads_total", {"source": "postgres"}) or 0

    asked = [plan().count]
    for _ in range(2):
        assert home(bob) == [newest.id, middle.id, early.id]
        asked.append(plan().count)
    warm(bob)
    assert home(bob) == [newest.id, middle.id, early.id]
    asked.append(plan().count)

    assert asked == [2, 3, 3, 2]
    after = REGISTRY.get_sample_value("tl_home_reads_total", {"source": "postgres"}) or 0
    assert after == from_postgres
