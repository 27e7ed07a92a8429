"""Which voices are looked at when more is said than need be counted. Knows no Redis.

Beyond BUDGET pairs of a term and a voice in an hour, every second voice is looked at and counts for
two, then every fourth, …: level by level. Whoever is of the part of a level is of those of all
levels below, and within an hour levels only go up: so what is kept of a voice that speaks again
stays right. A voice is in or out with all that it says in an hour, by a number drawn for it, so
nothing of those who are out needs to be read.
"""

BUDGET = 100_000
MAX_LEVEL = 12
HOUR_MS = 3_600_000
# What is drawn: one of so many.
DRAWS = 10**6

_ODD, _OTHER, _BITS = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03, (1 << 64) - 1


def draw(speaker: int, ms: int) -> int:
    """The number drawn for somebody in the hour of a time in Unix ms: 0 to DRAWS - 1.

    The same in every process. Multiplied twice, as the finish of MurmurHash3 does, since ids that
    are made together differ in few bits.
    """
    mixed = (speaker ^ (ms // HOUR_MS * _OTHER)) * _ODD & _BITS
    mixed = (mixed ^ mixed >> 29) * _OTHER & _BITS
    return (mixed >> 32) % DRAWS


def is_in(drawn: int, level: int) -> bool:
    """Whether whoever has drawn this is of the part of a level."""
    return not drawn % (1 << level)


def level_of(looked_at: int) -> int:
    """The level of an hour in which so many pairs were looked at, those of `begin_at` counted."""
    return min(looked_at // BUDGET, MAX_LEVEL)


def begin_at(offered: int) -> int:
    """The level to begin an hour at, when so many pairs were offered in the hour before.

    One below what that would have needed from its start: with as many again it is reached soon.
    """
    return min(max((offered // BUDGET).bit_length() - 2, 0), MAX_LEVEL)
