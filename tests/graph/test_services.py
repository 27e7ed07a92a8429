"""Follow, block, mute, protect: each right on the next read."""

import pytest

from apps.graph import guards, queries, services
from apps.graph.schemas import Relationship
from apps.infra import clock
from apps.infra.errors import NotFound
from apps.infra.stores import aiopostgres, aioredis
from apps.infra.stores.sharding import instance_of, shard_of
from apps.users import services as user_services
from apps.users.models import User


def follow(one: User, other: User) -> str:
    return services.follow_user(follower_id=one.id, followee_id=other.id, now=clock.now())


def unfollow(one: User, other: User) -> None:
    services.unfollow_user(follower_id=one.id, followee_id=other.id, now=clock.now())


def block(one: User, other: User) -> None:
    services.block_user(blocker_id=one.id, blocked_id=other.id, now=clock.now())


def counts(user: User) -> tuple[int, int]:
    user.refresh_from_db()
    return user.following_count, user.followers_count


async def followees(user, *, but=()):
    """Whom the part of a query about an account's followees finds."""
    part = queries.followees(user.id, about=0, but=but)
    found = [row[0] for row in await aiopostgres.fetch(part.sql, part.parameters)]
    assert len(set(found)) == len(found)
    return set(found)


def test_following_is_idempotent_and_counted_once(alice, bob, run):
    assert [follow(bob, alice), follow(bob, alice)] == ["following", "following"]
    assert (counts(bob), counts(alice)) == ((1, 0), (0, 1))
    assert run(followees(bob)) == {alice.id, bob.id}

    unfollow(bob, alice)
    unfollow(bob, alice)

    assert (counts(bob), counts(alice)) == ((0, 0), (0, 0))
    assert run(queries.relations(bob.id)).hidden == {alice.id}


def test_following_again_shows_again(alice, bob, run):
    follow(bob, alice)
    unfollow(bob, alice)

    follow(bob, alice)

    assert run(queries.relations(bob.id)).hidden == frozenset()


def test_a_protected_account_is_asked(alice, bob, run):
    user_services.set_protected(user_id=alice.id, protected=True, now=clock.now())
    assert follow(bob, alice) == "pending"
    assert run(queries.relationships(bob.id, [alice.id]))[alice.id] == Relationship(requested=True)
    assert [user for _, user in run(queries.request_page(user_id=alice.id))] == [bob.id]

    services.accept_request(user_id=alice.id, follower_id=bob.id, now=clock.now())

    assert run(queries.relationships(bob.id, [alice.id]))[alice.id] == Relationship(following=True)
    with pytest.raises(NotFound):
        services.accept_request(user_id=alice.id, follower_id=bob.id, now=clock.now())


def test_a_rejected_or_withdrawn_request_is_gone(alice, bob, carol, run):
    user_services.set_protected(user_id=alice.id, protected=True, now=clock.now())
    follow(bob, alice)
    follow(carol, alice)

    services.reject_request(user_id=alice.id, follower_id=bob.id, now=clock.now())
    unfollow(carol, alice)

    assert run(queries.request_page(user_id=alice.id)) == []
    assert run(followees(bob)) == {bob.id}


def test_followees_leave_out_whom_one_names(alice, bob, carol, run):
    follow(bob, alice)
    follow(bob, carol)

    assert run(followees(bob, but={alice.id})) == {bob.id, carol.id}
    assert run(followees(bob)) == {alice.id, bob.id, carol.id}


def test_a_block_ends_follows_both_ways_and_forbids_new_ones(alice, bob, run):
    follow(bob, alice)
    follow(alice, bob)

    block(alice, bob)

    assert (counts(bob), counts(alice)) == ((0, 0), (0, 0))
    for one, other in ((alice, bob), (bob, alice)):
        assert run(queries.relations(one.id)).blocked == {other.id}
        with pytest.raises(guards.Blocked):
            follow(one, other)

    services.unblock_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())
    assert run(queries.relations(bob.id)).blocked == frozenset()
    assert follow(bob, alice) == "following"


@pytest.mark.parametrize("verb", [follow, block])
def test_nobody_does_it_to_themselves_or_to_nobody(alice, bob, verb):
    user_services.suspend_user(user_id=bob.id, now=clock.now())

    with pytest.raises(services.NotYourself):
        verb(alice, alice)
    with pytest.raises(NotFound):
        verb(alice, bob)


def test_relations_are_exact_through_the_shared_copy(alice, bob, run):
    """The value in Redis is used when it is there, and never after a change."""
    client = run(_client(bob))
    key = queries.relations_key(bob.id, run(client.connected()))

    def read():
        (blob,) = run(client.pipe([(b"GET", key)]))
        return run(queries.settle_relations(bob.id, blob, client)), blob

    assert read()[1] is None
    before, blob = read()
    assert blob is not None
    assert before.hidden == frozenset()

    services.mute_user(muter_id=bob.id, muted_id=alice.id, now=clock.now())

    after, blob = read()
    assert blob == b"!"
    assert after.muted == {alice.id}
    services.unmute_user(muter_id=bob.id, muted_id=alice.id, now=clock.now())
    assert read()[0].muted == frozenset()


async def _client(user: User) -> aioredis.AioRedis:
    return aioredis.client(instance_of(shard_of(user.id)))


def test_a_new_pull_author_is_known_to_readers_at_once(alice, bob, run):
    follow(bob, alice)
    client = run(_client(bob))
    key = queries.relations_key(bob.id, run(client.connected()))
    run(client.pipe([(b"DEL", key)]))
    assert run(queries.settle_relations(bob.id, None, client)).pulled == frozenset()
    (blob,) = run(client.pipe([(b"GET", key)]))

    services.mark_pull_author(author_id=alice.id)

    from apps.infra.stores import invalidation

    run(invalidation.catch_up())
    assert run(queries.settle_relations(bob.id, blob, client)).pulled == {alice.id}
