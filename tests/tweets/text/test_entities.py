"""What is found in any text, and where."""

from operator import itemgetter

from hypothesis import example, given

from apps.tweets.text.entities import (
    entities_in_order,
    extract_entities,
    extract_reply_username,
    in_utf16,
)
from apps.tweets.text.shapes import Cashtag, Hashtag, ListMention, Mention, Url
from tests.tweets.text.strings import TEXTS


def said(one):
    """What stands in the text, by what was found."""
    match one:
        case Url(url=url):
            return url
        case Mention(username=name):
            return f"@{name}"
        case ListMention(username=name, slug=slug):
            return f"@{name}/{slug}"
        case Hashtag(tag=tag):
            return f"#{tag}"
        case Cashtag(tag=tag):
            return f"${tag}"


@given(TEXTS)
@example("日本example.com/x#a @b")
def test_places_cut_out_what_was_found_and_nothing_overlaps(text):
    done = 0
    for one in entities_in_order(text):
        there = text[one.start : one.end].replace("\uff20", "@").replace("\uff03", "#")
        assert there == said(one).replace("\uff20", "@").replace("\uff03", "#")
        assert one.start >= done
        done = one.end
    extract_reply_username(text)


@given(TEXTS)
def test_kinds_together_are_all_that_was_found(text):
    kinds = extract_entities(text)

    together = [*kinds.urls, *kinds.mentions, *kinds.lists, *kinds.hashtags, *kinds.cashtags]
    assert sorted(together, key=itemgetter(0)) == entities_in_order(text)


@given(TEXTS)
def test_utf16_places_cut_the_same_out_of_utf16(text):
    units = text.encode("utf-16-le", "surrogatepass")
    plain, moved = extract_entities(text), in_utf16(text, extract_entities(text))

    for kind in ("urls", "mentions", "lists", "hashtags", "cashtags"):
        for before, after in zip(getattr(plain, kind), getattr(moved, kind), strict=True):
            cut = units[after.start * 2 : after.end * 2].decode("utf-16-le", "surrogatepass")
            assert cut == text[before.start : before.end]


def test_addresses_without_a_scheme_may_be_left_out():
    text = "example.com and http://example.com"

    assert len(extract_entities(text).urls) == 2
    assert [one.start for one in extract_entities(text, bare_urls=False).urls] == [16]
