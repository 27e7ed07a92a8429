"""Page tokens: opaque, 16 characters of a-z and 0-9, made of a direction and an id.

The id is a position in the collection, not an offset: what is posted or deleted meanwhile neither
repeats nor skips anything.
"""

import zlib
from dataclasses import dataclass
from typing import Literal

from apps.infra.errors import Invalid

Direction = Literal["n", "p"]
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TWO_DIGITS = [first + second for first in _DIGITS for second in _DIGITS]
_ID_DIGITS = 13
_PAIRS = 7
LENGTH = 1 + _ID_DIGITS + 2
MAX_ID = (1 << 63) - 1


class BadPageToken(Invalid):
    """The token was not made here."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: `n` goes on to older entries below the id, `p` back to newer ones."""

    direction: Direction
    id: int


def encode(direction: Direction, position_id: int) -> str:
    """The token of a page."""
    body = direction + _base36(position_id)
    return body + _check(body)


def decode(token: str) -> Position:
    """What a token says.

    Raises:
        BadPageToken: it was altered, cut or made up.
    """
    body, check = token[:-2], token[-2:]
    well_formed = len(token) == LENGTH and all(letter in _DIGITS for letter in token)
    if not well_formed or token[0] not in "np" or _check(body) != check:
        raise BadPageToken("This page token is not valid.", field="pagination_token")
    position_id = int(body[1:], 36)
    if position_id > MAX_ID:
        raise BadPageToken("This page token is not valid.", field="pagination_token")
    return Position("n" if body[0] == "n" else "p", position_id)


def _base36(number: int) -> str:
    """13 digits, two at a time."""
    pairs = []
    for _ in range(_PAIRS):
        number, pair = divmod(number, len(_TWO_DIGITS))
        pairs.append(_TWO_DIGITS[pair])
    return "".join(reversed(pairs))[-_ID_DIGITS:]


def _check(body: str) -> str:
    """Two letters that tell a typing mistake; no secret, a token opens nothing by itself."""
    return _TWO_DIGITS[zlib.crc32(body.encode()) % len(_TWO_DIGITS)]
