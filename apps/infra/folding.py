"""Texts without what does not matter where words are compared: case, accents, width."""

import re
import unicodedata

# Accents, and the vowel points of Hebrew and Arabic.
_POINTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670]")


def fold(text: str) -> str:
    """The text in lower case, without accents and vowel points, in letters of one width."""
    plain = _POINTS.sub("", unicodedata.normalize("NFKD", text)).casefold()
    return unicodedata.normalize("NFKC", plain)
