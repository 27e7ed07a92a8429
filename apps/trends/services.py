"""Counting who says what, and making the lists of it.

Who counts as one *voice*: an author; all who retweet one post together (also by writing `RT @…`);
and all accounts of a few days together that post the same words. So neither retweets nor a crowd
of fresh accounts with one text lift anything, however many they are.

What is counted is decided by the tweets' rows, every time anew: events may come twice, late and
in any order, and a replay ends with the same counts.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from apps.infra import clock, ids
from apps.infra.telemetry import metrics
from apps.trends import blocked, ranking, sampling, store
from apps.trends.models import TrendRule
from apps.trends.sampling import HOUR_MS
from apps.trends.schemas import EVERYWHERE, Lists, Posted, Trend, decode, encode
from apps.trends.store import IN_LANGUAGE, Pair, Voice
from apps.trends.text.languages import UNKNOWN, language_of
from apps.trends.text.terms import fingerprint, is_passed_on, terms_of
from apps.tweets import stored
from apps.tweets.stored import Said
from apps.users import guards as user_guards

# Accounts whose like-worded posts are one voice: younger than this at the time of the post.
FRESH_MS = 3 * 24 * HOUR_MS
# Hours from which posts can be taken out again, besides the running one.
OPEN_HOURS = 2
# Of authors whose posts are looked at again, all together.
MAX_OF_AUTHORS = 5_000
MAX_LIST, MAX_LANGUAGE_LIST = 50, 20
MAX_CANDIDATES, MAX_LANGUAGE_CANDIDATES = 600, 150
DAY_HOURS = 24


# ── Counting ─────────────────────────────────────────────────────────────────


def count_posts(*, posts: Iterable[Posted], now: datetime, late: bool = False) -> int:
    """Count what these posts say, those that are live and open to everybody.

    When much is posted, of a part of the authors; the posts of the others are not even read.

    Args:
        late: a replay; it says nothing about how far behind the lists are.

    Returns:
        How many pairs of a term and a voice were new.

    Raises:
        redis.RedisError: some may be counted; the same again does no harm.
    """
    now_ms = clock.to_ms(now)
    oldest = ids.at_ms(now_ms - ranking.HISTORY_HOURS * HOUR_MS)
    said = stored.live_said(tweet_ids=_sample([one for one in posts if one.id >= oldest]))
    pairs = pairs_of(said)
    if not pairs:
        return 0
    if not late:
        store.note_pending(min(pair.ms for pair in pairs))
    added = store.add(pairs, now_ms=now_ms)
    metrics.TRENDS_COUNTED.inc(added)
    return added


def _sample(posts: Collection[Posted]) -> list[int]:
    """Those of the part that is looked at now."""
    at = store.levels({ids.ms_of(one.id) for one in posts})
    return [
        one.id
        for one in posts
        if not (level := at[(ms := ids.ms_of(one.id)) // HOUR_MS])
        or sampling.is_in(sampling.draw(one.retweet_of_id or one.author_id, ms), level)
    ]


def pairs_of(said: Collection[Said]) -> list[Pair]:
    """The terms of live posts with their voices, where whoever says it is open to everybody."""
    originals = _originals(said)
    return _pairs(said, originals, _open_accounts([*said, *originals.values()]))


def recount(*, author_ids: Collection[int], tweet_ids: Collection[int], now: datetime) -> None:
    """See anew what authors say lately: some of their posts went, came back or say something else,
    or they themselves went.

    Exact for the open hours, for what an author says; voices that several share (retweets, fresh
    accounts of one text) go with the first of them. What is older stays in the past that a term
    is held against.

    Raises:
        redis.RedisError: the same again does no harm.
    """
    now_ms = clock.to_ms(now)
    since = ids.at_ms((now_ms // HOUR_MS - OPEN_HOURS) * HOUR_MS)
    dead = stored.dead_said(tweet_ids=[one for one in tweet_ids if one >= since])
    live = stored.live_said_of(author_ids=author_ids, since_id=since, limit=MAX_OF_AUTHORS)
    originals = _originals(live)
    accounts = _open_accounts([*live, *originals.values()])
    shut = [one for one in live if one.author_id not in accounts]
    former = stored.former_said(tweet_ids=[one for one in tweet_ids if one >= since])
    stays = _pairs(live, originals, accounts)
    # What an edited post still says stays with those who pass it on.
    edited = {one.id for one in former}
    passed = [pair for one in live if one.id in edited for pair in _passed_on(one, now_ms)]
    kept = {(pair.ms // HOUR_MS, pair.key, pair.voice.name) for pair in [*stays, *passed]}
    gone = [
        pair
        for one in [*dead, *shut, *former]
        if one.retweet_of_id is None
        for pair in [*_said_by(one, one, _voice(one)), *_passed_on(one, now_ms)]
        if (pair.ms // HOUR_MS, pair.key, pair.voice.name) not in kept
    ]
    store.take_out(gone, now_ms=now_ms)
    store.add(stays, now_ms=now_ms)


def _originals(said: Iterable[Said]) -> dict[int, Said]:
    wanted = {one.retweet_of_id for one in said if one.retweet_of_id is not None}
    return {one.id: one for one in stored.live_said(tweet_ids=wanted)}


def _open_accounts(said: Iterable[Said]) -> set[int]:
    return user_guards.open_accounts(user_ids={one.author_id for one in said})


def _pairs(
    said: Iterable[Said], originals: Mapping[int, Said], accounts: Collection[int]
) -> list[Pair]:
    """Terms with their voices, of posts by open accounts of what open accounts wrote."""
    pairs: list[Pair] = []
    for one in said:
        source = originals.get(one.retweet_of_id) if one.retweet_of_id is not None else one
        if source is not None and one.author_id in accounts and source.author_id in accounts:
            pairs += _said_by(one, source, _voice(one))
    return pairs


def _said_by(one: Said, source: Said, voice: Voice) -> list[Pair]:
    terms = terms_of(source.text)
    if not terms:
        return []
    lang = language_of(source.text) if source.lang == UNKNOWN else source.lang
    ms = ids.ms_of(one.id)
    return [Pair(ms, term.key, term.name, lang, voice) for term in terms]


def _voice(one: Said) -> Voice:
    ms = ids.ms_of(one.id)
    if one.retweet_of_id is not None:
        return _retweeters(one.retweet_of_id, ms)
    drawn = sampling.draw(one.author_id, ms)
    is_fresh = ids.ms_of(one.author_id) > ms - FRESH_MS
    if is_fresh or is_passed_on(one.text):
        # Of a crowd somebody is nearly always of the part: it must not count for others as well.
        return Voice(b"t" + fingerprint(one.text), drawn, weighs=False)
    return Voice(b"a%d" % one.author_id, drawn)


def _retweeters(tweet_id: int, ms: int) -> Voice:
    return Voice(b"r%d" % tweet_id, sampling.draw(tweet_id, ms))


def _passed_on(one: Said, now_ms: int) -> list[Pair]:
    """What the retweets of a post count as, in each hour since."""
    hours = range(ids.ms_of(one.id) // HOUR_MS, now_ms // HOUR_MS + 1)
    # At the end of the hour: a term may look smaller than it is for a while, never larger.
    ends = [min((hour + 1) * HOUR_MS - 1, now_ms) for hour in hours]
    pairs = _said_by(one, one, _retweeters(one.id, ends[0]))
    return [
        pair._replace(ms=end, voice=voice)
        for end in ends
        for voice in [_retweeters(one.id, end)]
        for pair in pairs
    ]


# ── The lists ────────────────────────────────────────────────────────────────


def roll_up(*, now: datetime) -> Lists:
    """Make the lists anew from what is counted, and give them to all web processes. Idempotent.

    Raises:
        redis.RedisError: the lists stay as they were.
    """
    started, now_ms = time.perf_counter(), clock.to_ms(now)
    pending = store.take_pending()
    rules = list(TrendRule.objects.order_by("id"))
    words = blocked.WORDS | {one.key for one in rules if one.kind == TrendRule.Kind.BLOCKED}
    pins = [one for one in rules if one.kind == TrendRule.Kind.PINNED]
    lists = _made(now_ms, words, pins, decode(store.kept_list()))
    store.keep_list(encode(lists))
    metrics.TRENDS_LAG.set(0 if pending is None else max(clock.now_ms() - pending, 0) / 1000)
    metrics.TRENDS_SECONDS.observe(time.perf_counter() - started)
    return lists


def tidy(*, now: datetime) -> None:
    """Close hours that are over and cut the others to size. Idempotent. Raises redis.RedisError."""
    metrics.TRENDS_TERMS.set(store.close_hours(clock.to_ms(now)))


def _made(
    now_ms: int, words: Collection[str], pins: Collection[TrendRule], before: Lists
) -> dict[str, list[Trend]]:
    heard, since = store.voices(now_ms)
    by_language: dict[str, dict[str, float]] = {EVERYWHERE: {}}
    for field, count in heard.items():
        language, _, key = field.rpartition(IN_LANGUAGE)
        if ranking.is_heard(key, count) and not ranking.is_blocked(key, words):
            by_language.setdefault(language, {})[key] = count
    pinned = {pin.key: pin.word for pin in pins}
    voices = {language: _largest(language, some) for language, some in by_language.items()}
    fields = [_field(one, key) for one, some in voices.items() for key in {**some, **pinned}]
    hours, known = store.past(fields, now_ms)
    past = dict(zip(fields, hours, strict=True))
    chosen = {one: _chosen(one, some, past, known) for one, some in voices.items()}
    shown = list(dict.fromkeys(key for keys in chosen.values() for key in keys))
    names = {**dict(zip(shown, store.names(shown, now_ms), strict=True)), **pinned}
    lists: dict[str, list[Trend]] = {}
    for language, keys in chosen.items():
        was = {one.key: one.since for one in before.get(language, ())}
        lists[language] = [
            _trend(
                key,
                name=names[key],
                hours=past[_field(language, key)],
                now=round(heard.get(_field(language, key), 0)),
                since=was.get(key)
                or clock.from_ms(min(since.get(_field(language, key), now_ms), now_ms)),
                is_pinned=key in pinned,
            )
            for key in [*pinned, *(key for key in keys if key not in pinned)]
        ]
    return lists


def _field(language: str, key: str) -> str:
    return f"{language}{IN_LANGUAGE}{key}" if language else key


def _largest(language: str, voices: dict[str, float]) -> dict[str, float]:
    limit = MAX_CANDIDATES if language == EVERYWHERE else MAX_LANGUAGE_CANDIDATES
    if len(voices) <= limit:
        return voices
    largest = sorted(voices, key=lambda key: (-voices[key], key))[:limit]
    return {key: voices[key] for key in largest}


def _chosen(
    language: str, voices: dict[str, float], past: Mapping[str, list[int]], known: int
) -> list[str]:
    """The bursts of a language, the strongest first."""
    usual = {
        # Without the hours that the last 60 minutes reach into.
        key: ranking.expected(past[_field(language, key)][2:], known_hours=known - 1)
        for key in voices
    }
    limit = MAX_LANGUAGE_LIST if language else MAX_LIST
    return [one.key for one in ranking.ranked(voices, usual, limit=limit)]


def _trend(
    key: str, *, name: str, hours: list[int], now: int, since: datetime, is_pinned: bool
) -> Trend:
    return Trend(
        key=key,
        name=name,
        count=max(sum(hours[:DAY_HOURS]), now),
        since=since,
        curve=(*hours[DAY_HOURS - 1 : 0 : -1], now),
        is_pinned=is_pinned,
    )
