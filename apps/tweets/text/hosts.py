"""Host names inside running text: where a domain ends, and whether a resolver could take it."""

import re
from functools import cache
from pathlib import Path

from apps.tweets.text.characters import DIRECTIONS, HOST_ENDS, INVALID, LATIN, SPACES

MAX_LABEL = 63
# One name a line. Browsers read it too, where a post is written.
_TLD_FILE = Path(__file__).parents[1] / "static" / "tweets" / "tlds.txt"
_ASCII_TLD = re.compile(r"[A-Za-z]++(?![0-9@+-])")
_PUNYCODE = re.compile(r"[Xx][Nn]--[0-9A-Za-z]++")
_NO_TLD_BEFORE = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@+-")
_ASCII_LABELS = re.compile(rf"(?>(?:[A-Za-z0-9_{LATIN}-]++\.)+)")
# Full stops of East Asian writing; a resolver takes them for dots.
_WIDE_DOTS = re.compile("[\u3002\uff0e\uff61]")

HOST_RUN = re.compile(rf"[^{HOST_ENDS}]++")
# A dot that a top-level domain may follow: without one there is no host.
HOST_DOT = re.compile(
    rf"[^{HOST_ENDS}._-]\."
    rf"(?:[A-Za-z]{{2,63}}+(?![0-9@+-])|[Xx][Nn]--|[^\x00-\x7f{SPACES}{DIRECTIONS}{INVALID}])"
)


@cache
def _tlds() -> tuple[frozenset[str], dict[str, tuple[str, ...]]]:
    """Top-level domains in ASCII, and the others by first character, the longest first."""
    names = _TLD_FILE.read_text(encoding="utf-8").split()
    others: dict[str, tuple[str, ...]] = {}
    for name in sorted((name for name in names if not name.isascii()), key=len, reverse=True):
        others[name[0]] = (*others.get(name[0], ()), name)
    return frozenset(name for name in names if name.isascii()), others


def tld_end(text: str, start: int) -> int:
    """Where the top-level domain that begins at `start` ends; 0 if none begins there."""
    ascii_names, others = _tlds()
    letters = _ASCII_TLD.match(text, start)
    if letters is not None and letters[0].lower() in ascii_names:
        return letters.end()
    for name in others.get(text[start].lower(), ()):
        end = start + len(name)
        if text[start:end].lower() == name and text[end : end + 1] not in _NO_TLD_BEFORE:
            return end
    encoded = _PUNYCODE.match(text, start)
    return encoded.end() if encoded is not None else 0


class Run:
    """A stretch of characters that may stand in host names, cut at its dots.

    Everything that can be said of a label without knowing where a domain begins is worked out once,
    from right to left; so asking costs the same however many labels there are.
    """

    __slots__ = ("begins", "labels", "tails", "tlds")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.labels = labels = text[start:end].split(".")
        begins: list[int] = []
        self.begins = begins
        for label in labels:
            begins.append(start)
            start += len(label) + 1
        # `tlds[i]`: where a top-level domain at the start of label i ends, or 0. `tails[i]`: where
        # the longest domain that begins with the whole of label i ends, or 0.
        self.tlds = tlds = [0] * len(labels)
        self.tails = tails = [0] * len(labels)
        for at in range(len(labels) - 1, -1, -1):
            label = labels[at]
            if not label or label[0] in "-_":
                continue
            if at:
                tlds[at] = tld_end(text, begins[at])
            if at + 1 < len(labels) and label[-1] not in "-_":
                tails[at] = tails[at + 1] or (0 if "_" in label else tlds[at + 1])

    def reach(self, at: int) -> tuple[int, int]:
        """The end of a domain that begins inside label `at`, and how early it may begin; else 0, 0.

        An underscore may stand in a subdomain, never in the name right before the top level.
        """
        label = self.labels[at]
        if not label or label[-1] in "-_":
            return 0, 0
        if self.tails[at + 1]:
            return self.tails[at + 1], self.begins[at]
        if self.tlds[at + 1]:
            return self.tlds[at + 1], self.begins[at] + label.rfind("_") + 1
        return 0, 0


def ascii_domains(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The domains in Latin letters inside a domain of mixed scripts: start and end of each.

    Where a sentence without spaces runs into an address, only this part was meant.
    """
    found = []
    for labels in _ASCII_LABELS.finditer(text, start, end):
        dot = labels.end() - 1
        while dot > labels.start():
            ends = tld_end(text, dot + 1) if dot + 1 < end else 0
            if ends:
                found.append((labels.start(), min(ends, end)))
                break
            dot = text.rfind(".", labels.start(), dot)
    return found


def encoded_length(host: str) -> int:
    """The length of a host as a resolver is asked for it (punycode); 0 if it cannot be asked."""
    total = -1
    for label in host.split("."):
        if label.isascii():
            length = len(label)
        elif len(label) >= MAX_LABEL or label[:4].lower() == "xn--":
            return 0
        else:
            parts = _WIDE_DOTS.split(label)
            length = sum(map(_punycode_length, parts)) + len(parts) - 1
        if not 0 < length <= MAX_LABEL:
            return 0
        total += length + 1
    return total


def _punycode_length(label: str) -> int:
    """The length of `label` in punycode with its `xn--`, by RFC 3492; above `MAX_LABEL` any number.

    The standard library encodes too, in quadratic time.
    """
    if label.isascii():
        return len(label)
    wide = sorted((ord(char), place) for place, char in enumerate(label) if char > "\x7f")
    handled = len(label) - len(wide)
    length = 4 + handled + bool(handled)
    # One bit per character of the label that stands in the output so far.
    placed = sum(1 << place for place, char in enumerate(label) if char <= "\x7f")
    point, index, bias = 128, 0, 72
    first = True
    for code, place in wide:
        rank = (placed & ((1 << place) - 1)).bit_count()
        delta = (code - point) * (handled + 1) + rank - index
        placed |= 1 << place
        handled += 1
        point, index = code, rank + 1
        length += _digits(delta, bias)
        if length > MAX_LABEL:
            break
        bias = _adapt(delta // (700 if first else 2), handled)
        first = False
    return length


def _digits(delta: int, bias: int) -> int:
    """How many digits of base 36 the number takes."""
    digits, threshold = 1, 36 - bias
    while delta >= (limit := min(max(threshold, 1), 26)):
        delta = (delta - limit) // (36 - limit)
        threshold += 36
        digits += 1
    return digits


def _adapt(delta: int, handled: int) -> int:
    """The bias for the number after this one."""
    delta += delta // handled
    bias = 0
    while delta > (36 - 1) * 26 // 2:
        delta //= 36 - 1
        bias += 36
    return bias + 36 * delta // (delta + 38)
