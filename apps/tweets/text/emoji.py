"""Emoji by their names: Unicode's, and those that people know from other places."""

import re
import unicodedata
from functools import cache

from apps.tweets.text.characters import EMOJI

LAST = 0x1FAFF
_ASTRAL = 0x10000
# Draws as a picture what could also be a sign of text.
_AS_PICTURE = "\ufe0f"
# Short names that are not the beginning of a word of Unicode's.
_USUAL = {
    "+1": "👍", "-1": "👎", "100": "💯", "angry": "😠", "bee": "🐝", "birthday": "🎂",
    "blush": "😊", "boom": "💥", "champagne": "🍾", "clap": "👏", "coffee": "☕",
    "confused": "😕", "cool": "😎",
    "cry": "😢", "eyes": "👀", "facepalm": "🤦", "fingers": "🤞", "flex": "💪", "gift": "🎁",
    "grin": "😁", "heart": "❤", "hooray": "🎉", "hug": "🤗", "hundred": "💯", "idea": "💡",
    "joy": "😂", "kiss": "😘", "laugh": "😆", "lol": "😂", "love": "❤", "mail": "✉", "muscle": "💪",
    "ok": "👌", "party": "🥳", "phone": "📱", "please": "🙏", "poop": "💩", "pray": "🙏",
    "rofl": "🤣", "sad": "😢", "scream": "😱", "shrug": "🤷", "skull": "💀", "smile": "😄",
    "sob": "😭", "sun": "☀", "sunglasses": "😎", "sweat": "😅", "tada": "🎉", "thanks": "🙏",
    "think": "🤔", "thumbsdown": "👎", "thumbsup": "👍", "wave": "👋", "wink": "😉", "wow": "😮",
    "yum": "😋",
}  # fmt: skip


def found(text: str, *, limit: int) -> list[tuple[str, str]]:
    """Emoji whose names begin with these words, or have words that do, and what they are called.

    Usual short names come first, then the names that begin so, then the shorter ones.
    """
    words = text.lower().replace("_", " ").split()
    if not words:
        return []
    usual = {sign: 0 for name, sign in _USUAL.items() if name.startswith(text.lower())}
    if text.lower() in _USUAL:
        usual[_USUAL[text.lower()]] = -1
    names = _names()
    ranked = [
        (usual.get(sign, 1), not name.startswith(words[0]), len(name), name, sign)
        for sign, name in names.items()
        if sign in usual or _has(name, words)
    ]
    return [(_drawn(sign), name) for *_, name, sign in sorted(ranked)[:limit]]


def _has(name: str, words: list[str]) -> bool:
    parts = name.replace("-", " ").split()
    return all(any(part.startswith(word) for part in parts) for word in words)


def _drawn(sign: str) -> str:
    return sign if ord(sign) >= _ASTRAL else sign + _AS_PICTURE


@cache
def _names() -> dict[str, str]:
    pattern = re.compile(f"[{EMOJI}]")
    signs = (chr(code) for code in range(LAST + 1))
    named = {sign: unicodedata.name(sign, "").lower() for sign in signs if pattern.match(sign)}
    # Colours of skin and hair are parts of others.
    return {sign: name for sign, name in named.items() if name and "emoji " not in name}
