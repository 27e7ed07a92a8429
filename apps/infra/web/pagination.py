"""Page tokens: opaque, 19 characters of a-z and 0-9: a direction, an id, a depth, a check.

The id is a position in the collection, not an offset: what is posted or deleted meanwhile neither
repeats nor skips anything. The depth says how deep that was when the token was made; it is only a
hint where to look first. Direction and id are one number in hexadecimal, because a token is in
every page, and that is written at once. X's tokens have 16 to 19 characters, and clients may check.
"""

from dataclasses import dataclass
from typing import Literal

from apps.infra.errors import Invalid

Direction = Literal["n", "p"]
# The check is a remainder of a prime with as many digits, and every place has a weight of its own
# there: one digit that is wrong, or two neighbours that changed places, give another remainder.
# It tells a typing mistake and is no secret: a token opens nothing by itself.
_PRIME = 31
_DIGITS = "0123456789abcdefghijklmnopqrstu"
_TWO_DIGITS = [first + second for first in _DIGITS for second in _DIGITS]
_WEIGHTS = [3 * first + 2 * second for first in range(_PRIME) for second in range(_PRIME)]
_LETTERS = frozenset(_DIGITS)
_ID_DIGITS = 16
LENGTH = _ID_DIGITS + 3
MAX_DEPTH = len(_TWO_DIGITS) - 1
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
    place = position_id if direction == "n" else position_id | _BACK
    if depth > MAX_DEPTH:
        depth = 0
    return f"{place:016x}{_TWO_DIGITS[depth]}{_DIGITS[(place + _WEIGHTS[depth]) % _PRIME]}"


def decode(token: str) -> Position:
    """What a token says.

    Raises:
        BadPageToken: it was altered, cut or made up.
    """
    if len(token) == LENGTH and _LETTERS.issuperset(token):
        try:
            place, depth = int(token[:_ID_DIGITS], 16), int(token[_ID_DIGITS:-1], _PRIME)
        except ValueError as error:
            raise _bad() from error
        if _DIGITS[(place + _WEIGHTS[depth]) % _PRIME] == token[-1]:
            return Position("p" if place & _BACK else "n", place & MAX_ID, depth)
    raise _bad()


def _bad() -> BadPageToken:
    return BadPageToken("This page token is not valid.", field="pagination_token")
