"""What a word is."""

import pytest

from apps.search.query import tokens
from apps.search.query.document import Body


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


def test_phrases_stay_inside_one_link():
    body = Body.of("https://a.example/new http://york.example")

    assert tokens.holds(body.url_positions, tokens.sought_in_url("a.example/new"))
    assert not tokens.holds(body.url_positions, tokens.sought_in_url("new york"))
    assert not tokens.holds(body.url_positions, tokens.sought_in_url("https"))


def test_a_long_text_keeps_what_a_tsvector_can_hold():
    body = Body.of("word " * 300 + "x" * 400 + " end")

    assert len(body.positions["word"]) == tokens.MAX_POSITIONS
    assert body.positions["x" * 255] == {301}
    assert body.positions["end"] == {302}
