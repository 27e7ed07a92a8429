"""Known words that are nearly a misspelt one, or another form of one."""

from collections import defaultdict
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
# Words that begin as a stem does, but for its last letter (`happy`, `happier`), and have the same.
# Arabic words may have their article before them. A word without a stem is one of no meaning.
_FORMS = """
select asked.word, kept.word
  from (select word, ts_lexize(%s::regdictionary, word) as stem
          from unnest(%s::text[]) as given (word)) as asked
 cross join lateral (select left(stem[1], greatest(length(stem[1]) - 1, 2)) as text) as root
 cross join lateral unnest(case when asked.word ~ '^[a-z]' then array['']
                                else array['', 'ال', 'وال', 'بال'] end) as article
 cross join lateral (
   select word from known_words
    where word ~>=~ (article || root.text) and word ~<~ (article || root.text || U&'\\+10FFFF')
      and word <> asked.word and ts_lexize(%s::regdictionary, word) = asked.stem
    order by uses desc, word limit %s) as kept
 where asked.stem <> '{}'
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


async def forms_of(words: Sequence[str], *, dictionary: str, limit: int) -> dict[str, list[str]]:
    """Known words with the same stem, by word, the most used first; nothing for a word alone.

    Args:
        words: folded. dictionary: of PostgreSQL, with stems. limit: for each word.

    Raises:
        TookTooLong, Unavailable.
    """
    asked = [dictionary, list(words), dictionary, limit]
    rows = await aiopostgres.fetch(_FORMS, asked, limit_ms=LIMIT_MS)
    found: dict[str, list[str]] = defaultdict(list)
    for word, form in rows:
        if len(found[word]) < limit:
            found[word].append(form)
    return dict(found)
