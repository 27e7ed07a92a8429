"""A tweet as the query language sees it."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress
from typing import Literal

from apps.search.query import tokens
from apps.search.query.tokens import Positions

MediaKind = Literal["image", "video", "gif"]
_KINDS = ("retweet", "reply", "quote", "verified", "nullcast")
_THINGS = (
    "hashtags", "cashtags", "links", "mentions", "media", "images", "video_link", "geo",
)  # fmt: skip
_NO_NAMES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One text, ready to be searched: lexemes, and its tags, names and links, folded.

    Positions count from 1, as in PostgreSQL. Links are whole, `url_positions` their pieces.
    """

    positions: Positions
    hashtags: frozenset[str]
    cashtags: frozenset[str]
    mentions: frozenset[str]
    urls: tuple[str, ...]
    url_positions: Positions

    @classmethod
    def of(
        cls,
        text: str,
        *,
        urls: Iterable[str] = (),
        hashtags: Iterable[str] | None = None,
        cashtags: Iterable[str] | None = None,
        mentions: Iterable[str] | None = None,
    ) -> "Body":
        """Read a text.

        Args:
            urls: further links, such as where a short one leads, or those without `https://`.
            hashtags, cashtags, mentions: without their signs, where the caller knows them by
                stricter rules; None takes what is found here.
        """
        words = tokens.plain_words(text)
        if words is not None and not urls and hashtags is cashtags is mentions is None:
            return cls._of_words(words)
        reading = tokens.read(text)
        links = tuple(dict.fromkeys([*reading.urls, *urls]))
        return cls(
            positions=tokens.positions_of((unit.lexemes for unit in reading.units), first=1),
            hashtags=_folded(hashtags, reading.hashtags),
            cashtags=_folded(cashtags, reading.cashtags),
            mentions=_folded(mentions, reading.mentions),
            urls=links,
            url_positions=tokens.url_positions(links),
        )

    @classmethod
    def _of_words(cls, words: Iterable[str]) -> "Body":
        return cls(
            positions=tokens.positions_of(((word,) for word in words), first=1),
            hashtags=_NO_NAMES,
            cashtags=_NO_NAMES,
            mentions=_NO_NAMES,
            urls=(),
            url_positions=tokens.NOWHERE,
        )


def _folded(names: Iterable[str] | None, found: frozenset[str]) -> frozenset[str]:
    return found if names is None else frozenset(map(tokens.fold, names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a tweet says it is from. `country` is ISO 3166 alpha-2, upper case."""

    id: str
    full_name: str
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One tweet. Usernames are as accounts write them; comparisons fold them.

    A retweet has the body of what it repeats. `quoted` is the body of a quoted tweet where it
    counts: in streams, not in search. `contexts` are `domain.entity` ids, `entities` names.
    `author_lists` are the ids of lists that the author is a member of.
    """

    id: int
    author_id: int
    author_username: str
    body: Body
    conversation_id: int
    quoted: Body | None = None
    lang: str = "und"
    in_reply_to_id: int | None = None
    in_reply_to_user_id: int | None = None
    in_reply_to_username: str | None = None
    retweet_of_id: int | None = None
    retweet_of_user_id: int | None = None
    retweet_of_username: str | None = None
    quote_of_id: int | None = None
    like_count: int = 0
    reply_count: int = 0
    repost_count: int = 0
    author_verified: bool = False
    nullcast: bool = False
    media: frozenset[MediaKind] = frozenset()
    place: Place | None = None
    # Degrees, longitude first.
    point: tuple[float, float] | None = None
    contexts: frozenset[str] = frozenset()
    entities: frozenset[str] = frozenset()
    author_lists: frozenset[int] = frozenset()

    @property
    def bodies(self) -> tuple[Body, ...]:
        """What words, tags, names and links are looked for in."""
        return (self.body,) if self.quoted is None else (self.body, self.quoted)


def kinds(document: Document) -> list[str]:
    """What `is:` finds it by."""
    said = (
        document.retweet_of_id is not None,
        document.in_reply_to_id is not None,
        document.quote_of_id is not None,
        document.author_verified,
        document.nullcast,
    )
    return list(compress(_KINDS, said)) if any(said) else []


def things(document: Document) -> list[str]:
    """What `has:` finds it by; only its own body counts."""
    body, media = document.body, document.media
    held = (
        body.hashtags,
        body.cashtags,
        body.urls,
        body.mentions,
        media,
        "image" in media,
        "video" in media,
        document.place is not None or document.point is not None,
    )
    return list(compress(_THINGS, held)) if any(held) else []


def marks(document: Document, bodies: Iterable[Body]) -> frozenset[str]:
    """All that is simply so or not so about a tweet, as strings: `#tag`, `@name`, `is:reply` …

    The index stores those of the own body; a stream asks for those of all its bodies.
    """
    found = {f"is:{kind}" for kind in kinds(document)}
    found |= {f"has:{thing}" for thing in things(document)}
    found.add(f"lang:{document.lang.lower()}")
    for body in bodies:
        found |= {f"#{tag}" for tag in body.hashtags}
        found |= {f"${symbol}" for symbol in body.cashtags}
        found |= {f"@{name}" for name in body.mentions}
    for context in document.contexts:
        domain, _, entity = context.partition(".")
        found |= {f"context:{context}", f"context:{domain}.*", f"context:*.{entity}"}
    found |= {f"entity:{tokens.fold(name)}" for name in document.entities}
    if (place := document.place) is not None:
        found |= {f"place:{tokens.fold(place.id)}", f"place:{tokens.fold(place.full_name)}"}
        found.add(f"country:{place.country.upper()}")
    return frozenset(found)
