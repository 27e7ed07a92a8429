"""Follower blocks: exact, bounded, and loaded no more than needed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.graph import services as graph
from apps.graph.models import Follow
from apps.graph.services import unfollow_user
from apps.graph.services_import import import_follows
from apps.infra import clock, ids
from apps.infra.stores import redis
from apps.infra.stores.sharding import instance_of, shard_of
from apps.timelines.cache import blocks
from apps.timelines.cache.blocks import Block, FollowerBlocks
from apps.timelines.store import keys, pushes
from apps.timelines.store.wire import Wires
from apps.users.models import User
from tests.factories import UserFactory
from tests.timelines.conftest import follow

Take = Callable[..., Block]


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[dict[int, int]]:
    """What was asked of PostgreSQL: author → only edges above."""
    asked: list[dict[int, int]] = []
    real = graph.follower_edges

    def follower_edges(*, after: dict[int, int], limit: int) -> Any:
        asked.append(dict(after))
        return real(after=after, limit=limit)

    monkeypatch.setattr(graph, "follower_edges", follower_edges)
    return asked


def _settle(*authors: User) -> None:
    """The follows are long committed."""
    for author in authors:
        key = graph.block_dirty_key(author.id)
        redis.state(instance_of(shard_of(author.id))).delete(key)


def _take(kept: FollowerBlocks, *authors: User) -> dict[int, Block]:
    wires = Wires()
    with wires.use() as connected:
        found = kept.answer(connected, kept.ask(connected, [author.id for author in authors]))
    wires.close()
    return found


def _people(block: Block) -> set[bytes]:
    return {fragment for part in block.parts for fragment in part}


def _fragments(*people: User) -> set[bytes]:
    return {pushes.fragment_of(user.id) for user in people}


def test_a_block_is_loaded_once_and_again_only_for_what_is_new(
    alice: User, bob: User, carol: User, loads: list[dict[int, int]]
) -> None:
    kept = FollowerBlocks(lambda: 100)
    follow(bob, alice)
    _settle(alice)

    first = _people(_take(kept, alice)[alice.id])
    again = _people(_take(kept, alice)[alice.id])
    follow(carol, alice)
    grown = _people(_take(kept, alice)[alice.id])

    assert first == again == _fragments(alice, bob)
    assert grown == _fragments(alice, bob, carol)
    assert [load[alice.id] > 0 for load in loads] == [False, True]


def test_while_a_follow_may_be_uncommitted_a_block_is_good_for_one_batch(
    alice: User, bob: User, loads: list[dict[int, int]]
) -> None:
    kept = FollowerBlocks(lambda: 100)
    follow(bob, alice)

    _take(kept, alice)
    _take(kept, alice)
    _settle(alice)
    _take(kept, alice)
    _take(kept, alice)

    assert len(loads) == 3


def test_a_version_that_was_lost_and_counted_up_again_is_not_taken_for_the_old_one(
    alice: User, bob: User, carol: User
) -> None:
    kept = FollowerBlocks(lambda: 100)
    client = redis.state(instance_of(shard_of(alice.id)))
    follow(bob, alice)
    _settle(alice)
    assert client.get(graph.block_version_key(alice.id)) == b"1"
    _take(kept, alice)

    client.delete(graph.block_version_key(alice.id))
    follow(carol, alice)
    _settle(alice)

    assert _people(_take(kept, alice)[alice.id]) == _fragments(alice, bob, carol)


def test_follows_that_an_import_dates_back_are_found(alice: User, bob: User, carol: User) -> None:
    kept = FollowerBlocks(lambda: 100)
    follow(bob, alice)
    _settle(alice)
    _take(kept, alice)

    import_follows(edges=[(carol.id, alice.id)], edge_ids=[1_000])

    assert _people(_take(kept, alice)[alice.id]) == _fragments(alice, bob, carol)


def test_who_follows_after_a_clock_was_ahead_is_found(alice: User, bob: User, carol: User) -> None:
    kept = FollowerBlocks(lambda: 100)
    follow(bob, alice)
    Follow.objects.update(id=ids.at_ms(clock.now_ms() + 3_600_000))
    _settle(alice)
    _take(kept, alice)

    follow(carol, alice)

    assert _people(_take(kept, alice)[alice.id]) == _fragments(alice, bob, carol)


def test_who_follows_by_a_clock_that_is_behind_is_found_when_it_is_right(
    alice: User, bob: User, carol: User
) -> None:
    kept = FollowerBlocks(lambda: 100)
    follow(bob, alice)
    _settle(alice)
    _take(kept, alice)

    with clock.frozen(clock.now() - timedelta(hours=1)):
        follow(carol, alice)

    assert _people(_take(kept, alice)[alice.id]) == _fragments(alice, bob, carol)


def test_a_block_that_was_loaded_while_an_import_was_open_is_loaded_anew(
    alice: User, bob: User, carol: User, loads: list[dict[int, int]]
) -> None:
    kept = FollowerBlocks(lambda: 100)
    follow(bob, alice)
    _settle(alice)
    _take(kept, alice)
    import_follows(edges=[(carol.id, alice.id)], edge_ids=[1_000])

    _take(kept, alice)
    _take(kept, alice)
    _settle(alice)
    _take(kept, alice)
    _take(kept, alice)

    assert [load[alice.id] for load in loads] == [0, 0, 0, 0]


def test_who_unfollows_and_follows_again_is_there_once(alice: User, bob: User) -> None:
    kept = FollowerBlocks(lambda: 100)
    follow(bob, alice)
    _take(kept, alice)

    unfollow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    follow(bob, alice)

    assert sum(map(len, _take(kept, alice)[alice.id].parts)) == 2


def test_an_author_over_the_ceiling_costs_nothing(alice: User) -> None:
    for _ in range(4):
        follow(UserFactory(), alice)
    kept = FollowerBlocks(lambda: 3)

    block = _take(kept, alice)[alice.id]

    assert block.is_over
    assert _people(block) == set()


def test_a_block_that_only_seems_over_the_ceiling_is_counted_anew(
    alice: User, bob: User, carol: User
) -> None:
    kept = FollowerBlocks(lambda: 2)
    dave = UserFactory(username="dave")
    follow(bob, alice)
    follow(carol, alice)
    _take(kept, alice)

    unfollow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    follow(dave, alice)
    block = _take(kept, alice)[alice.id]

    assert not block.is_over
    assert _people(block) == _fragments(alice, carol, dave)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, world: None) -> None:
    monkeypatch.setattr(blocks, "MAX_EDGES", 200)
    kept = FollowerBlocks(lambda: 100)
    authors = [UserFactory() for _ in range(20)]

    for author in authors:
        _take(kept, author)

    assert 0 < len(kept) <= 200 // 32
    assert _people(_take(kept, authors[0])[authors[0].id]) == _fragments(authors[0])


def test_an_entry_of_a_full_timeline_costs_less_than_twelve_bytes(bob: User) -> None:
    client = redis.state(keys.home_instance(bob.id))
    ids = [2_124_463_660_070_318_084 + (place << 22) * 977 for place in range(800)]
    client.rpush(keys.list_key(bob.id), *ids)

    used = client.memory_usage(keys.list_key(bob.id), samples=0)
    assert used is not None
    assert used < 12 * len(ids)
