"""What of a text may trend, and which language it is in."""

import pytest

from apps.trends.text.languages import language_of
from apps.trends.text.terms import MAX_TAGS, fingerprint, is_passed_on, terms_of


def keys(text):
    return [term.key for term in terms_of(text)]


def test_tags_count_whatever_their_case_and_accents_and_keep_how_they_were_written():
    assert terms_of("#PrayForBoston")[0] == ("#prayforboston", "#PrayForBoston")
    assert keys("#LacMégantic") == keys("#lacmegantic")
    assert keys("#秋の朝 #ترجمة") == ["#秋の朝", "#ترجمة"]
    assert keys("#1 C# a#b https://a.com/#tag") == []


def test_a_text_full_of_tags_says_only_the_first_ones():
    assert len(keys(" ".join(f"#tag{number}" for number in range(30)))) == MAX_TAGS


def test_phrases_begin_and_end_with_words_that_mean_something():
    assert keys("The Great Barrier Reef is dying") == [
        "great barrier", "great barrier reef", "barrier reef", "reef is dying",
    ]  # fmt: skip
    assert keys("Great. Barrier, reef") == []
    assert keys("tea @bob house #x1 party http://tea.house party") == ["#x1"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("the cat is on the mat", "en"),
        ("das ist nicht gut und die Katze auch", "de"),
        ("el gato no está en la casa", "es"),
        ("今日はいい天気", "ja"),
        ("天气很好", "zh"),
        ("Землетрясение", "ru"),
        ("زلزال", "ar"),
        ("#boston", "und"),
        ("", "und"),
    ],
)
def test_a_language_is_guessed_where_it_is_clear(text, language):
    assert language_of(text) == language


def test_the_same_words_have_one_fingerprint():
    first = fingerprint("Win a free phone now! http://spam.example/1 @alice #win")

    assert first == fingerprint("RT @mallory: a FREE phone 123, win now http://spam.example/2 #Win")
    assert first != fingerprint("Win a free house now! #win")
    assert is_passed_on("RT @bob: hello")
    assert not is_passed_on("START @bob")
