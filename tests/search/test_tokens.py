"""What a word is."""

import os
import random
import unicodedata
from pathlib import Path

import pytest
import zstandard

from apps.search.query import tokens
from apps.search.query.document import Body

CORPUS = Path(os.environ.get("TWITTERLITE_CORPUS", "../shared/data"))
TWEETS = CORPUS / "tweets" / "xlm-t"
LANGUAGES = [
    "arabic", "english", "french", "german", "hindi", "italian", "portuguese", "spanish",
]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Café", "cafe"), ("CAFÉ", "cafe\u0301"), ("Straße", "STRASSE"), ("İstanbul", "istanbul"),
        ("naïve", "naive"), ("Łódź", "lodz"), ("smørrebrød", "smorrebrod"), ("Ёлка", "елка"),
        ("Ἀθῆναι", "αθηναι"), ("مُحَمَّد", "محمد"), ("أحمد", "احمد"), ("ـكتاب", "كتاب"),
        ("שָׁלוֹם", "שלום"),
        ("ｆｕｌｌ", "full"), ("ﾊﾞﾅﾅ", "バナナ"), ("ﬁne", "fine"), ("２０２４", "2024"),
        ("한글", "한글"),
        ("می‌خواهم", "میخواهم"),
    ],
)  # fmt: skip
def test_are_one_word(one, other):
    assert tokens.fold(one) == tokens.fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("か", "が"), ("हद", "हिद"), ("ก", "กิ"), ("は", "ば"), ("ह", "हि")]
)
def test_are_two_words(one, other):
    assert tokens.fold(one) != tokens.fold(other)


FOUND = [
    ("New York is big", '"new york"'.strip('"')),
    ("NEW-YORK", "new york"),
    ("Le café", "CAFE"),
    ("it's fine", "it's"),
    ("it’s fine", "it's"),
    ("wi-fi", "wi-fi"),
    ("今日は東京タワーへ行く", "東京タワー"),
    ("今日は東京タワーへ行く", "京"),
    ("서울에서 만나요", "서울"),
    ("รถยนต์ใหม่", "ยนต์"),
    ("東京 tower", "東京 TOWER"),
    ("東京tower", "東京 tower"),
    ("हिन्दी में", "हिन्दी"),
    ("so good😂😂", "😂"),
    ("thumbs 👍🏽", "👍"),
    ("thumbs 👍🏽", "👍🏽"),
    ("love ❤️", "❤"),
    ("love ❤", "❤️"),
    ("Brand™ new", "brand"),
    ("1️⃣ first", "1️⃣"),
    ("🇩🇪🇫🇷", "🇫🇷"),
    ("see #Tokyo2020 now", "tokyo2020"),
    ("see #Tokyo2020 now", "see #tokyo2020 now"),
    ("#東京タワー", "東京"),
    ("hi @Alice", "alice"),
    ("$TSLA up", "tsla"),
    ("a https://x.com/y b", "a https://x.com/y b"),
]
NOT_FOUND = [
    ("york new", "new york"),
    ("new in york", "new york"),
    ("cats", "cat"),
    ("東 京", "東京x".rstrip("x") + "タ"),
    ("東京", "京都"),
    ("京東", "東京"),
    ("👍", "👍🏽"),
    ("see tokyo now", "see #tokyo now"),
    ("a https://x.com/y b", "a b"),
    ("https://x.com/word", "word"),
    ("foo#bar", "#bar"),
    ("กิน", "ก"),
]


@pytest.mark.parametrize(("text", "query"), FOUND)
def test_the_text_has_it(text, query):
    assert tokens.holds(Body.of(text).positions, tokens.sought(query))


@pytest.mark.parametrize(("text", "query"), NOT_FOUND)
def test_the_text_does_not_have_it(text, query):
    assert not tokens.holds(Body.of(text).positions, tokens.sought(query))


def test_tags_names_and_links_are_read():
    body = Body.of(
        "#Café ＃2x #1 #a#b @Alice me@home.org $TSLA $5 $toolong https://X.com/a x&#39;s"
    )

    assert body.hashtags == {"cafe", "2x", "a"}
    assert body.mentions == {"alice"}
    assert body.cashtags == {"tsla"}
    assert body.urls == ("https://X.com/a",)


def test_tags_are_those_of_twitter_text():
    body = Body.of("#l·l #アニメ・漫画 #हिन्दी $BRK.B $toolong @name_too_long_for_anybody #_1 a&#b")

    assert body.hashtags == {"l·l", "アニメ・漫画", "हिन्दी"}
    assert body.cashtags == {"brk.b"}
    assert body.mentions == frozenset()
    assert tokens.holds(body.positions, tokens.sought("漫画"))
    assert tokens.holds(body.positions, tokens.sought("toolong"))


def test_the_caller_may_know_the_tags_better():
    body = Body.of(
        "#a @b $c x.example", hashtags=["Ä"], cashtags=[], mentions=(), urls=["x.example"]
    )

    assert body.hashtags == {"a"}
    assert not body.cashtags
    assert not body.mentions
    assert tokens.holds(body.url_positions, tokens.sought_in_url("x.example"))


def test_phrases_stay_inside_one_link():
    body = Body.of("https://a.example/new http://york.example")

    assert tokens.holds(body.url_positions, tokens.sought_in_url("a.example/new"))
    assert not tokens.holds(body.url_positions, tokens.sought_in_url("new york"))
    assert not tokens.holds(body.url_positions, tokens.sought_in_url("https"))


def test_a_long_text_keeps_what_a_tsvector_can_hold():
    body = Body.of("word " * 300 + "x" * 400 + " end")

    assert len(body.positions["word"]) == tokens.MAX_POSITIONS
    assert body.positions["x" * 255] == [301]
    assert body.positions["end"] == [302]


def test_links_and_names_are_found_inside_texts_without_spaces():
    reading = tokens.read(
        "写真https://t.co/abc #港https://a.example/b ありがとう@bobさん ＠carolへ"
    )

    assert reading.urls == ("https://t.co/abc", "https://a.example/b")
    assert reading.hashtags == {"港"}
    assert reading.mentions == {"bob", "carol"}
    assert tokens.read("monitorhttps://t.co/abc, né@bobé café@x.example").urls == ()
    assert not tokens.read("a@bob.example, ü, &@bob, @bobé").mentions


@pytest.mark.parametrize("text", ["Donau\u00addampf", "Donau\u2060dampf", "DONAUDAMPF"])
def test_what_nobody_sees_does_not_part_a_word(text):
    assert list(Body.of(text).positions) == ["donaudampf"]


def letters_of(text):
    """The words of a text by another road: Unicode categories, one character after the other."""
    folded = tokens.fold(text)
    kept = (
        char if unicodedata.category(char)[0] in "LMN_" or char == "_" else " " for char in folded
    )
    return set("".join(kept).split())


@pytest.mark.skipif(not TWEETS.exists(), reason=f"{TWEETS} is not here: set TWITTERLITE_CORPUS")
@pytest.mark.parametrize("language", LANGUAGES)
def test_sampled_words_find_what_a_scan_of_all_texts_finds(language):
    with zstandard.open(TWEETS / f"{language}.txt.zst", "rt", encoding="utf-8") as lines:
        texts = [line.strip() for line in lines if "http" not in line][:1_000]
    words = [letters_of(text) for text in texts]
    bodies = [Body.of(text) for text in texts]
    plain = sorted({w for found in words for w in found if not any(map(tokens.is_spaceless, w))})

    for word in random.Random(language).sample(plain, 200):
        found = [
            n for n, body in enumerate(bodies) if tokens.holds(body.positions, tokens.sought(word))
        ]
        assert found == [n for n, there in enumerate(words) if word in there], word
