"""Page tokens: opaque, 16 or 18 characters of a-z and 0-9, made of a direction and an id.

The id is a position in the collection, not an offset: what is posted or deleted meanwhile neither
repeats nor skips anything. Two further characters may say how deep that was when the token was
made; that is only a hint where to look first.
"""

import zlib
from dataclasses import dataclass
from typing import Literal

from apps.infra.errors import Invalid

Direction = Literal["n", "p"]
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TWO_DIGITS = [first + second for first in _DIGITS for second in _DIGITS]
_ID_DIGITS = 13
_BASE = len(_TWO_DIGITS)
LENGTH = 1 + _ID_DIGITS + 2
DEEP_LENGTH = LENGTH + 2
MAX_DEPTH = _BASE - 1
MAX_ID = (1 << 63) - 1


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
    body = direction + _base36(position_id)
    if 0 < depth <= MAX_DEPTH:
        body += _TWO_DIGITS[depth]
    return body + _check(body)


def decode(token: str) -> Position:
    """What a token says.

    Raises:
        BadPageToken: it was altered, cut or made up.
    """
    body, check = token[:-2], token[-2:]
    is_deep = len(token) == DEEP_LENGTH
    well_formed = (is_deep or len(token) == LENGTH) and all(letter in _DIGITS for letter in token)
    if not well_formed or token[0] not in "np" or _check(body) != check:
        raise BadPageToken("This page token is not valid.", field="pagination_token")
    position_id = int(body[1 : 1 + _ID_DIGITS], 36)
    depth = int(body[1 + _ID_DIGITS :], 36) if is_deep else 0
    if position_id > MAX_ID or (is_deep and not depth):
        raise BadPageToken("This page token is not valid.", field="pagination_token")
    return Position("n" if body[0] == "n" else "p", position_id, depth)


def _base36(number: int) -> str:
    """13 digits, two at a time but for the last; written out because it is in every page."""
    two = _TWO_DIGITS
    number, last = divmod(number, 36)
    number, f = divmod(number, _BASE)
    number, e = divmod(number, _BASE)
    number, d = divmod(number, _BASE)
    number, c = divmod(number, _BASE)
    a, b = divmod(number, _BASE)
    return f"{two[a]}{two[b]}{two[c]}{two[d]}{two[e]}{two[f]}{_DIGITS[last]}"


def _check(body: str) -> str:
    """Two letters that tell a typing mistake; no secret, a token opens nothing by itself."""
    return _TWO_DIGITS[zlib.crc32(body.encode()) % len(_TWO_DIGITS)]
