"""The words that "Did you mean" may offer, learned from the newest public posts, some at a time.

A word counts when `MIN_AUTHORS` have said it, a name when its owner posts. Each keeps the newest
posts by different authors that it was found in: whoever offers it asks whether these may still be
seen, so what is deleted, closed or suspended meanwhile speaks for nothing. Learning is bounded: at
most `BATCH` posts at once, and when more came meanwhile, the older of these are passed over.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import orjson
from django.db import connection, transaction

from apps.infra.stores import partitions
from apps.search.models import MAX_WORD, Backfill, Word
from apps.search.query import spelling, tokens
from apps.tweets import stored
from apps.users import guards as user_guards

MIN_AUTHORS = 3
# Posts that speak for a word, at most one by each author.
WITNESSES = 6
BATCH = 200
# A word that is known is not written again so soon.
FRESH = timedelta(minutes=10)
MAX_WORDS = 150_000
# What few have said is forgotten after that.
RARE = timedelta(days=7)
TIDY = 5_000
_CURSOR = "words"
_LOCK = 7_465_240
_NEWEST = """
select tweet_id, author_id, tsvector_to_array(tokens) from search_documents
 where tweet_id > %s and tweet_id < %s and retweet_of_id is null order by tweet_id desc limit %s
"""
# Of these words, with what is known of them: those that are not fresh.
_STALE = """
select word, authors, posts from known_words
 where word = any(%s) and (keys is null or seen_at <= %s)
"""
_FRESH = """
select word from known_words where word = any(%s) and keys is not null and seen_at > %s
"""
_SAVE = """
insert into known_words as kept (word, posts, authors, keys, uses, seen_at)
select word, posts, authors, keys, 1, %s
  from json_to_recordset(%s::json)
    as given (word text, posts bigint[], authors bigint[], keys int[])
 order by word
    on conflict (word) do update
   set posts = excluded.posts, authors = excluded.authors, seen_at = excluded.seen_at,
       uses = kept.uses + 1,
       keys = coalesce(kept.keys, excluded.keys)
"""
_RARE = """
delete from known_words where word in (
  select word from known_words where keys is null and seen_at < %s limit %s)
"""
_TOO_MANY = """
delete from known_words where word in (
  select word from known_words order by keys is not null, seen_at limit %s)
"""

# Author -> the newest post of theirs that has the word.
Said = dict[int, int]


@transaction.atomic
def learn_words(*, now: datetime, limit: int = BATCH, before_id: int | None = None) -> int:
    """Learn from the newest posts of the index that are new since the last time.

    Idempotent; where somebody else is at it, nothing is done.

    Args:
        before_id: learn from the newest below this id instead, such as from history.

    Returns:
        The oldest id that was looked at; 0 where there was none.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        state, _ = Backfill.objects.get_or_create(name=_CURSOR, defaults={"before_id": 0})
        above, below = state.before_id, partitions.MAX_ID
        if before_id is not None:
            above, below = 0, before_id
        cursor.execute(_NEWEST, [above, below, limit])
        documents: list[tuple[int, int, list[str]]] = cursor.fetchall()
    if not documents:
        return 0
    _save(_said(documents), now)
    if documents[0][0] > state.before_id:
        state.before_id = documents[0][0]
        state.save()
    return documents[-1][0]


def _said(documents: Iterable[tuple[int, int, list[str]]]) -> dict[str, Said]:
    """Who says what, of those whose posts everybody may see; newest posts come first."""
    documents = list(documents)
    live = {one.id for one in stored.live_said(tweet_ids=[one for one, _, _ in documents])}
    names = user_guards.open_names(user_ids={author_id for _, author_id, _ in documents})
    said: dict[str, Said] = {}
    for tweet_id, author_id, lexemes in documents:
        if tweet_id not in live or author_id not in names:
            continue
        own = f"@{names[author_id].lower()}"
        for word in {own, *filter(is_learned, lexemes)}:
            said.setdefault(word, {}).setdefault(author_id, tweet_id)
    return said


def is_learned(lexeme: str) -> bool:
    """Whether a lexeme of the index is a word or a tag that may be misspelt."""
    sign, letters = spelling.parts(lexeme)
    if sign == "@" or not letters[:1].isalpha() or len(lexeme) > MAX_WORD:
        return False
    # Pairs of characters are no words.
    return spelling.reach(lexeme) > 0 and (bool(sign) or not tokens.is_spaceless(letters[0]))


def _save(said: Mapping[str, Said], now: datetime) -> None:
    asked: tuple[list[str], datetime] = (list(said), now - FRESH)
    with connection.cursor() as cursor:
        cursor.execute(_FRESH, asked)
        fresh = {word for (word,) in cursor.fetchall()}
        cursor.execute(_STALE, asked)
        before = {word: dict(zip(one, other, strict=True)) for word, one, other in cursor}
        rows = [
            _row(word, new, before.get(word, {})) for word, new in said.items() if word not in fresh
        ]
        if rows:
            cursor.execute(_SAVE, [now, orjson.dumps(rows).decode()])


def _row(word: str, new: Said, before: Said) -> dict[str, object]:
    """What is kept of a word: the newest posts of different authors."""
    newest = {one: max(new.get(one, 0), before.get(one, 0)) for one in before | new}
    kept = sorted(newest.items(), key=lambda pair: -pair[1])[:WITNESSES]
    is_known = word[0] == "@" or len(kept) >= MIN_AUTHORS
    return {
        "word": word,
        "authors": [author for author, _ in kept],
        "posts": [post for _, post in kept],
        "keys": spelling.keys(word, without=1) if is_known else None,
    }


def tidy_words(*, now: datetime) -> int:
    """Forget what few have said and nobody says any more, and what is too much. Idempotent.

    Returns:
        How many words went; some thousands at most.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RARE, [now - RARE, TIDY])
        gone = int(cursor.rowcount)
        over = min(Word.objects.count() - MAX_WORDS, TIDY)
        if over > 0:
            cursor.execute(_TOO_MANY, [over])
            gone += cursor.rowcount
    return gone
