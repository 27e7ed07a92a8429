"""Known words that are nearly a misspelt one."""

from collections.abc import Sequence
from typing import NamedTuple

from apps.infra.stores import aiopostgres
from apps.search.query import spelling

# On 100,000 words it takes some milliseconds; nobody waits longer for a hint.
LIMIT_MS = 60
MAX_FOUND = 400
_NEAR = """
select word, uses, posts from known_words
 where keys && %s::int[] and keys is not null
 order by uses desc, word limit %s
"""


class Near(NamedTuple):
    """A word that is known, how much it is used, and the posts that speak for it."""

    word: str
    uses: int
    posts: list[int]


async def words_near(words: Sequence[str]) -> list[Near]:
    """What is filed where these words are looked for, most used first; also what is far from them.

    Args:
        words: folded, with the sign of tags and names.

    Raises:
        TookTooLong, Unavailable.
    """
    wanted = {key for word in words for key in spelling.keys(word, without=spelling.reach(word))}
    rows = await aiopostgres.fetch(_NEAR, [sorted(wanted), MAX_FOUND], limit_ms=LIMIT_MS)
    return [Near(*row) for row in rows]
