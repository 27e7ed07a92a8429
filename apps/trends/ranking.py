"""What trends: bursts against a term's own history, not volume. Plain numbers, no Django.

The voices of the last hour are held against what the term's own past makes one expect of an hour.
The past is a mean that forgets: an hour counts half of one a day later. What is always talked of
expects much of itself; what goes on for a day comes to be expected.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

# Different people within the hour, below which nothing trends; phrases come by chance more often.
MIN_VOICES = 3
MIN_PHRASE_VOICES = 5
# A burst is twice the usual, and no mere chance.
MIN_RATIO, MIN_SCORE = 2.0, 2.0
# Keeps a term that nobody knew from winning with its first few voices.
SLACK = 1.0
HALF_LIFE_HOURS = 24.0
HISTORY_HOURS = 72
DECAY: float = 0.5 ** (1 / HALF_LIFE_HOURS)
WEIGHTS: tuple[float, ...] = tuple(DECAY**age for age in range(HISTORY_HOURS))


@dataclass(frozen=True, slots=True)
class Ranked:
    """One term of a list; `voices` are those of the last hour."""

    key: str
    score: float
    voices: float


def expected(hours: Sequence[int], *, known_hours: int) -> float:
    """Voices an hour that a term's past makes one expect.

    Args:
        hours: voices of past hours, the newest first; hours without a post are 0.
        known_hours: how many hours back anything at all is known, so that a young site does not
            take everything for new.
    """
    span = min(max(known_hours, 1), HISTORY_HOURS)
    total = sum(
        weight * count for weight, count in zip(WEIGHTS, hours[:span], strict=False) if count
    )
    return total / sum(WEIGHTS[:span])


def burst(voices: float, usual: float) -> float:
    """How far an hour is beyond the usual, in deviations of a count about that high (Poisson)."""
    return (voices - usual) / math.sqrt(usual + SLACK)


def is_heard(key: str, voices: float) -> bool:
    """Whether enough different people say it."""
    return voices >= (MIN_VOICES if key.startswith("#") else MIN_PHRASE_VOICES)


def ranked(voices: Mapping[str, float], usual: Mapping[str, float], *, limit: int) -> list[Ranked]:
    """The strongest bursts first, each thing once.

    Args:
        voices: of the last hour, by key.
        usual: what is expected of an hour, by key; 0 where nothing is known.
    """
    found = [
        Ranked(key, burst(count, usual.get(key, 0.0)), count)
        for key, count in voices.items()
        if is_heard(key, count) and count >= MIN_RATIO * usual.get(key, 0.0)
    ]
    found = [one for one in found if one.score >= MIN_SCORE]
    found.sort(key=lambda one: (-one.score, -one.voices, one.key))
    return _each_thing_once(found, limit)


def _each_thing_once(found: Iterable[Ranked], limit: int) -> list[Ranked]:
    """Without phrases that are in what stands above them, or are a tag above in other letters."""
    kept: list[Ranked] = []
    shapes: list[str] = []
    for one in found:
        shape = _shape(one.key)
        is_tag = one.key.startswith("#")
        if not is_tag and any(shape in other or other in shape for other in shapes):
            continue
        kept.append(one)
        shapes.append(shape)
        if len(kept) >= limit:
            break
    return kept


def _shape(key: str) -> str:
    return "".join(char for char in key if char.isalnum())


def is_blocked(key: str, words: Collection[str]) -> bool:
    """Whether a term is one of these words, with or without #, or a phrase that has one in it."""
    bare = key.removeprefix("#")
    return key in words or bare in words or any(word in words for word in bare.split(" "))
