"""Who counts as a voice, what goes when posts go, and that the same twice is the same."""

from datetime import timedelta

import pytest

from apps.infra import clock, ids
from apps.infra.eventlog.replay import replay
from apps.infra.stores import redis
from apps.trends import sampling, services, store
from apps.trends.models import TrendRule
from apps.trends.schemas import EVERYWHERE, Posted
from apps.tweets import stored
from apps.tweets.models import Tweet
from apps.tweets.services import delete_tweet, hide_tweet, post_tweet, retweet, unhide_tweet
from apps.users.services import set_protected, suspend_user, unsuspend_user
from tests.factories import UserFactory

LONG_AGO = timedelta(days=400)
# The begin of an hour. Whose turn it is, is drawn anew each hour: this one is known.
NOON_MS = 1_767_268_800_000


@pytest.fixture
def crowd(world):
    """Six people whose accounts are old."""
    began = clock.now() - LONG_AGO
    first = ids.at_ms(clock.to_ms(began))
    return [UserFactory(id=first + number, created_at=began) for number in range(6)]


@pytest.fixture
def listed(drain_outbox):
    """Deliver, roll up, and give the names and counts of a list."""

    def make(language=EVERYWHERE):
        drain_outbox()
        lists = services.roll_up(now=clock.now())
        return {one.name: one.count for one in lists.get(language, ())}

    return make


def say(author, text, **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how).id


def test_a_tag_of_different_people_trends_as_it_was_written_and_in_its_language(crowd, listed):
    for number, person in enumerate(crowd[:4]):
        say(person, f"das ist der {number}. Sturm und nicht der letzte #SturmImNorden")

    assert listed() == {"#SturmImNorden": 4}
    assert listed("de") == {"#SturmImNorden": 4}
    assert listed("fr") == {}


def test_one_author_counts_once_however_much_is_posted(crowd, listed):
    for number in range(20):
        say(crowd[0], f"{number} of my #Songs")
        say(crowd[number % 2], f"{number} of our #Songs")

    assert listed() == {}
    say(crowd[2], "the third of #Songs")
    assert listed() == {"#Songs": 3}


def test_retweets_of_a_post_are_one_voice(crowd, listed):
    tweet_id = say(crowd[0], "come to the #March")
    for person in crowd[1:]:
        retweet(user_id=person.id, tweet_id=tweet_id, now=clock.now())

    assert listed() == {}
    say(crowd[1], "I come to the #March")
    assert listed() == {"#March": 3}


def test_fresh_accounts_of_one_text_are_one_voice(world, listed):
    people = [UserFactory() for _ in range(8)]
    for number, person in enumerate(people):
        say(person, f"Buy it now {number} http://shop.example/{number} #Bargain")

    assert listed() == {}
    for person, words in zip(people, ("I like it", "never again", "well well"), strict=False):
        say(person, f"{words} #Bargain")
    assert listed() == {"#Bargain": 4}


def test_what_is_deleted_or_hidden_falls_out_with_the_next_list(crowd, listed):
    tweets = [say(person, f"{person.username} sees #Smoke") for person in crowd[:3]]
    again = say(crowd[0], "and more #Smoke")
    assert listed() == {"#Smoke": 3}

    # The author has said it twice: one of them still counts.
    delete_tweet(user_id=crowd[0].id, tweet_id=again, now=clock.now())
    assert listed() == {"#Smoke": 3}

    hide_tweet(tweet_id=tweets[1], now=clock.now())
    assert listed() == {}
    unhide_tweet(tweet_id=tweets[1], now=clock.now())
    assert listed() == {"#Smoke": 3}

    delete_tweet(user_id=crowd[2].id, tweet_id=tweets[2], now=clock.now())
    assert listed() == {}


def test_retweets_go_with_their_original(crowd, listed):
    tweet_id = say(crowd[0], "free #Bikes")
    retweet(user_id=crowd[1].id, tweet_id=tweet_id, now=clock.now())
    say(crowd[2], "nice #Bikes")
    assert listed() == {"#Bikes": 3}

    delete_tweet(user_id=crowd[0].id, tweet_id=tweet_id, now=clock.now())
    assert listed() == {}
    assert store.voices(clock.now_ms())[0]["#bikes"] == 1


@pytest.mark.parametrize("shut", ["suspended", "protected"])
def test_accounts_that_are_shut_do_not_count_and_come_back(shut, crowd, listed):
    def close(is_shut):
        for one in crowd[:2]:
            if shut == "protected":
                set_protected(user_id=one.id, protected=is_shut, now=clock.now())
            else:
                (suspend_user if is_shut else unsuspend_user)(user_id=one.id, now=clock.now())

    for person in crowd[:4]:
        say(person, f"{person.username} votes #Elections")
    assert listed() == {"#Elections": 4}
    close(True)
    assert listed() == {}
    close(False)
    assert listed() == {"#Elections": 4}


def test_a_shut_account_never_counts(crowd, listed):
    set_protected(user_id=crowd[0].id, protected=True, now=clock.now())
    for person in crowd[:3]:
        say(person, f"{person.username} #Secret")

    assert listed() == {}


def kept():
    """Everything that is counted, but for when."""
    state = redis.state(0)
    hashes = {key: state.hgetall(key) for key in state.scan_iter(b"trends:{t}:[sh]*[0-9]")
              if state.type(key) == b"hash"}  # fmt: skip
    for one in hashes.values():
        # What was looked at twice is work twice.
        for mark in (store.WRITTEN, store.LOOKED_AT, store.OFFERED):
            one.pop(mark, None)
    return {key: {field: n for field, n in one.items() if n != b"0"} for key, one in hashes.items()}


def test_the_same_twice_and_a_replay_into_nothing_are_as_live(crowd, listed, drain_outbox):
    began = clock.now()
    for person in crowd:
        gone = say(person, f"{person.username} reads the #Letters of Emily Dickinson")
        say(person, f"{person.username} tea #Letters")
    delete_tweet(user_id=crowd[5].id, tweet_id=gone, now=clock.now())
    live = listed()
    counted = kept()
    assert live["#Letters"] == 6

    replay(subscriber_name="trends", since=began - timedelta(hours=1))
    assert listed() == live
    assert kept() == counted

    redis.state(0).flushall()
    replay(subscriber_name="trends", since=began - timedelta(hours=1))
    assert listed() == live
    assert kept() == counted


def test_operators_block_and_pin(crowd, listed):
    for person in crowd:
        say(person, f"{person.username} #Ugly #Nice")
        say(person, f"{person.username} #F4F")

    assert listed() == {"#Nice": 6, "#Ugly": 6}
    TrendRule.objects.create(word="ugly")
    TrendRule.objects.create(word="#Welcome", kind=TrendRule.Kind.PINNED)
    assert list(listed()) == ["#Welcome", "#Nice"]


def test_a_trend_keeps_since_when(crowd, listed):
    for person in crowd:
        say(person, f"{person.username} #Goal")
    listed()
    (first,) = services.roll_up(now=clock.now())[EVERYWHERE]
    (later,) = services.roll_up(now=clock.now() + timedelta(minutes=30))[EVERYWHERE]

    assert first.since <= clock.now()
    assert later.since == first.since
    assert len(first.curve) == 24
    assert first.curve[-1] == 6
    assert services.roll_up(now=clock.now() + timedelta(minutes=70))[EVERYWHERE] == []


def voice(number, at_ms):
    return store.Voice(b"%d" % number, sampling.draw(number, at_ms))


def seen():
    """How many pairs are kept."""
    return sum(redis.state(0).scard(key) for key in redis.state(0).scan_iter(b"*:seen:*"))


def test_beyond_the_budget_a_part_counts_for_all(world, monkeypatch):
    monkeypatch.setattr(sampling, "BUDGET", 100)
    # Two slots of one hour.
    at = NOON_MS
    pairs = [
        store.Pair(at + number % 2 * store.SLOT_MS, "#all", "#All", "en", voice(number, at))
        for number in range(3_000)
    ]
    now_ms = at + store.SLOT_MS

    store.add(pairs, now_ms=now_ms)
    store.add(pairs, now_ms=now_ms)
    heard = store.voices(now_ms)[0]

    assert 2_300 < heard["#all"] < 3_700
    assert heard["en\x1f#all"] == heard["#all"]
    assert 4 * 100 <= seen() < 6 * 100
    store.take_out(pairs, now_ms=now_ms)
    assert store.voices(now_ms)[0]["#all"] == 0
    assert seen() == 0


def test_whoever_repeats_themselves_is_looked_at_less_and_less(world, monkeypatch):
    monkeypatch.setattr(sampling, "BUDGET", 100)
    pairs = [store.Pair(NOON_MS, "#i", "#I", "en", voice(one, NOON_MS)) for one in range(50)]

    for _ in range(40):
        store.add(pairs, now_ms=NOON_MS)

    assert store.voices(NOON_MS)[0]["#i"] == 50
    assert store.levels([NOON_MS]) == {NOON_MS // sampling.HOUR_MS: 4}


def test_who_says_it_again_at_a_higher_level_is_known(world, monkeypatch):
    monkeypatch.setattr(sampling, "BUDGET", 100)
    at = NOON_MS
    pairs = [store.Pair(at, "#all", "#All", "en", voice(one, at)) for one in range(4_000)]
    for some in (pairs[:1_000], pairs[1_000:], pairs[:1_000], pairs):
        store.add(some, now_ms=at)

    assert 3_100 < store.voices(at)[0]["#all"] < 4_900


def test_an_hour_begins_as_the_one_before_would_have_needed(world, monkeypatch):
    monkeypatch.setattr(sampling, "BUDGET", 100)
    at = [NOON_MS + number * sampling.HOUR_MS for number in range(4)]
    for ms, count in zip(at, (5_000, 5_000, 150), strict=False):
        store.add(
            [store.Pair(ms, "#all", "#All", "", voice(one, ms)) for one in range(count)], now_ms=ms
        )
        kept = seen()
        if ms == at[0]:
            first_kept = kept

    # As for the first, from one level below; with few it is sampled for an hour, then no more.
    assert list(store.levels(at).values()) == [5, 6, 4, 0]
    assert kept - first_kept < first_kept / 2
    (hours,), _known = store.past(["#all"], at[1])
    assert all(4_000 < one < 6_000 for one in hours[:2])


def test_a_crowd_of_one_text_counts_for_nobody_else(crowd, monkeypatch):
    monkeypatch.setattr(sampling, "BUDGET", 3)
    fresh = [UserFactory() for _ in range(40)]
    posts = [
        Posted(say(one, f"Buy it now {number} #Bargain"), one.id)
        for number, one in enumerate(fresh)
    ]
    for _ in range(3):
        services.count_posts(posts=posts, now=clock.now())

    assert store.voices(clock.now_ms())[0]["#bargain"] == 1


def test_posts_of_those_left_out_are_not_read(crowd, monkeypatch):
    read = []
    real = stored.live_said

    def live_said(*, tweet_ids):
        read.extend(tweet_ids)
        return real(tweet_ids=tweet_ids)

    monkeypatch.setattr(sampling, "BUDGET", 10)
    monkeypatch.setattr(stored, "live_said", live_said)
    now = clock.now()
    at = clock.to_ms(now)
    posts = [Posted(ids.at_ms(at) + number, 1_000 + number) for number in range(1_024)]
    store.add([store.Pair(at, "#x", "#X", "en", voice(one, at)) for one in range(1_000)], now_ms=at)
    ((_slot, level),) = store.levels([at]).items()

    services.count_posts(posts=posts, now=now)

    assert 4 <= level <= 7
    assert 0 < len(read) < 1_024 / 2**level * 2
    assert set(read) == {one.id for one in posts if not sampling.draw(one.author_id, at) % 2**level}


def test_an_hour_that_is_over_is_closed_and_cut(world, monkeypatch):
    monkeypatch.setattr(store, "MAX_CLOSED_TERMS", 40)
    now = clock.now()
    old_ms = clock.to_ms(now - timedelta(hours=5))
    pairs = [
        store.Pair(old_ms, f"#tag{tag:02}", "", "und", voice(one, old_ms))
        for tag in range(60)
        for one in range(tag // 10 + 1)
    ]
    store.add(pairs, now_ms=clock.to_ms(now))

    # A replay may still be writing to it.
    marks = len([store.WRITTEN, store.LOOKED_AT, store.OFFERED])
    assert store.close_hours(clock.to_ms(now)) == 60 + marks
    assert store.close_hours(clock.to_ms(now + timedelta(minutes=11))) <= 40 + marks + 1
    assert not list(redis.state(0).scan_iter(b"*:seen:*"))
    assert store.add(pairs, now_ms=clock.to_ms(now)) == 0
    (hours, none), known = store.past(["#tag59", "#tag00"], clock.to_ms(now))
    assert (hours[5], sum(hours), sum(none), known) == (6, 6, 0, 5)


def test_posts_older_than_the_past_are_left_alone(crowd, monkeypatch):
    tweet_id = say(crowd[0], "an old #Story")

    assert (
        services.count_posts(
            posts=[Posted(tweet_id, crowd[0].id)], now=clock.now() + timedelta(days=4)
        )
        == 0
    )
    assert Tweet.objects.filter(id=tweet_id).exists()
