"""Words of real posts in nine languages: the index finds what a scan of all of them finds."""

import json
import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest
import zstandard
from django.db import connection

from apps.infra import clock, ids
from apps.infra.errors import DomainError
from apps.search import queries, queries_ids
from apps.search.query.operators import Dialect
from apps.search.query.parser import parse
from apps.search.schemas import Window
from apps.tweets.services import checked_text
from apps.tweets.services_firehose import LivePost, post_tweets
from tests.search import scanning

CORPUS = Path(os.environ.get("TWITTERLITE_CORPUS", "../shared/data"))
TWEETS = CORPUS / "tweets"
EMOJI = CORPUS / "adversarial" / "unicode" / "emoji-test.txt.gz"
# As xlm-t names them; Japanese is one author's, of ten years.
CODES = {
    "arabic": "ar", "english": "en", "french": "fr", "german": "de", "hindi": "hi",
    "italian": "it", "portuguese": "pt", "spanish": "es", "japanese": "ja",
}  # fmt: skip
POSTS, WORDS, SIGNS = 2_500, 200, 60

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (TWEETS.exists() and EMOJI.exists()), reason=f"{CORPUS} is not here"),
]


def texts_of(language: str) -> list[str]:
    """Different posts that may be posted here."""
    if language == "japanese":
        path = TWEETS / "timelines" / "noko_k.ja.ndjson.zst"
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            every = [
                json.loads(line)["text"] for _, line in zip(range(40_000), lines, strict=False)
            ]
        given: Iterable[str] = every[::15]
    else:
        with zstandard.open(TWEETS / "xlm-t" / f"{language}.txt.zst", "rt", encoding="utf-8") as f:
            given = [line.strip() for line in f]
    return list(filter(_may_be_posted, dict.fromkeys(given)))[:POSTS]


def _may_be_posted(text: str) -> bool:
    try:
        return bool(checked_text(text))
    except DomainError:
        return False


def sampled(counts: Counter[str], number: int, *, seed: str) -> list[str]:
    """Words of every frequency: in turn one of each power of two, until there are so many."""
    shelves: dict[int, list[str]] = defaultdict(list)
    for word, count in sorted(counts.items()):
        shelves[count.bit_length()].append(word)
    chance = random.Random(seed)
    for shelf in shelves.values():
        chance.shuffle(shelf)
    chosen: list[str] = []
    while len(chosen) < number and any(shelves.values()):
        chosen += [shelf.pop() for shelf in shelves.values() if shelf]
    return chosen[:number]


@pytest.fixture
def find(run):
    """The ids of all posts that a query of the page finds."""

    def ask(query):
        tree = parse(query, dialect=Dialect.WEB)
        window = Window(before_id=ids.next_id())
        page = run(queries.search_tweets(viewer_id=None, tree=tree, window=window, limit=POSTS))
        assert page.next_before_id is None
        return {tweet.id for tweet in page.tweets}

    return ask


@pytest.mark.parametrize("language", CODES)
def test_sampled_words_emoji_tags_and_names_find_what_a_scan_finds(
    language, find, alice, drain_outbox
):
    texts, pattern = texts_of(language), scanning.emoji_pattern(EMOJI)
    made = post_tweets(
        posts=[LivePost(alice.id, text, CODES[language], "x") for text in texts], now=clock.now()
    )
    drain_outbox()
    with connection.cursor() as cursor:
        cursor.execute("analyze search_documents")
    queries_ids.forget()
    read = dict(zip(made, (scanning.units(text, pattern) for text in texts), strict=True))
    tags = dict(zip(made, map(scanning.tags_of, texts), strict=True))
    names = dict(zip(made, map(scanning.names_of, texts), strict=True))

    def holders(word):
        wanted = scanning.units(word, pattern)
        return {one for one, there in read.items() if scanning.fits(wanted, there)}

    def marked(held, word):
        return {one for one, there in held.items() if word in there}

    words = Counter(word for text in texts for word in scanning.words_of(text, pattern))
    emoji = Counter(one for text in texts for one in set(scanning.emoji_of(text, pattern)))
    said = sampled(words, WORDS, seed=language)
    expected = {f'"{one}"' if one == "OR" else one: holders(one) for one in said}
    expected |= {one: holders(one) for one in sampled(emoji, SIGNS, seed=language)}
    for sign, held in (("#", tags), ("@", names)):
        known = Counter(one for there in held.values() for one in there)
        chosen = sampled(known, SIGNS, seed=language)
        expected |= {f"{sign}{one}": marked(held, one) for one in chosen}
    assert len(said) == WORDS
    assert all(expected.values())

    by_id, wrong = dict(zip(made, texts, strict=True)), {}
    for query, right in expected.items():
        found = find(query)
        if found != right:
            missed, extra = sorted(right - found), sorted(found - right)
            wrong[query] = [[by_id[one] for one in some[:1]] for some in (missed, extra)]

    assert not wrong, f"{len(wrong)} of {len(expected)}"
