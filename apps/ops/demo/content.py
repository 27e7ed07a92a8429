"""What the demo world is made of, read from the two files beside this one."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Star:
    """Somebody with a face: a written profile and written posts."""

    username: str
    name: str
    bio: str
    location: str
    lang: str
    posts: tuple[str, ...]
    # Words that the classes of the drawn picture have to hold; "" for any picture.
    face: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A post of the last hours, so that a first home page is alive.

    `warmth` is how well it is liked, 1 to 10; `quotes` names whose newest fresh post it quotes.
    """

    by: str
    minutes: int
    text: str
    warmth: int = 3
    quotes: str = ""
    retweeted_by: str = ""
    retweeted_minutes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A conversation: (who, what), the first one is answered by the others."""

    hours: int
    turns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """What a part of the crowd talks about: templates, and the words for their gaps."""

    name: str
    lang: str
    bios: tuple[str, ...]
    posts: tuple[str, ...]
    words: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rush:
    """What many people write of at once, from so many minutes ago until now, in this order."""

    lang: str
    minutes: int
    posts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Everything that was written by hand."""

    stars: tuple[Star, ...]
    fresh: tuple[Fresh, ...]
    talks: tuple[Talk, ...]
    interests: tuple[Interest, ...]
    rushes: tuple[Rush, ...]
    first_names: list[str]
    last_names: list[str]
    places: list[str]
    replies: dict[str, list[str]]


def load() -> Content:
    """Read both files."""
    people = tomllib.loads((_HERE / "people.toml").read_text(encoding="utf-8"))
    voices = tomllib.loads((_HERE / "voices.toml").read_text(encoding="utf-8"))
    return Content(
        stars=tuple(Star(**one | {"posts": tuple(one["posts"])}) for one in people["people"]),
        fresh=tuple(Fresh(**one) for one in people["fresh"]),
        talks=tuple(
            Talk(
                hours=one["hours"],
                turns=tuple((who, what) for who, what in [one["start"], *one["replies"]]),
            )
            for one in people["threads"]
        ),
        interests=tuple(_interest(one, voices["common"]) for one in voices["interests"]),
        rushes=tuple(Rush(**one | {"posts": tuple(one["posts"])}) for one in voices["rushes"]),
        first_names=voices["names"]["first"],
        last_names=voices["names"]["last"],
        places=voices["names"]["places"],
        replies=voices["replies"],
    )


def _interest(one: dict[str, Any], common: dict[str, list[str]]) -> Interest:
    plain = {"name", "lang", "tag", "bio", "posts"}
    return Interest(
        name=one["name"],
        lang=one["lang"],
        bios=tuple(one["bio"]),
        posts=tuple(one["posts"]),
        words=common | {key: words for key, words in one.items() if key not in plain},
    )
