"""The official cases of twitter-text, each of them."""

import html
import re
from collections.abc import Callable
from dataclasses import asdict
from operator import itemgetter
from typing import Any
from urllib.parse import unquote

from apps.tweets.text.entities import extract_entities, extract_reply_username
from apps.tweets.text.highlights import hit_highlight
from apps.tweets.text.links import autolink
from apps.tweets.text.names import (
    is_valid_hashtag,
    is_valid_list,
    is_valid_url,
    is_valid_username,
)
from apps.tweets.text.weights import V1, V2, V3, Rules, is_valid, parse


def wrong(
    cases: list[dict[str, Any]], answer: Callable[[str], object], wanted: str = "expected"
) -> list[tuple[str, object, object]]:
    """What was answered and what was wanted, of each case that is not met."""
    return [
        (case["description"], got, case[wanted])
        for case in cases
        if (got := answer(case["text"])) != case[wanted]
    ]


def places(entities: Any, **names: str) -> list[dict[str, Any]]:
    """Entities as the cases write them."""
    return [
        {theirs: getattr(one, ours) for theirs, ours in names.items()}
        | {"indices": [one.start, one.end]}
        for one in entities
    ]


def _names_and_lists(text: str) -> list[dict[str, Any]]:
    entities = extract_entities(text)
    both = places(entities.mentions, screen_name="username")
    for one in both:
        one["list_slug"] = ""
    lists = places(entities.lists, screen_name="username", list_slug="slug")
    for one in lists:
        one["list_slug"] = f"/{one['list_slug']}"
    return sorted([*both, *lists], key=itemgetter("indices"))


EXTRACT: dict[str, Callable[[str], object]] = {
    "mentions": lambda text: [one.username for one in extract_entities(text).mentions],
    "mentions_with_indices": lambda text: places(
        extract_entities(text).mentions, screen_name="username"
    ),
    "mentions_or_lists_with_indices": _names_and_lists,
    "replies": extract_reply_username,
    "urls": lambda text: [one.url for one in extract_entities(text).urls],
    "urls_with_indices": lambda text: places(extract_entities(text).urls, url="url"),
    "urls_with_directional_markers": lambda text: places(extract_entities(text).urls, url="url"),
    "tco_urls_with_params": lambda text: [one.url for one in extract_entities(text).urls],
    "hashtags": lambda text: [one.tag for one in extract_entities(text).hashtags],
    "hashtags_from_astral": lambda text: [one.tag for one in extract_entities(text).hashtags],
    "hashtags_with_indices": lambda text: places(extract_entities(text).hashtags, hashtag="tag"),
    "cashtags": lambda text: [one.tag for one in extract_entities(text).cashtags],
    "cashtags_with_indices": lambda text: places(extract_entities(text).cashtags, cashtag="tag"),
}


def test_what_a_text_holds_is_found(cases):
    suite = cases("extract")

    assert suite.keys() == EXTRACT.keys()
    assert sum(map(len, suite.values())) == 238
    for section, answer in EXTRACT.items():
        assert wrong(suite[section], answer) == []


def test_every_top_level_domain_is_known(cases):
    suite = cases("tlds")

    assert sum(map(len, suite.values())) == 1574
    for section in suite.values():
        assert wrong(section, EXTRACT["urls"]) == []


def _utf16(text: str, end: int) -> int:
    return len(text[:end].encode("utf-16-le", "surrogatepass")) // 2


def _weighed(rules: Rules) -> Callable[[str], object]:
    def answer(text: str) -> dict[str, object]:
        parsed = asdict(parse(text, rules=rules))
        return {
            "weightedLength": parsed["weighted_length"],
            "valid": parsed["is_valid"],
            "permillage": parsed["permillage"],
            # Theirs count UTF-16 units and include the last one.
            "displayRangeStart": parsed["display_start"],
            "displayRangeEnd": _utf16(text, parsed["display_end"]) - 1,
            "validRangeStart": parsed["valid_start"],
            "validRangeEnd": _utf16(text, parsed["valid_end"]) - 1,
        }

    return answer


VALIDATE: dict[str, Callable[[str], object]] = {
    "tweets": lambda text: is_valid(text, rules=V1),
    "usernames": is_valid_username,
    "lists": is_valid_list,
    "hashtags": is_valid_hashtag,
    "urls": is_valid_url,
    "urls_without_protocol": lambda text: is_valid_url(text, require_scheme=False),
    "WeightedTweetsCounterTest": _weighed(V2),
    "WeightedTweetsWithDiscountedEmojiCounterTest": _weighed(V3),
    "UnicodeDirectionalMarkerCounterTest": _weighed(V3),
}


def test_lengths_and_names_are_judged(cases):
    suite = cases("validate")

    assert suite.keys() == VALIDATE.keys()
    assert sum(map(len, suite.values())) == 97
    for section, answer in VALIDATE.items():
        assert wrong(suite[section], answer) == []


def test_hits_are_marked(cases):
    suite = cases("hit_highlighting")

    assert sum(map(len, suite.values())) == 14
    for case in (case for section in suite.values() for case in section):
        hits = [(start, end) for start, end in case["hits"]]
        assert hit_highlight(case["text"], hits) == case["expected"], case["description"]


LINK = re.compile(r"[@\uff20]?<a ([^>]*)>(.*?)</a>", re.DOTALL)
HREF = re.compile(r'href="([^"]*)"')


def _linked(text: str) -> list[tuple[str, str]]:
    """What is linked to what, whatever the attributes: text without signs, target."""
    found = []
    for attributes, shown in LINK.findall(text):
        href = HREF.search(attributes)
        assert href is not None
        target = unquote(html.unescape(href[1]))
        target = re.sub(r"^https://twitter\.com/search\?q=[#$]", "tag:", target)
        if "tweet-url username" in attributes or "list-slug" in attributes:
            target = re.sub(r"^https://twitter\.com/", "/", target)
        found.append((html.unescape(shown).lstrip("@\uff20"), target))
    return found


# The section about one kind links nothing else.
KINDS = {"usernames": "/", "lists": "/", "hashtags": "tag:", "urls": "http", "cashtags": "tag:"}


def test_the_same_is_linked_to_the_same(cases):
    suite = cases("autolink")

    assert sum(map(len, suite.values())) == 196
    for section, case in ((name, case) for name, every in suite.items() for case in every):
        ours = _linked(autolink(case["text"], list_url="/", hashtag_url="tag:", cashtag_url="tag:"))
        theirs = _linked(case["expected"])
        if section == "json":
            # Shown by what an API says of an address; only the target is in the text.
            ours, theirs = [("", target) for _, target in ours], [("", to) for _, to in theirs]
        ours = [one for one in ours if one[1].startswith(KINDS.get(section, ""))]
        assert ours == theirs, case["description"]
