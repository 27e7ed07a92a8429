"""Text as HTML: what is linked, and that nothing but links comes of it."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.tweets.templatetags.tweet_text import linkify
from apps.tweets.text.highlights import hit_highlight
from apps.tweets.text.links import autolink
from tests.tweets.text.strings import TEXTS

TAG = re.compile(r"<[^<>]*>")
OURS = re.compile(
    r'</a>|<a class="at" href="/[^"<>]*">'
    r'|<a class="url" href="https?://[^"<>]*" rel="nofollow noopener ugc" dir="ltr">',
    re.IGNORECASE,
)


def test_markup_in_a_post_is_shown_and_not_obeyed():
    shown = linkify("<script>alert('x')</script> & \"quotes\"")

    assert "<" not in shown
    assert "&lt;script&gt;" in shown
    assert "&amp;" in shown


def test_mentions_addresses_and_tags_become_links():
    shown = linkify("@Maren look: https://www.tide.example.com/a?b=1&c=2. #Field #1 a@b.c")

    assert '<a class="at" href="/Maren">@Maren</a>' in shown
    assert 'href="https://www.tide.example.com/a?b=1&amp;c=2"' in shown
    assert ">tide.example.com/a?b=1&amp;c=2</a>." in shown
    assert '<a class="at" href="/hashtag/Field">#Field</a>' in shown
    assert "#1" in shown
    assert '<span class="at">#1' not in shown
    assert "a@b.c" in shown


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,<b>x",
        'https://a.example.com/"onmouseover="alert(1)',
        "https://a.example.com/'><img src=x onerror=alert(1)>",
    ],
)
def test_an_address_cannot_carry_a_script(address):
    shown = linkify(address)

    assert 'href="javascript' not in shown
    assert 'href="data' not in shown
    assert "onmouseover=" not in shown.replace("&quot;onmouseover=", "")
    assert "<img" not in shown


def test_a_closing_bracket_belongs_to_the_sentence_unless_the_address_opened_one():
    assert 'href="https://a.example.com/b"' in linkify("(https://a.example.com/b)")
    assert 'href="https://a.example.com/b_(c)"' in linkify("https://a.example.com/b_(c)")


def test_what_has_a_page_is_linked_to_it():
    shown = autolink(
        "@maren/friends #Zürich $TIDE",
        list_url="/lists/",
        hashtag_url="/hashtag/",
        cashtag_url="/search?q=%24",
    )

    assert '<a class="at" href="/lists/maren/friends">@maren/friends</a>' in shown
    assert '<a class="at" href="/hashtag/Z%C3%BCrich">#Zürich</a>' in shown
    assert '<a class="at" href="/search?q=%24TIDE">$TIDE</a>' in shown


def test_without_a_page_of_the_list_its_account_is_linked():
    assert autolink("@maren/friends!") == '<a class="at" href="/maren">@maren</a>/friends!'


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://www.tide.example.com/", "tide.example.com"),
        ("http://example.com/a/very/long/path/that/goes/on", "example.com/a/very/long/path/th…"),
    ],
)
def test_pages_show_addresses_short(address, shown):
    assert linkify(address).endswith(f">{shown}</a>")
    assert f'href="{address}"' in linkify(address)


@given(TEXTS)
def test_without_its_tags_a_linked_text_is_the_text(text):
    shown = autolink(text, list_url="/", hashtag_url="/hashtag/", cashtag_url="/search?q=")

    assert html.unescape(TAG.sub("", shown)) == html.unescape(html.escape(text))
    assert all(OURS.fullmatch(tag) for tag in TAG.findall(shown))


@given(TEXTS, st.lists(st.integers(0, 40), max_size=6, unique=True).map(sorted))
def test_marks_of_hits_change_nothing_else(text, edges):
    hits = list(zip(edges[::2], edges[1::2], strict=False))
    linked = autolink(text)

    marked = hit_highlight(linked, hits, tag="mark")

    assert re.sub("</?mark>", "", marked) == linked
    assert marked.count("<mark>") == marked.count("</mark>")


def test_a_hit_counts_a_written_character_once():
    shown = hit_highlight(autolink("a & b @maren"), [(2, 5), (7, 12)])

    assert shown == 'a <em>&amp; b</em> <a class="at" href="/maren">@<em>maren</em></a>'
