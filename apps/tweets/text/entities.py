"""What a text holds: addresses, mentions, lists, hashtags and cashtags."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from typing import TypeVar

from apps.tweets.text.characters import DIRECTIONS, LATIN, SPACES, TAG_SIGNS, WORDS
from apps.tweets.text.shapes import (
    Cashtag,
    Entities,
    Entity,
    Hashtag,
    ListMention,
    Mention,
    Url,
)
from apps.tweets.text.urls import find_urls

# More than 4,000 characters (`MAX_STORED`) have room for; what comes after is not looked for.
MAX_OF_A_KIND = 2_000
_AT = "[@\uff20]"
_AFTER_NAME = rf"(?!{_AT}|[{LATIN}]|://)"
# `RT@name` counts although a letter stands before the sign.
_MENTION = re.compile(
    rf"{_AT}(?:(?<![A-Za-z0-9_!#$%&*@\uff20]{_AT})"
    rf"|(?<=[Rr][Tt]{_AT})(?<![A-Za-z0-9_+~.@\uff20-][Rr][Tt]{_AT}))"
    rf"(?>([A-Za-z0-9_]{{1,20}}+)((?:/[A-Za-z][A-Za-z0-9_-]{{0,24}})?)){_AFTER_NAME}"
)
_REPLY = re.compile(rf"[{SPACES}{DIRECTIONS}]*+{_AT}([A-Za-z0-9_]{{1,20}}+){_AFTER_NAME}")
_HASH = "[#\uff03]"
# A variation selector ends an emoji, so that a tag may follow it although it counts as a mark.
_HASHTAG = re.compile(
    rf"{_HASH}(?![\x00-/:-@\[-\^`{{-\x7f\ufe0f\u20e3])"
    rf"(?:(?<=[\ufe0e\ufe0f]{_HASH})|(?<![&{WORDS}{TAG_SIGNS}]{_HASH}))"
    rf"([{WORDS}{TAG_SIGNS}]++)(?!{_HASH}|://)"
)
_ASCII_LETTER = re.compile("[A-Za-z]")
_CASHTAG = re.compile(
    rf"\$(?<![^{SPACES}{DIRECTIONS}]\$)([A-Za-z]{{1,6}}(?:[._][A-Za-z]{{1,2}})?)"
    r"(?=\Z|[\s!-/:-@\[-`{-~])"
)
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_start = itemgetter(0)
Kind = TypeVar("Kind", Url, Mention, ListMention, Hashtag, Cashtag)


def extract_entities(text: str, *, bare_urls: bool = True) -> Entities:
    """All that the text holds; where two things overlap, the one that begins first stays.

    Args:
        bare_urls: addresses without `https://` count too.
    """
    every = entities_in_order(text, bare_urls=bare_urls)
    return Entities(
        urls=tuple(one for one in every if isinstance(one, Url)),
        mentions=tuple(one for one in every if isinstance(one, Mention)),
        lists=tuple(one for one in every if isinstance(one, ListMention)),
        hashtags=tuple(one for one in every if isinstance(one, Hashtag)),
        cashtags=tuple(one for one in every if isinstance(one, Cashtag)),
    )


def entities_in_order(text: str, *, bare_urls: bool = True) -> list[Entity]:
    """The same in one list, by place."""
    urls = find_urls(text, bare=bare_urls) if "." in text else []
    others: list[Entity] = []
    if "@" in text or "\uff20" in text:
        others.extend(islice(_mentions(text), MAX_OF_A_KIND))
    if "#" in text or "\uff03" in text:
        others.extend(islice(_hashtags(text), MAX_OF_A_KIND))
    if "$" in text:
        others.extend(islice(_cashtags(text), MAX_OF_A_KIND))
    if not others:
        return [*urls]
    others.extend(urls)
    others.sort(key=_start)
    # Only addresses can overlap with anything.
    return list(_apart(others)) if urls else others


def extract_reply_username(text: str) -> str | None:
    """The account that the text begins with, after spaces only; None if it begins otherwise."""
    match = _REPLY.match(text)
    return match[1] if match is not None else None


def in_utf16(text: str, entities: Entities) -> Entities:
    """The same entities with places in UTF-16 units, as JavaScript counts."""
    astral = [match.start() for match in _ASTRAL.finditer(text)]
    if not astral:
        return entities
    return Entities(
        urls=tuple(_moved(one, astral) for one in entities.urls),
        mentions=tuple(_moved(one, astral) for one in entities.mentions),
        lists=tuple(_moved(one, astral) for one in entities.lists),
        hashtags=tuple(_moved(one, astral) for one in entities.hashtags),
        cashtags=tuple(_moved(one, astral) for one in entities.cashtags),
    )


def _moved(one: Kind, astral: list[int]) -> Kind:
    return one._replace(
        start=one.start + bisect_left(astral, one.start),
        end=one.end + bisect_left(astral, one.end),
    )


def _apart(entities: list[Entity]) -> Iterator[Entity]:
    done = 0
    for one in entities:
        if one.start >= done:
            yield one
            done = one.end


def _mentions(text: str) -> Iterator[Mention | ListMention]:
    for match in _MENTION.finditer(text):
        start, end = match.span()
        if slug := match[2]:
            yield ListMention(start, end, match[1], slug[1:])
        else:
            yield Mention(start, end, match[1])


def _hashtags(text: str) -> Iterator[Hashtag]:
    for match in _HASHTAG.finditer(text):
        tag = match[1]
        if _ASCII_LETTER.search(tag) or (
            not tag.isascii() and any(unicodedata.category(char)[0] in "LM" for char in tag)
        ):
            yield Hashtag(match.start(), match.end(), tag)


def _cashtags(text: str) -> Iterator[Cashtag]:
    for match in _CASHTAG.finditer(text):
        yield Cashtag(match.start(), match.end(), match[1])
