"""The work that a text can cause: counted in calls, of Python and of C, for 100,000 characters.

What a single call of the regular expressions costs is bounded by their form: no repetition is given
back. A form that gave back would show here as a test that does not end.
"""

import json
import sys
from types import FrameType

import pytest

from apps.tweets.text.entities import extract_entities, extract_reply_username
from apps.tweets.text.highlights import hit_highlight
from apps.tweets.text.links import autolink
from apps.tweets.text.names import is_valid_hashtag, is_valid_url
from apps.tweets.text.weights import excess, parse

CHARS = 100_000
CALLS_PER_CHAR = 20
WIDE = "".join(chr(0x4E00 + 97 * step) for step in range(20))
STRINGS = [
    "@", "@a", "@a ", "@a/b-", "rt@a ", "#", "#a", "#a ", "#1", "#😀", "＃＠", "$a ", "(",
    "((()))",
    "http://a.co/(", "http://a.co/(a(b)c)", "http://a.co/(a(", "http://", "://", "/", "?",
    ".", "..a",
    "a.", "a.ab.", "a.co.", "a.co ", "a.co,", "\u202ea.co", "http://a.a.a.", "a_.com",
    "a-.com", "_a.com-",
    "http://a.co?.", "http://a.co/.", "http://t.co/a ", "xn--a.", "xn--.xn--", "。a.co", "あ",
    "あ.", "あa.com",
    "日本語.com", "Русские.рф ", f"{WIDE}.com ", f"http://{WIDE}.com ", "سلام.com ",
    "aあ#я@b.co ", "e\u0301",
    "\u0300", "\u0300\u0316", "e\u0301\u0316", "\u1112\u1161\u11ab", "\ufb2c", "👨\u200d",
    "👨‍👩‍👧‍👦", "🇩", "🏴\U000e0067",
    "1\ufe0f", "1\ufe0f\u20e3", "👍🏽", "&", "&amp;", "<", "<a>", "\"", "\x00", "\ud800",
    "\ufeff", " ", "\n",
]  # fmt: skip


def calls(text: str) -> int:
    """How many calls all that is done with a text takes together."""
    count = 0

    def note(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    hits = [(start, start + 1) for start in range(0, 1_000, 5)]
    sys.setprofile(note)
    try:
        extract_entities(text)
        extract_reply_username(text)
        parse(text)
        excess(text)
        hit_highlight(autolink(text), hits)
        is_valid_hashtag(text)
        is_valid_url(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """Read the table of top-level domains before anything is counted."""
    calls("a.co")


@pytest.mark.parametrize("text", STRINGS, ids=ascii)
@pytest.mark.parametrize("head", ["", "http://", "@"])
def test_a_string_over_and_over_is_little_work(head, text):
    text = head + text * (CHARS // len(text))

    assert calls(text) < CALLS_PER_CHAR * CHARS


def test_naughty_strings_over_and_over_are_little_work(corpus):
    for text in json.loads((corpus / "adversarial/blns/blns.json").read_text()):
        if text:
            assert calls(text * (CHARS // len(text))) < CALLS_PER_CHAR * CHARS, text
