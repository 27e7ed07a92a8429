"""Long posts: an archive keeps their text apart, and no id leads from one to the other."""

import re
from collections.abc import Iterable

from apps.archives.reading.records import Post
from apps.archives.reading.texts import MAX_TEXT, clean, dicts, long_links, seconds_of, unescaped

# Beyond them notes are counted and not joined: they are all held in memory.
MAX_NOTES = 20_000
MAX_BYTES = 64 * 1024 * 1024
_LINK = re.compile(r"https?://\S+")
_NAMES = re.compile(r"(?:@\w+\s+)+")
_SPACE = re.compile(r"\s+")
# What follows is cut in the post, and escaped in other ways.
_PREFIX = 120
_MIN_PREFIX = 20


class Notes:
    """The long texts by the second in which they were written."""

    def __init__(self, found: Iterable[object]) -> None:
        self._by_second: dict[int, list[tuple[str, str]]] = {}
        self.count = self.joined = 0
        size = 0
        for one in found:
            note = one.get("noteTweet") if isinstance(one, dict) else None
            core = note.get("core") if isinstance(note, dict) else None
            if not isinstance(note, dict) or not isinstance(core, dict):
                continue
            self.count += 1
            at, text = seconds_of(note.get("createdAt")), core.get("text")
            if at is None or not isinstance(text, str) or self.count > MAX_NOTES:
                continue
            size += len(text)
            if size <= MAX_BYTES:
                text = text[:MAX_TEXT]
                whole = long_links(clean(unescaped(text)), dicts(core.get("urls")))
                self._by_second.setdefault(at, []).append((_folded(text), whole))

    def join(self, post: Post) -> None:
        """Give a post its long text: one of the same second that begins as it does."""
        notes = self._by_second.get(post.at)
        if not notes or post.is_retweet:
            return
        own = _folded(post.text)
        for begins in (own, _NAMES.sub("", own, count=1)):
            for place, (folded, whole) in enumerate(notes):
                if len(begins) >= min(_MIN_PREFIX, len(folded)) and folded.startswith(begins):
                    names = own[: len(own) - len(begins)]
                    post.text = whole if whole.startswith(names.strip()) else names + whole
                    post.is_joined = True
                    post.quote_link = post.quote_link if post.quote_link in whole else ""
                    del notes[place]
                    self.joined += 1
                    return


def _folded(text: str) -> str:
    """The beginning of a text without links, ends that were cut, and ways to write a space."""
    plain = _LINK.sub(" ", clean(unescaped(text)))
    plain = _SPACE.sub(" ", plain).strip().removesuffix("…").strip()
    return plain[:_PREFIX]
