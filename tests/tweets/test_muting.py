"""Which texts hold a muted word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.graph.schemas import MutedWord
from apps.tweets.muting import hides


def holds(text, *words):
    return hides(text, [MutedWord(word) for word in words])


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("cat", "a cat"),
        ("cat", "Cat."),
        ("cat", "#cat"),
        ("cat", "cat's"),
        ("CAFÉ", "the cafe"),
        ("cafe", "le cafe\u0301!"),
        ("straße", "STRASSE"),
        ("cat", "ｃａｔ"),
        ("good morning", "Good   morning"),
        ("good morning", "good, morning"),
        ("good-morning", "good morning"),
        ("#cat", "see #Cat"),
        ("#cat", "see ＃cat"),
        ("@bob", "hi @BOB!"),
        ("@bob", "hi ＠bob"),
        ("猫", "黒猫です"),
        ("แมว", "เธอชอบแมวมาก"),
        ("☕", "more☕please"),
        ("C++", "I like C++"),
        ("כלב", "כֶּלֶב"),
        ("1.5", "it is 1.5"),
    ],
)
def test_it_is_found(word, text):
    assert holds(text, word)
    assert holds(text, "something else", word)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("cat", "category"),
        ("cat", "concat"),
        ("cat", "@cat"),
        ("cat", "snow_cat"),
        ("#cat", "a cat"),
        ("#cat", "#cats"),
        ("#cat", "x#cat"),
        ("@bob", "bob"),
        ("@bob", "@bobby"),
        ("@bob", "mail a@bob"),
        ("good morning", "good and morning"),
        ("good morning", "goodmorning"),
        ("кот", "который"),
        ("a.*", "anything"),
        ("(", "no bracket"),
    ],
)
def test_it_is_not_found(word, text):
    assert not holds(text, word)


def test_no_words_hide_nothing():
    assert not hides("anything", [])


@given(word=st.text(min_size=1, max_size=100), text=st.text(max_size=300))
def test_no_word_breaks_anything(word, text):
    holds(text, word)


@given(word=st.text(alphabet="abcé猫☕", min_size=1, max_size=10))
def test_a_word_hides_itself(word):
    assert holds(f"x {word} y", word)
