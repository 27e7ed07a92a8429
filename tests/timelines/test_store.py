"""What is known of a list from part of it; pushes as bytes; errors on the wire."""

import random

import pytest
import redis as redis_sync
from hypothesis import given
from hypothesis import strategies as st

from apps.infra.stores import redis
from apps.infra.stores.sharding import instance_of, shard_of
from apps.timelines.store import homes, keys, pushes
from apps.timelines.store.wire import Wires, error_of


@given(st.integers(0, 3_000), st.integers(0, 100_000))
def test_only_lengths_above_the_limit_are_found(limit: int, length: int) -> None:
    found = pushes.longer_than(limit).search(b":0\r\n:%d\r\n:0\r\n" % length)

    assert bool(found) == (length > limit)


def _pushed_in_chunks(chance: random.Random, count: int) -> list[int]:
    """Ids as fan-out leaves them in a list: in order but for what lies inside one chunk."""
    ids = sorted(chance.sample(range(1, 1_000_000), count))
    pushed: list[int] = []
    while ids:
        size = chance.randint(1, keys.CHUNK_EVENTS)
        chunk, ids = ids[:size], ids[size:]
        chance.shuffle(chunk)
        pushed += chunk
    return pushed


@given(st.integers(), st.integers(1, 900), st.integers(1, 100))
def test_what_the_tail_says_is_complete(seed: int, count: int, limit: int) -> None:
    pushed = _pushed_in_chunks(random.Random(seed), count)
    tail = limit + keys.disorder()
    listed = [b"%d" % one for one in [0, *pushed][-tail:]]

    known = homes.known_of(listed, b"20000", [], tail=tail)

    assert known is not None
    newest = sorted(pushed, reverse=True)
    assert [one for one in known.ids[::-1] if one >= known.floor][:limit] == newest[:limit]


@given(st.integers(), st.integers(1, 900), st.integers(1, 800))
def test_what_a_cut_list_says_is_complete(seed: int, count: int, kept: int) -> None:
    pushed = _pushed_in_chunks(random.Random(seed), count)

    known = homes.known_of([b"%d" % one for one in pushed[-kept:]], b"20000", [], tail=0)

    assert known is not None
    shown = [one for one in known.ids if one >= known.floor]
    assert shown == sorted(one for one in pushed if one >= known.floor)


def test_a_list_that_was_never_cut_is_complete_to_the_first_tweet() -> None:
    known = homes.known_of([b"0", b"7", b"5"], b"20000", [b"6"], tail=0)

    assert known == homes.Known([5, 6, 7], 0)


@pytest.mark.parametrize(
    ("listed", "ready", "side"),
    [([], b"20000", []), ([b"0"], None, []), ([b"0", b"7"], b"20000+", [])],
    ids=["no list", "not ready", "side list lost"],
)
def test_a_timeline_that_may_lack_something_is_not_known(
    listed: list[bytes], ready: bytes | None, side: list[bytes]
) -> None:
    assert homes.known_of(listed, ready, side, tail=0) is None


def _fragments(user_ids: list[int]) -> list[list[bytes]]:
    parts: list[list[bytes]] = [[] for _ in range(redis.state_count())]
    for user_id in user_ids:
        parts[instance_of(shard_of(user_id))].append(pushes.fragment_of(user_id))
    return parts


def _make_lists(user_ids: list[int]) -> None:
    for instance in range(redis.state_count()):
        pipe = redis.state(instance).pipeline(transaction=False)
        for user_id in user_ids:
            if keys.home_instance(user_id) == instance:
                pipe.rpush(keys.list_key(user_id), 0)
        pipe.execute()


def _lists(user_ids: list[int]) -> list[list[bytes | str]]:
    return [
        redis.state(keys.home_instance(one)).lrange(keys.list_key(one), 0, -1) for one in user_ids
    ]


def test_pushes_reach_lists_on_every_instance_and_make_none(world: None) -> None:
    people = list(range(1_000, 11_000))
    _make_lists(people[::2])
    wires = Wires()

    with wires.use() as connected:
        buffer = pushes.InOrder(connected)
        buffer.add([5, 6], _fragments(people))
        buffer.flush()
    wires.close()

    assert buffer.pushed == len(people)
    assert _lists(people[:6]) == [
        [b"0", b"5", b"6"],
        [],
        [b"0", b"5", b"6"],
        [],
        *_lists(people[4:6]),
    ]
    assert {keys.home_instance(one) for one in people} == set(range(redis.state_count()))
    assert sum(redis.state(n).dbsize() for n in range(redis.state_count())) == len(people) // 2


def test_long_lists_are_cut_and_only_these(world: None, settings: pytest.FixtureDef[None]) -> None:
    people = list(range(100, 140))
    _make_lists(people)
    long = people[7::9]
    assert len({keys.home_instance(one) for one in long}) == redis.state_count()
    for user_id in long:
        client = redis.state(keys.home_instance(user_id))
        client.rpush(keys.list_key(user_id), *range(1, keys.kept_ids() + keys.TRIM_SLACK))
    wires = Wires()

    with wires.use() as connected:
        buffer = pushes.InOrder(connected)
        buffer.add([5_000], _fragments(people[:20]))
        buffer.add([5_001], _fragments(people[20:]))
        buffer.send(after=pushes.READ_HANDED)
        buffer.receive()
        lines = [wire.read_lengths(pushes.LINES_OF_READ) for wire in connected]
        assert [pushes.value_of(one) for one in lines] == [0, 0]
        buffer.add([5_002], _fragments(people[:3]))
        buffer.finish()
    wires.close()

    assert [len(one) for one in _lists(long)] == [keys.kept_ids()] * len(long)
    assert all(one[0] == b"0" for one in _lists([p for p in people if p not in long]))


def _push(wires: Wires, people: list[int]) -> None:
    with wires.use() as connected:
        buffer = pushes.InOrder(connected)
        buffer.add([5], _fragments(people))
        buffer.flush()


def test_an_error_reply_among_thousands_is_seen_and_the_wires_are_closed(world: None) -> None:
    people = list(range(1_000, 5_000))
    _make_lists(people)
    victim = people[1_234]
    client = redis.state(keys.home_instance(victim))
    client.delete(keys.list_key(victim))
    client.set(keys.list_key(victim), "not a list")
    wires = Wires()

    with pytest.raises(redis_sync.ResponseError, match="WRONGTYPE"):
        _push(wires, people)

    assert wires.run_ids == ()
    with wires.use() as connected:
        assert [len(wire.run_id) for wire in connected] == [8, 8]
    wires.close()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("-OOM command not allowed", redis_sync.exceptions.OutOfMemoryError),
        ("-LOADING Redis is loading", redis_sync.ConnectionError),
        ("-READONLY You can't write", redis_sync.exceptions.ReadOnlyError),
        ("-NOSCRIPT No matching script", redis_sync.ConnectionError),
        ("-WRONGTYPE Operation", redis_sync.ResponseError),
    ],
)
def test_an_error_reply_says_who_is_at_fault(reply: str, kind: type[Exception]) -> None:
    assert isinstance(error_of(reply), kind)


def _late(ids: list[int], people: list[int]) -> int:
    wires = Wires()
    with wires.use() as connected:
        found = pushes.push_late(connected, [(ids, _fragments(people))])
    wires.close()
    return found


def test_a_late_id_goes_aside_and_a_newer_one_keeps_the_order(world: None) -> None:
    _make_lists([1, 2])
    client = redis.state(keys.home_instance(1))
    client.rpush(keys.list_key(1), 50)

    found = _late([40, 50, 60], [1, 2, 3])

    assert found == 2
    assert _lists([1, 2, 3]) == [[b"0", b"50", b"60"], [b"0", b"40", b"50", b"60"], []]
    assert client.lrange(keys.home_keys(1)[2], 0, -1) == [b"40"]


def test_ids_are_compared_as_numbers_of_64_bits(world: None) -> None:
    old, new = 2_124_463_660_070_318_084, 2_124_463_660_070_318_085
    _make_lists([1])

    _late([new], [1])
    _late([old], [1])
    _late([9], [1])

    assert _lists([1]) == [[b"0", b"%d" % new]]
    side = redis.state(keys.home_instance(1)).lrange(keys.home_keys(1)[2], 0, -1)
    assert side == [b"%d" % old, b"9"]


def test_an_id_that_is_there_already_is_not_put_aside(world: None) -> None:
    _make_lists([1])
    _late([40, 50, 60], [1])

    _late([40, 50, 60], [1])
    _late([30], [1])
    _late([30], [1])

    side = redis.state(keys.home_instance(1)).lrange(keys.home_keys(1)[2], 0, -1)
    assert side == [b"30"]


def test_a_side_list_that_grows_too_long_drops_the_timeline(world: None) -> None:
    _make_lists([1])
    _late([1_000], [1])

    _late(list(range(1, keys.MAX_SIDE + 2)), [1])

    assert redis.state(keys.home_instance(1)).exists(*keys.home_keys(1)) == 0


def test_a_side_list_is_noted_in_the_ready_marker(world: None) -> None:
    _make_lists([1])
    client = redis.state(keys.home_instance(1))
    client.set(keys.home_keys(1)[1], "20000", ex=1_000)
    _late([50], [1])

    _late([40], [1])

    assert client.get(keys.home_keys(1)[1]) == b"20000+"
    assert 0 < client.ttl(keys.home_keys(1)[1]) <= 1_000
    assert client.ttl(keys.home_keys(1)[2]) > 0
