"""How long a text is."""

import re
import unicodedata

import pytest
from hypothesis import given

from apps.tweets.text.characters import WORDS
from apps.tweets.text.hosts import encoded_length
from apps.tweets.text.weights import excess, parse, weighted_length
from tests.tweets.text.strings import TEXTS


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("abc", 3),
        ("日本", 4),
        ("e\u0301", 1),
        ("😀", 2),
        ("👍🏽", 2),
        ("👨‍👩‍👧‍👦", 2),
        ("🇩🇪", 2),
        ("1\ufe0f\u20e3", 2),
        ("see example.com", 27),
        ("example.com", 23),
        (f"https://example.com/{'x' * 400}", 23),
        ("v1.2 and 3.14, e.g. this", 24),
    ],
)
def test_what_counts(text, weight):
    assert weighted_length(text) == parse(text).weighted_length == weight


def test_pictures_joined_without_end_count_as_many():
    chain = "\u200d".join(["👨"] * 100)

    assert weighted_length(chain) > 50


def test_piled_marks_weigh_what_they_are():
    assert weighted_length("e" + "\u0301\u0316" * 2_000) == 4_001


@given(TEXTS)
def test_the_quick_ways_say_the_same(text):
    weight = parse(text).weighted_length

    assert weighted_length(text) == weight
    assert (excess(text) > 0) == (weight > 280)
    assert excess(text) == weight - 280 or weight <= 280


@given(TEXTS.map(lambda text: text * 20))
def test_the_valid_range_may_be_posted_and_one_more_may_not(text):
    parsed = parse(text)

    assert 0 <= parsed.valid_end <= parsed.display_end == len(text)
    if parsed.is_valid:
        assert parsed.valid_end == len(text)
    if parsed.weighted_length <= 280 and parsed.valid_end < len(text):
        assert any(char in text for char in "\ufffe\ufeff\uffff")


@pytest.mark.parametrize(
    "label", ["bücher", "例え", "ドメイン名例", "пример", "a日b本c", "ee\u0301x", "😀"]
)
def test_hosts_are_as_long_as_the_standard_library_writes_them(label):
    # Upper and lower case stay: nobody is asked, only counted.
    written = len(b"xn--" + label.encode("punycode"))

    assert encoded_length(f"{label}.com") == written + 4


def test_the_table_of_letters_is_that_of_unicode():
    words = re.compile(f"[{WORDS}]")
    for point in range(0x110000):
        char, kind = chr(point), unicodedata.category(chr(point))
        if kind != "Cn" and (unicodedata.unidata_version <= "14" or kind[0] in "LM"):
            assert bool(words.match(char)) == (kind[0] in "LM" or kind == "Nd"), hex(point)
