"""Page tokens: opaque, 21 characters of 0-9 and a-f: a direction, an id, a depth, a check.

The id is a position in the collection, not an offset: what is posted or deleted meanwhile neither
repeats nor skips anything. The depth says how deep that was when the token was made; it is only a
hint where to look first. All four are one number, because a token is in every page, and one number
is written at once.
"""

from dataclasses import dataclass
from typing import Literal

from apps.infra.errors import Invalid

Direction = Literal["n", "p"]
LENGTH = 21
_DIGITS = frozenset("0123456789abcdef")
# A prime: one digit that is wrong, or two neighbours that changed places, give another remainder.
# It tells a typing mistake and is no secret: a token opens nothing by itself.
_PRIME = 251
MAX_DEPTH = 4095
MAX_ID = (1 << 63) - 1
_BACK = 1 << 63


class BadPageToken(Invalid):
    """The token was not made here."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: `n` goes on to older entries below the id, `p` back to newer ones.

    `depth` says how many entries were newer when the token was made; 0: not known.
    """

    direction: Direction
    id: int
    depth: int = 0


def encode(direction: Direction, position_id: int, *, depth: int = 0) -> str:
    """The token of a page; a `depth` above MAX_DEPTH is left out."""
    return f"{_number(position_id if direction == 'n' else position_id | _BACK, depth):021x}"


def encode_next(position_id: int, *, depth: int) -> bytes:
    """The same for the next page, as bytes: the way of the hottest pages."""
    return b"%021x" % _number(position_id, depth)


def _number(place: int, depth: int) -> int:
    if 0 < depth <= MAX_DEPTH:
        place |= depth << 64
    return place << 8 | place % _PRIME


def decode(token: str) -> Position:
    """What a token says.

    Raises:
        BadPageToken: it was altered, cut or made up.
    """
    if len(token) == LENGTH and _DIGITS.issuperset(token):
        number = int(token, 16)
        place = number >> 8
        if place % _PRIME == number & 255:
            return Position("p" if place & _BACK else "n", place & MAX_ID, place >> 64)
    raise BadPageToken("This page token is not valid.", field="pagination_token")
