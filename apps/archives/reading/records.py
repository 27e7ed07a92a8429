"""What an archive says, whatever its generation."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import orjson

EXAMPLES = 100


@dataclass(slots=True, kw_only=True)
class Post:
    """One post. Ids are X's; `at` is Unix time in seconds.

    `text` is plain, with its links at full length, but for `media_link`: the short address that
    stands for the pictures, which goes when they are here and becomes `media_page` when not.
    """

    id: int
    at: int
    text: str
    lang: str = "und"
    source: str = ""
    in_reply_to_id: int | None = None
    in_reply_to_user_id: int | None = None
    # A retweet; its original's id is known in some generations only.
    is_retweet: bool = False
    retweet_of_id: int | None = None
    quote_of_id: int | None = None
    quote_link: str = ""
    media_link: str = ""
    media_page: str = ""
    # Names of files in the archive, in order.
    files: list[str] = field(default_factory=list)
    # How many pictures and videos the post speaks of.
    media_count: int = 0
    is_joined: bool = False
    # Of an edited post: the newest of its versions.
    newest_id: int | None = None

    def as_line(self) -> bytes:
        """One line of JSON, without what is as usual."""
        return orjson.dumps({k: v for k, v in asdict(self).items() if v not in _USUAL}) + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Post":
        """The post of such a line."""
        return cls(**orjson.loads(line))


_USUAL: tuple[Any, ...] = (None, "", False, [])


@dataclass(slots=True)
class Exceptions:
    """What did not come, by reason: how often, and the first ids."""

    found: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, reason: str, about: int | str | None = None, count: int = 1) -> None:
        """Count something that did not come."""
        entry = self.found.setdefault(reason, {"count": 0, "ids": []})
        entry["count"] += count
        if about is not None and len(entry["ids"]) < EXAMPLES:
            entry["ids"].append(str(about))

    def count(self, *reasons: str) -> int:
        """How often these reasons were given; all of them when none is named."""
        chosen = reasons or tuple(self.found)
        return sum(self.found[one]["count"] for one in chosen if one in self.found)


@dataclass(slots=True, kw_only=True)
class Summary:
    """What an archive is, and how much it says it holds."""

    generation: str
    username: str = ""
    user_id: int | None = None
    made_at: datetime | None = None
    # Posts that the archive's own manifest counts; None where it counts none.
    declared: int | None = None
    read: int = 0
    exceptions: Exceptions = field(default_factory=Exceptions)
    # Following, followers, blocked, muted, likes, deleted posts: how many the archive names.
    others: Counter[str] = field(default_factory=Counter)
