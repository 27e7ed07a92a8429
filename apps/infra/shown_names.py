"""Names that people choose and others read: without what nobody sees.

A control of the direction of writing turns round what stands behind a name; a character without a
look makes two names that differ and look the same. Both are taken out. What joins letters and
emoji stays where it joins something.
"""

import unicodedata

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_JOINERS = frozenset({_ZWNJ, _ZWJ})
_FLAG, _LAST_TAG = "\U0001f3f4", "\U000e007f"
# Default_Ignorable_Code_Point of Unicode, the controls of direction among them.
_IGNORABLE = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
# They say how the character before them is drawn.
_SELECTORS = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
_TAGS = ((0xE0020, 0xE007E),)
# A blank that is no space to anybody else.
_BLANK = frozenset("\u2800")


def shown_name(text: str) -> str:
    """A name as it is kept: in one spelling (NFC), in one line, each character with a look; "" if
    nothing is left."""
    line = "".join(" " if _is_control(one) else one for one in unicodedata.normalize("NFC", text))
    kept: list[str] = []
    for place, one in enumerate(line):
        if not _within(one, _IGNORABLE) or _has_work(line, place, kept):
            kept.append(one)
    name = "".join(kept).strip()
    return "" if all(one.isspace() or one in _BLANK for one in name) else name


def _has_work(line: str, place: int, kept: list[str]) -> bool:
    """Whether a character without a look does something to its neighbours."""
    one, before = line[place], kept[-1] if kept else " "
    if before.isspace():
        return False
    if one in _JOINERS:
        after = line[place + 1 : place + 2] or " "
        is_joined = not after.isspace() and not _within(after, _IGNORABLE)
        return is_joined and before not in _JOINERS and not _stands_alone(before)
    if _within(one, _SELECTORS):
        return not _within(before, _IGNORABLE)
    return _is_of_flag(line, place)


def _is_of_flag(line: str, place: int) -> bool:
    """Whether a tag is one of a flag such as that of Wales."""
    start = line.rfind(_FLAG, 0, place)
    end = line.find(_LAST_TAG, place)
    tags = line[start + 1 : end]
    return start >= 0 and end >= 0 and all(_within(one, _TAGS) for one in tags)


def _stands_alone(one: str) -> bool:
    """Whether a letter is of a script in which nothing is joined."""
    return unicodedata.name(one, "").startswith(("LATIN", "DIGIT", "GREEK", "CYRILLIC"))


def _is_control(one: str) -> bool:
    # A NUL is refused later, for what it is.
    return one != "\x00" and unicodedata.category(one) in {"Cc", "Zl", "Zp"}


def _within(one: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(one) <= last for first, last in ranges)
