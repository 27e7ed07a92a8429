"""Where in a text stands what a query asks for: for marks around it on pages."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from apps.search.query import tokens
from apps.search.query import tree as t

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Placed:
    """A unit of a text with its place there; of each lexeme, how many units it takes."""

    start: int
    end: int
    widths: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a query asks of the words of a text, as lexemes at offsets from the first."""

    phrases: tuple[tokens.Sought, ...]

    def places(self, text: str) -> list[Place]:
        """Half-open places in characters, in order and apart, word by word."""
        if not self.phrases:
            return []
        units = _placed(text)
        hit: set[int] = set()
        for phrase in self.phrases:
            for first in range(len(units)):
                hit.update(_stands(phrase, units, first))
        return _apart(sorted((units[number].start, units[number].end) for number in hit))


def wanted_of(tree: t.Node) -> Wanted:
    """All words, phrases, tags and names of a query but those that must not be there."""
    return Wanted(tuple(phrase for phrase in map(_phrase_of, _positive(tree)) if phrase))


def _positive(node: t.Node) -> Iterator[t.Leaf]:
    match node:
        case t.Not():
            return
        case t.And(parts) | t.Or(parts):
            for part in parts:
                yield from _positive(part)
        case _:
            yield node


def _phrase_of(leaf: t.Leaf) -> tokens.Sought:
    match leaf:
        case t.Keyword(text) | t.Phrase(text):
            return tokens.sought(text)
        case t.Hashtag(tag):
            return ((0, f"#{tokens.fold(tag)}"),)
        case t.Cashtag(symbol):
            return ((0, f"${tokens.fold(symbol)}"),)
        case t.Mention(username):
            return ((0, f"@{tokens.fold(username)}"),)
        case _:
            return ()


def _stands(phrase: tokens.Sought, units: list[_Placed], first: int) -> Iterator[int]:
    """The units that a phrase takes when it begins at one of them; none if it does not."""
    found: list[int] = []
    for offset, lexeme in phrase:
        number = first + offset
        width = units[number].widths.get(lexeme) if number < len(units) else None
        if width is None:
            return
        found += range(number, min(number + width, len(units)))
    yield from found


def _apart(places: list[Place]) -> list[Place]:
    """Characters side by side, of a text without spaces, under one mark."""
    found: list[Place] = []
    for start, end in places:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _placed(text: str) -> list[_Placed]:
    """The units of `tokens.read` with their places."""
    found: list[_Placed] = []
    for start, end in tokens.raw_places(text):
        units = tokens.read(text[start:end]).units
        places = _places_inside(text, start, end) if len(units) > 1 else []
        if len(places) != len(units):
            # It cannot be taken apart as its folded form: each unit has all of it.
            places = [(start, end)] * len(units)
        found += [
            _Placed(*place, _widths(unit, len(units)))
            for place, unit in zip(places, units, strict=True)
        ]
    return found


def _places_inside(text: str, start: int, end: int) -> list[Place]:
    """Each character of a script without spaces alone, with its marks; else runs of letters."""
    cuts: list[int] = []
    was_alone = True
    for place in range(start, end):
        if unicodedata.category(text[place]).startswith("M"):
            continue
        is_alone = tokens.is_spaceless(text[place])
        if is_alone or was_alone:
            cuts.append(place)
        was_alone = is_alone
    places: list[Place] = []
    first = start
    for cut, behind in pairwise([*cuts, end]):
        count = len(tokens.read(text[cut:behind]).units)
        if count:
            places += [(first, behind)] * count
            first = behind
    return places


def _widths(unit: tokens.Unit, all_units: int) -> dict[str, int]:
    widths = {}
    for lexeme in unit.lexemes:
        if lexeme[0] in "#$@" and len(lexeme) > 1:
            widths[lexeme] = all_units
        elif lexeme != unit.lexemes[0] and tokens.is_spaceless(lexeme[0]):
            # Two neighbours.
            widths[lexeme] = 2
        else:
            widths[lexeme] = 1
    return widths
