"""Did you mean: a query in which words that nobody says are replaced by ones that many say.

All else of the query stays as it was written. A word is offered only while posts of enough authors
that the viewer may see have it, a name only while its account may be seen: asked at each time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from apps.graph import queries as graph_queries
from apps.infra.errors import Unavailable
from apps.search.queries_words import Near, words_near
from apps.search.query import spelling, tokens
from apps.search.query import tree as t
from apps.search.services_words import MIN_AUTHORS
from apps.tweets.visibility import visible_by_ids
from apps.users import queries as user_queries

MAX_PIECES = 5
# Of the words that are nearest, so many are looked at closely.
CANDIDATES = 3


class Piece(NamedTuple):
    """A part of a query that may be misspelt: where it stands, and what it is, folded. `signs`
    are the kinds of words that may take its place: "" a word, "#" a tag, "@" a name."""

    start: int
    end: int
    word: str
    signs: tuple[str, ...]


async def suggestion(*, viewer_id: int | None, query: str, tree: t.Node) -> str | None:
    """The query as it may have been meant; None where there is nothing better.

    Args:
        tree: that of the query, as it was written.
    """
    return await _corrected(viewer_id, query, _pieces(query, tree))


async def name(*, viewer_id: int | None, text: str) -> str | None:
    """A username that may have been meant, with its @."""
    bare = text.strip().removeprefix("@")
    if not bare.isascii() or not bare.replace("_", "a").isalnum():
        return None
    found = await _corrected(viewer_id, bare, [Piece(0, len(bare), bare.lower(), ("@",))])
    return None if found is None else f"@{found}"


def _pieces(query: str, tree: t.Node) -> list[Piece]:
    """What may be misspelt, from left to right; a lone word may be meant for a name."""
    found = [piece for leaf in _wanted(tree) for piece in _of_leaf(query, leaf)]
    if len(found) == 1 and isinstance(tree, t.Keyword):
        found = [found[0]._replace(signs=("", "@"))]
    return sorted(piece for piece in found if spelling.reach(piece.word))


def _wanted(node: t.Node) -> Iterator[t.Leaf]:
    match node:
        case t.And(inner) | t.Or(inner):
            for part in inner:
                yield from _wanted(part)
        case t.Not():
            return
        case _:
            yield node


def _of_leaf(query: str, leaf: t.Leaf) -> Iterator[Piece]:
    start, end = leaf.at.start, leaf.at.end
    match leaf:
        case t.Keyword() | t.Phrase():
            yield from _words(query, start, end)
        case t.Hashtag(tag):
            yield Piece(start + 1, end, tokens.fold(tag), ("#",))
        case t.Mention(user) | t.From(user) | t.To(user) | t.RetweetsOf(user):
            at = end - len(user)
            if query[at:end].lower() == user.lower():
                yield Piece(at, end, user.lower(), ("@",))


def _words(query: str, start: int, end: int) -> Iterator[Piece]:
    """Words with spaces or quotation marks around them; whatever is more than a word is let be."""
    place = start
    for word in query[start:end].replace('"', " ").split(" "):
        folded = tokens.fold(word)
        is_word = [lexeme for _, lexeme in tokens.sought(word)] == [folded]
        if is_word and not tokens.is_spaceless(folded[0]):
            yield Piece(place, place + len(word), folded, ("",))
        place += len(word) + 1


async def _corrected(viewer_id: int | None, query: str, pieces: Sequence[Piece]) -> str | None:
    if not 0 < len(pieces) <= MAX_PIECES:
        return None
    asked = [sign + piece.word for piece in pieces for sign in piece.signs]
    try:
        near = await words_near(asked)
        choices = [_nearest(piece, near) for piece in pieces]
        offered = await _offered(viewer_id, [one for some in choices for one in some])
    except Unavailable:
        # A hint is not worth an error.
        return None
    text, is_other = query, False
    for piece, some in zip(reversed(pieces), reversed(choices), strict=True):
        best = next((one for one in some if one.word in offered), None)
        if best is not None:
            text = text[: piece.start] + spelling.parts(best.word)[1] + text[piece.end :]
            is_other = True
    return text if is_other else None


def _nearest(piece: Piece, near: Iterable[Near]) -> list[Near]:
    """The nearest first, then the most used; nothing for what is no mistake."""
    ranked = []
    for one in near:
        sign, letters = spelling.parts(one.word)
        if sign in piece.signs:
            far = spelling.distance(piece.word, letters)
            if far == 0:
                return []
            if far <= spelling.reach(piece.word):
                ranked.append(((piece.signs.index(sign), far, -one.uses, letters), one))
    return [one for _, one in sorted(ranked)[:CANDIDATES]]


async def _offered(viewer_id: int | None, words: Sequence[Near]) -> set[str]:
    """Those of these words that the viewer may be told of now."""
    names = [one.word[1:] for one in words if one.word[0] == "@"]
    said = [one for one in words if one.word[0] != "@"]
    offered = {f"@{one}" for one in await _open_names(viewer_id, names)} if names else set()
    ids = {post for one in said for post in one.posts}
    seen = await visible_by_ids(viewer_id=viewer_id, ids=sorted(ids), surface="search")
    authors: Mapping[int, int] = {tweet.id: tweet.author_id for tweet in seen}
    for one in said:
        if len({authors[post] for post in one.posts if post in authors}) >= MIN_AUTHORS:
            offered.add(one.word)
    return offered


async def _open_names(viewer_id: int | None, names: Sequence[str]) -> list[str]:
    users = await user_queries.users_by_usernames(names)
    blocked = (await graph_queries.relations(viewer_id)).blocked
    return [
        name for name, user in users.items() if not user.is_suspended and user.id not in blocked
    ]
