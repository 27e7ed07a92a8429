"""Follower blocks of very large authors: in pieces, loaded when they are asked for, bounded."""

import pytest

from apps.graph import services as graph
from apps.graph.services import unfollow_user
from apps.graph.services_import import import_follows
from apps.infra import clock
from apps.infra.stores import redis
from apps.infra.stores.sharding import instance_of, shard_of
from apps.timelines.cache import blocks, large_blocks
from apps.timelines.cache.large_blocks import LargeBlock, LargeBlocks
from apps.timelines.store import keys, pushes
from apps.timelines.store.wire import Wires
from apps.users.models import User
from tests.factories import UserFactory
from tests.timelines.conftest import follow

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_blocks, "PIECE", 3)


def _settle(author: User) -> None:
    """The follows are long committed."""
    redis.state(instance_of(shard_of(author.id))).delete(graph.block_dirty_key(author.id))


def _take(kept: LargeBlocks, author: User) -> LargeBlock:
    wires = Wires()
    with wires.use() as connected:
        block = kept.answer(connected, kept.ask(connected, [author.id]))[author.id]
    wires.close()
    return block


def _people(kept: LargeBlocks, block: LargeBlock) -> list[int]:
    """Everybody in the block, piece by piece; each must be on the right instance."""
    found: list[int] = []
    place = 0
    while (piece := kept.piece(block, place)) is not None:
        place += 1
        for instance, part in enumerate(piece.parts):
            for index in range(len(part)):
                user_id = int(part[index].rpartition(b":")[2])
                assert part[index] == pushes.fragment_of(user_id)
                assert keys.home_instance(user_id) == instance
                found.append(user_id)
    return sorted(found)


def _crowd(author: User, count: int) -> list[int]:
    people = [UserFactory() for _ in range(count)]
    for user in people:
        follow(user, author)
    _settle(author)
    return [user.id for user in people]


def test_pieces_hold_every_follower_and_the_author_once(alice: User) -> None:
    people = _crowd(alice, 8)
    kept = LargeBlocks(lambda: 100)

    block = _take(kept, alice)

    assert block.pieces == []
    assert _people(kept, block) == sorted([*people, alice.id])
    assert _take(kept, alice) is block


def test_somebody_without_followers_has_one_piece(alice: User) -> None:
    kept = LargeBlocks(lambda: 100)

    assert _people(kept, _take(kept, alice)) == [alice.id]


@pytest.mark.parametrize("loaded", [0, 1, 9])
def test_who_follows_while_a_block_is_known_is_added_once(alice: User, loaded: int) -> None:
    people = _crowd(alice, 8)
    kept = LargeBlocks(lambda: 100)
    block = _take(kept, alice)
    for place in range(loaded):
        kept.piece(block, place)

    people += _crowd(alice, 2)

    assert _people(kept, _take(kept, alice)) == sorted([*people, alice.id])


def test_who_follows_again_is_there_once(alice: User, bob: User) -> None:
    follow(bob, alice)
    people = _crowd(alice, 4)
    kept = LargeBlocks(lambda: 100)
    _people(kept, _take(kept, alice))

    unfollow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    follow(bob, alice)
    _settle(alice)

    assert _people(kept, _take(kept, alice)) == sorted([*people, bob.id, alice.id])


def test_more_new_followers_than_can_be_compared_are_read_anew(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_blocks, "MOST_NEW", 4)
    people = _crowd(alice, 8)
    kept = LargeBlocks(lambda: 100)
    block = _take(kept, alice)
    _people(kept, block)

    people += _crowd(alice, 1)

    again = _take(kept, alice)
    assert again is not block
    assert _people(kept, again) == sorted([*people, alice.id])


def test_follows_that_an_import_dates_back_are_found(alice: User, carol: User) -> None:
    people = _crowd(alice, 5)
    kept = LargeBlocks(lambda: 100)
    _people(kept, _take(kept, alice))

    import_follows(edges=[(carol.id, alice.id)], edge_ids=[1_000])

    assert _people(kept, _take(kept, alice)) == sorted([*people, carol.id, alice.id])


def test_an_author_over_the_ceiling_is_noticed_on_the_way_and_costs_nothing(alice: User) -> None:
    _crowd(alice, 8)
    kept = LargeBlocks(lambda: 5)
    block = _take(kept, alice)

    found = [(kept.piece(block, place) is not None, block.is_over) for place in (0, 2)]

    assert found == [(True, False), (False, True)]
    assert (block.pieces, block.count) == ([], 0)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, world: None) -> None:
    monkeypatch.setattr(blocks, "MAX_EDGES", 100)
    kept = LargeBlocks(lambda: 1_000)
    authors = [UserFactory() for _ in range(4)]
    for author in authors:
        _crowd(author, 20)

    for author in authors:
        _people(kept, _take(kept, author))

    assert len(kept) == 1


def test_a_follower_of_a_large_author_takes_few_bytes() -> None:
    people = [b"%d" % (2_124_463_660_070_318_084 + (place << 22)) for place in range(5_000)]

    packed = pushes.packed(people)

    used = sum(len(string) for part in packed for string in part.strings)
    assert sum(map(len, packed)) == len(people)
    assert used < 45 * len(people)
