"""Marks around what was searched for: there exactly when it fits, and at the right place."""

import re
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.infra import clock
from apps.search.query import tokens
from apps.search.query.marking import wanted_of
from apps.search.query.operators import Dialect
from apps.search.query.parser import parse
from apps.tweets.services import post_tweet

WORDS = [
    "tea",
    "Tee",
    "Café",
    "naïve",
    "#tea",
    "@tea",
    "$TEA",
    "東京",
    "日本語",
    "チャー",
    "กาแฟ",
    "커피",
    "🍵",
    "👍🏽",
]


def marked(query, text):
    """The text with [] around each hit."""
    places = wanted_of(parse(query, dialect=Dialect.WEB)).places(text)
    assert places == sorted(places)
    for start, end in reversed(places):
        text = f"{text[:start]}[{text[start:end]}]{text[end:]}"
    return text


@pytest.mark.parametrize(
    ("query", "text", "wanted"),
    [
        ("tea", "Tea, teas and TEA", "[Tea], teas and [TEA]"),
        ("cafe", "Café! cafe\u0301.", "[Café]! [cafe\u0301]."),
        ('"high tide"', "tide, high tide, high", "tide, [high] [tide], high"),
        ("tea -milk", "milk tea", "milk [tea]"),
        ("tea OR milk", "milk tea", "[milk] [tea]"),
        ("tea has:links from:bob", "tea https://tea.example/tea", "[tea] https://tea.example/tea"),
        ("#tea", "tea #tea #teatime", "tea [#tea] #teatime"),
        ("tea", "tea #tea @tea", "[tea] [#tea] [@tea]"),
        ("@bob", "bob, @Bob and @bobby", "bob, [@Bob] and @bobby"),
        ("$tea", "tea $TEA", "tea [$TEA]"),
        ("東京", "私は東京都に住む。京東", "私は[東京]都に住む。京東"),
        ("東", "東京東", "[東]京[東]"),
        ("日本語", "日本語と日本", "[日本語]と日本"),
        ("が", "か\u3099んば", "[か\u3099]んば"),
        ("tokyo", "行くtokyo東京", "行く[tokyo]東京"),
        ("東京", "#東京 #東京tower", "[#東京] [#東京]tower"),
        ("日記", "写真日記https://example.com/日記", "写真[日記]https://example.com/日記"),
        ("🍵", "🍵🍵 x", "[🍵🍵] x"),
        ("👍", "👍🏽 ok", "[👍🏽] ok"),
        ("don't", "I don't; dont", "I [don]'[t]; dont"),
        ("min_likes:3", "3 likes", "3 likes"),
    ],
)
def test_what_is_marked(query, text, wanted):
    assert marked(query, text) == wanted


@given(
    st.sampled_from(WORDS),
    st.lists(st.sampled_from([*WORDS, " ", ", ", "x", "é", "ー", "\u0301", "京"]), max_size=12),
)
def test_something_is_marked_exactly_where_the_text_fits(word, pieces):
    text = "".join(pieces)
    tree = parse(word, dialect=Dialect.WEB)
    places = wanted_of(tree).places(text)
    # A character of the query alone may be one of the text with more marks; words are exact.
    phrase = (
        tokens.sought(word) if word[0] not in "#@$" else ((0, word[0] + tokens.fold(word[1:])),)
    )
    positions = tokens.positions_of((unit.lexemes for unit in tokens.read(text).units), first=1)

    assert bool(places) == tokens.holds(positions, phrase)
    assert all(start < end for start, end in places)
    assert all(one[1] < other[0] for one, other in pairwise(places))


def test_found_posts_have_marks_and_nothing_else_has(browser, alice, drain_outbox):
    text = "a <b> & green tea, #tea https://example.com/tea?a=1&b=2"
    post_tweet(author_id=alice.id, text=text, now=clock.now())
    drain_outbox()

    page = browser.get("/search?q=tea+-milk&f=live").text
    (text,) = re.findall(r'<p class="text"[^>]*>(.*?)</p>', page)

    assert re.findall("<mark>(.*?)</mark>", text)[:2] == ["tea", "#tea"]
    read = unescape(re.sub("<[^>]*>", "", text))
    assert read == "a <b> & green tea, #tea example.com/tea?a=1&b=2"
    assert page.count("<mark>") == text.count("<mark>")
    assert "<mark>" not in browser.get("/search?q=from:alice&f=live").text
