"""Buckets and leases on a real Valkey: nobody ever gets more than burst + rate x time + 1."""

import asyncio
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from apps.infra.resilience import gcra, leases, ratelimit, rules
from apps.infra.resilience.gcra import Bucket
from apps.infra.resilience.leases import Allowance
from apps.infra.resilience.local import LocalBuckets
from apps.infra.resilience.rules import Rule
from apps.infra.stores import aioredis, redis

TRACES = 1_000
CLIENTS = 64


def allowance_of(limit=900, window_seconds=900, name="test"):
    """What one process knows of a rule."""
    made = Allowance(Rule(name=name, what="things", limit=limit, window_seconds=window_seconds))
    made.fit(limit)
    return made


def take(*buckets, wanted=1):
    reply = redis.state().execute_command(*gcra.take(buckets, wanted, whole=True))
    return gcra.Verdict(*reply)


def bucket(limit=5, window_seconds=900, key=b"rl:{x}:y"):
    return Bucket(key, limit, window_seconds)


def ensure_bounded(moments: Sequence[tuple[float, float]], limit: int, interval: float) -> None:
    """No window holds more than `limit` and one per interval, and one.

    Args:
        moments: of each permit, between which moments it was given, in their order.
    """
    # How far ahead the n-th permit is of an even flow; a window's surplus is a difference of two.
    lowest = float("inf")
    for number, (began, ended) in enumerate(moments):
        lowest = min(lowest, number - began / interval)
        assert number + 1 - ended / interval - lowest <= limit + 1 + 1e-3


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7, 49, 300, 450, 900, 1000])
@pytest.mark.parametrize("window_seconds", [900, 10_800, 86_400])
def test_a_full_bucket_gives_its_limit_and_no_more(world, limit, window_seconds):
    one = bucket(limit, window_seconds)
    left = [take(one).left for _ in range(limit)]
    refusal = take(one)

    assert left == list(range(limit - 1, -1, -1))
    assert refusal.granted == 0
    wait = (refusal.at_us - refusal.now_us) / 1e6
    assert 0 < wait <= window_seconds / limit + 1e-6


def test_a_refusal_costs_nothing(world):
    one = bucket(2)
    take(one)
    take(one)
    waits = [take(one).at_us for _ in range(50)]
    assert len(set(waits)) == 1


def test_what_is_promised_holds(world):
    one = Bucket(b"rl:{x}:y", 3, 1)
    while (verdict := take(one)).granted:
        pass
    for _ in range(5):
        time.sleep(max(0.0, (verdict.at_us - verdict.now_us) / 1e6))
        assert take(one).granted
        verdict = take(one)
        assert not verdict.granted


def test_of_several_buckets_all_or_none_is_charged(world):
    wide, narrow = bucket(100, key=b"rl:{x}:wide"), bucket(2, key=b"rl:{x}:narrow")
    assert [take(wide, narrow).place for _ in range(2)] == [1, 1]
    before = redis.state().get(wide.key)
    refusal = take(wide, narrow)

    assert (refusal.granted, refusal.place) == (0, 1)
    assert redis.state().get(wide.key) == before
    assert take(wide).left == 97


def test_what_is_given_back_is_there_again(world):
    one = bucket(2)
    take(one)
    take(one)
    redis.state().execute_command(*gcra.give_back([one]))
    assert take(one).granted
    assert not take(one).granted


def test_giving_back_twice_makes_nothing_of_nothing(world):
    one = bucket(2)
    take(one)
    for _ in range(5):
        redis.state().execute_command(*gcra.give_back([one]))
    assert redis.state().get(one.key) is None
    assert [take(one).granted for _ in range(3)] == [1, 1, 0]


def test_a_full_bucket_has_no_key(world):
    one = Bucket(b"rl:{x}:y", 10, 1)
    take(one)
    assert 0 < redis.state().pttl(one.key) <= 102
    take(one, wanted=1)
    assert redis.state().pttl(one.key) <= 202


def test_a_clock_that_was_set_back_locks_nobody_out(world):
    one = bucket(10, 900)
    far = int(time.time() * 1e6) + 3_600_000_000 * 24
    redis.state().set(one.key, far)
    verdict = take(one)
    assert (verdict.granted, verdict.left) == (1, 9)
    assert 0 < redis.state().pttl(one.key) <= 90_002


def test_leases_are_small_where_little_is_left(world):
    one = bucket(900)
    given = []
    while (verdict := take(one, wanted=18)).granted:
        given.append(verdict.granted)
    assert sum(given) == 900
    assert given[0] == 18
    assert set(given[-15:]) == {1}


def test_sixty_four_clients_at_once_get_exactly_the_limit(world, run):
    """Each is a process with a connection of its own."""
    one = bucket(500, 86_400)
    command = gcra.take([one], 1, whole=True)

    async def client(url):
        mine = aioredis.AioRedis(url)
        replies = [(await mine.pipe([command]))[0] for _ in range(20)]
        mine.close()
        return sum(reply[0] for reply in replies)

    async def all_of_them():
        from django.conf import settings

        url = settings.REDIS_STATE_URLS[0]
        return await asyncio.gather(*(client(url) for _ in range(CLIENTS)))

    assert sum(run(all_of_them())) == 500


def test_random_traces_of_many_clients(world):
    """1,000 buckets of any size, asked by many clients in any rhythm: by the server's own clock."""
    chance = random.Random(20)
    sizes = [(chance.randint(1, 40), chance.choice([1, 2, 900])) for _ in range(TRACES)]
    buckets = [
        Bucket(b"rl:{%d}:t" % number, limit, window) for number, (limit, window) in enumerate(sizes)
    ]
    rhythm = [chance.sample(range(TRACES), 250) * chance.randint(1, 3) for _ in range(CLIENTS)]

    def client(wanted):
        found: list[tuple[int, Any]] = []
        for part in range(0, len(wanted), 50):
            commands = [
                gcra.take([buckets[n]], 1 + n % 3, whole=True) for n in wanted[part : part + 50]
            ]
            replies = redis.pipe(0, commands)
            found += zip(wanted[part : part + 50], replies, strict=True)
        return found

    with ThreadPoolExecutor(8) as pool:
        given: dict[int, list[float]] = {}
        for found in pool.map(client, rhythm):
            for number, reply in found:
                verdict = gcra.Verdict(*reply)
                given.setdefault(number, []).extend([verdict.now_us / 1e6] * verdict.granted)
    assert len(given) > TRACES * 0.9
    for number, moments in given.items():
        limit, window = sizes[number]
        ensure_bounded([(at, at) for at in sorted(moments)], limit, window / limit)


def test_random_traces_of_processes_with_leases(world, run):
    """The same where processes spend from leases: each has an Allowance of its own."""
    chance = random.Random(21)

    async def spend(one, caller):
        began = time.monotonic()
        if one.spend(caller) is None:
            asking = leases.begin(one, caller)
            (reply,) = await aioredis.client(0).pipe([asking.command(whole=True)])
            verdict = asking.settle(reply)
            assert verdict is not None
            if not verdict.granted:
                return None
        return began, time.monotonic()

    async def trace(number):
        # Small windows, so that permits come back while the trace lasts, and large ones.
        limit, window = chance.choice([(400, 1), (900, 1), (2_000, 2), (100, 1), (900, 900)])
        count = chance.choice([1, 2, 4, 8])
        processes = [allowance_of(limit, window, f"t{number}") for _ in range(count)]
        moments = []
        for _ in range(chance.choice([20, 50, 150])):
            one = chance.choice(processes)
            for _ in range(chance.choice([1, 1, 3, 30])):
                moment = await spend(one, "iother")
                if moment is not None:
                    moments.append(moment)
        assert moments
        ensure_bounded(moments, limit, window / limit)

    async def traces():
        for number in range(TRACES // 10):
            await trace(number)

    run(traces())


@pytest.fixture
def ask(world):
    """Ask with a lease: the headers (None: refused), and whether a round trip was made."""

    def one(allowance, caller=7):
        head = allowance.spend(caller)
        if head is not None:
            return head, False
        asking = leases.begin(allowance, caller)
        instance = leases.instance_of_caller(caller)
        (reply,) = redis.pipe(instance, [asking.command(whole=True)])
        verdict = asking.settle(reply)
        assert verdict is not None
        return leases.whole_head(allowance, verdict) if verdict.granted else None, True

    return one


def test_what_processes_hold_is_not_on_top_of_a_full_bucket(ask):
    """Eight hold a lease each while the bucket fills up again; then all is asked for at once."""
    limit, processes = 900, [allowance_of(900, 1) for _ in range(8)]
    for one in processes:
        while not (lease := one.leases.get(7)) or lease.left < 10:
            ask(one)
    time.sleep(1.1)
    moments: list[tuple[float, float]] = []
    refused: set[int] = set()
    while len(refused) < len(processes):
        for number, one in enumerate(processes):
            began = time.monotonic()
            if ask(one)[0] is not None:
                moments.append((began, time.monotonic()))
            else:
                refused.add(number)
    ensure_bounded(moments, limit, 1 / limit)


def remaining(head):
    return int(head.rstrip().rpartition(b"=")[2])


def test_what_remains_counts_down_by_one_whatever_the_lease(ask):
    allowance = allowance_of()
    told = [remaining(ask(allowance)[0]) for _ in range(300)]
    # A permit comes back each second.
    steps = {a - b for a, b in pairwise(told)}
    assert told[0] == 899
    assert steps <= {0, 1}


def test_leases_grow_while_they_are_spent(ask):
    allowance = allowance_of()
    trips = [ask(allowance)[1] for _ in range(400)]
    assert 20 <= sum(trips) <= 60
    assert sum(trips[:20]) < 8


def test_small_limits_are_counted_one_by_one(ask):
    allowance = allowance_of(limit=49)
    assert all(ask(allowance)[1] for _ in range(49))


def test_who_comes_seldom_takes_little(ask, monkeypatch):
    allowance, now = allowance_of(), [100.0]
    monkeypatch.setattr(leases, "monotonic", lambda: now[0])
    for _ in range(10):
        head, was_trip = ask(allowance)
        now[0] += 60
        assert was_trip
    # 9, 4, then two each: one is used, one is lost.
    assert remaining(head) >= 870


def test_held_permits_age_as_fast_as_the_bucket_refills(ask, monkeypatch):
    allowance, now = allowance_of(), [100.0]
    monkeypatch.setattr(leases, "monotonic", lambda: now[0])
    while not (lease := allowance.leases.get(7)) or lease.left < 15:
        ask(allowance)
    held = lease.left
    now[0] = lease.until - allowance.interval * 4.5
    left = 0
    while allowance.spend(7) is not None:
        left += 1
    assert left == 5 < held


def test_an_empty_bucket_is_not_asked_again(ask):
    allowance = allowance_of(limit=3)
    for _ in range(3):
        ask(allowance)
    assert allowance.refusal(7) is None
    ask(allowance)
    refusal = allowance.refusal(7)
    assert refusal is not None
    assert 0 < refusal.at_us - refusal.now_us <= 300e6


def test_two_that_ask_at_once_lose_nothing(world, run):
    allowance = allowance_of()

    async def both():
        first, second = leases.begin(allowance, 7), leases.begin(allowance, 7)
        client = aioredis.client(leases.instance_of_caller(7))
        replies = await client.pipe([first.command(whole=True), second.command(whole=True)])
        return first.settle(replies[0]), second.settle(replies[1])

    one, other = run(both())
    assert (one.granted, other.granted) == (9, 1)
    assert allowance.leases[7].left == 8


def test_a_question_without_an_answer_leaves_the_next_one_whole(world):
    allowance = allowance_of()
    leases.begin(allowance, 7).settle(None)
    assert leases.begin(allowance, 7).is_lease


@pytest.mark.parametrize("caller", [7, "i2001:db8::/64", "ié"])
def test_a_question_that_is_made_quickly_is_the_same(world, caller):
    asking = leases.begin(allowance_of(900, 900), caller)
    assert asking.question == aioredis.encode([asking.command()])


def test_memory_is_bounded(world, monkeypatch):
    monkeypatch.setattr(leases, "MAX_LEASES", 10)
    allowance = allowance_of()
    for caller in range(100):
        leases.begin(allowance, caller).settle(None)
    assert len(allowance.leases) == 10


def test_local_buckets_give_each_process_its_part(settings):
    settings.RATE_LIMIT_FACTOR, settings.WEB_CONCURRENCY = 1, 4
    local = LocalBuckets()
    given = sum(local.take([(b"x", rules.PERSON["home"])]).granted for _ in range(900))
    assert given == 225


def test_a_local_bucket_of_secrets_stays_nearly_shut(settings):
    settings.RATE_LIMIT_FACTOR = 1
    local = LocalBuckets()
    verdicts = [local.take([(b"x", rules.LOGIN_ADDRESS)]) for _ in range(9)]
    assert sum(one.granted for one in verdicts) == 5
    assert 0 < verdicts[-1].at_us - verdicts[-1].now_us <= 12.1e6


def test_a_local_clock_that_was_set_back_locks_nobody_out(settings, monkeypatch):
    settings.RATE_LIMIT_FACTOR, settings.WEB_CONCURRENCY = 1, 4
    local, rule, now = LocalBuckets(), rules.PERSON["home"], [10_000.0]
    monkeypatch.setattr("apps.infra.resilience.local.time", SimpleNamespace(time=lambda: now[0]))
    while local.take([(b"a", rule)]).granted:
        pass

    now[0] -= 3_600

    assert local.take([(b"a", rule)]).granted


def test_local_buckets_are_bounded(monkeypatch):
    from apps.infra.resilience import local as module

    monkeypatch.setattr(module, "MAX_BUCKETS", 10)
    local = LocalBuckets()
    for number in range(100):
        local.take([(b"%d" % number, rules.STRANGERS)])
    assert len(local._full_at) == 10


def test_off_is_off(world, run, settings):
    settings.RATE_LIMIT_FACTOR = 0
    ratelimit.forget()
    for _ in range(30):
        run(ratelimit.take((rules.LOGIN_HERE, "x")))
    assert not redis.state().keys("rl:*")
    settings.RATE_LIMIT_FACTOR = 1000
    ratelimit.forget()
