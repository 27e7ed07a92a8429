"""The tree of a query. Nodes are frozen and compare by what they mean: `at` does not count.

`And` and `Or` have at least two parts and never contain their own kind directly; `Not` holds one
leaf. Texts are as they were typed; who compares them folds them (`tokens.fold`).
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Kind = Literal["retweet", "reply", "quote", "verified", "nullcast"]
Thing = Literal["hashtags", "cashtags", "links", "mentions", "media", "images", "video_link", "geo"]
Counted = Literal["likes", "replies", "reposts"]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the query: 0-based code point offset, and code points."""

    start: int
    length: int

    @property
    def end(self) -> int:
        """The offset behind the last code point."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where in the query a node was read."""

    at: Span = field(compare=False, repr=False, kw_only=True, default=Span(0, 0))


@dataclass(frozen=True, slots=True)
class And(_Placed):
    """All parts."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or(_Placed):
    """At least one part."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not(_Placed):
    """Not this leaf."""

    term: "Leaf"


@dataclass(frozen=True, slots=True)
class Keyword(_Placed):
    """A word or emoji; one with punctuation inside means its pieces side by side."""

    text: str


@dataclass(frozen=True, slots=True)
class Phrase(_Placed):
    """Words side by side, in this order."""

    text: str


@dataclass(frozen=True, slots=True)
class Hashtag(_Placed):
    """`#tag`; `tag` without the sign."""

    tag: str


@dataclass(frozen=True, slots=True)
class Cashtag(_Placed):
    """`$TICKER`, without the sign."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Mention(_Placed):
    """`@user`, without the sign."""

    username: str


@dataclass(frozen=True, slots=True)
class From(_Placed):
    """By this account: a username, or an id in digits."""

    user: str


@dataclass(frozen=True, slots=True)
class To(_Placed):
    """A reply to this account."""

    user: str


@dataclass(frozen=True, slots=True)
class RetweetsOf(_Placed):
    """A retweet of anything by this account."""

    user: str


@dataclass(frozen=True, slots=True)
class Url(_Placed):
    """A link whose pieces contain these, side by side."""

    text: str


@dataclass(frozen=True, slots=True)
class Conversation(_Placed):
    """In the conversation that this tweet began."""

    tweet_id: int


@dataclass(frozen=True, slots=True)
class InReplyTo(_Placed):
    """A direct reply to this tweet."""

    tweet_id: int


@dataclass(frozen=True, slots=True)
class RetweetsOfTweet(_Placed):
    """A retweet of this tweet."""

    tweet_id: int


@dataclass(frozen=True, slots=True)
class QuotesOfTweet(_Placed):
    """A quote of this tweet."""

    tweet_id: int


@dataclass(frozen=True, slots=True)
class InList(_Placed):
    """By a member of this list."""

    list_id: int


@dataclass(frozen=True, slots=True)
class Context(_Placed):
    """Annotated with an entity of a domain: ids in digits, or `*` for any in one of the two."""

    domain: str
    entity: str


@dataclass(frozen=True, slots=True)
class Entity(_Placed):
    """Annotated with an entity of this name."""

    name: str


@dataclass(frozen=True, slots=True)
class InPlace(_Placed):
    """Tagged with a place of this id or full name."""

    place: str


@dataclass(frozen=True, slots=True)
class PlaceCountry(_Placed):
    """Tagged with a place in this country: ISO 3166 alpha-2, upper case."""

    country: str


@dataclass(frozen=True, slots=True)
class PointRadius(_Placed):
    """Within `radius` of a point; degrees, and `unit` mi or km."""

    longitude: float
    latitude: float
    radius: float
    unit: Literal["mi", "km"]


@dataclass(frozen=True, slots=True)
class BoundingBox(_Placed):
    """In a box, edges included; degrees."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class AtLeast(_Placed):
    """So many likes, replies or reposts, or more."""

    counted: Counted
    count: int


@dataclass(frozen=True, slots=True)
class Is(_Placed):
    """A kind of tweet."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Has(_Placed):
    """A tweet with at least one of these."""

    thing: Thing


@dataclass(frozen=True, slots=True)
class Lang(_Placed):
    """In this language: a BCP 47 tag in lower case, or X's `und`, `qme`, …"""

    code: str


@dataclass(frozen=True, slots=True)
class Since(_Placed):
    """Made on this day (UTC) or later."""

    day: date


@dataclass(frozen=True, slots=True)
class Until(_Placed):
    """Made before this day (UTC) began."""

    day: date


Leaf = (
    Keyword | Phrase | Hashtag | Cashtag | Mention | From | To | RetweetsOf | Url | Conversation
    | InReplyTo | RetweetsOfTweet | QuotesOfTweet | InList | Context | Entity | InPlace
    | PlaceCountry | PointRadius | BoundingBox | AtLeast | Is | Has | Lang | Since | Until
)  # fmt: skip
Node = And | Or | Not | Leaf


def leaves(node: Node) -> list[Leaf]:
    """All leaves from left to right, negated ones too."""
    if isinstance(node, And | Or):
        return [leaf for part in node.parts for leaf in leaves(part)]
    return [node.term if isinstance(node, Not) else node]
