"""Other forms of a word, where the language is known: `tides` finds `tide`.

Not in the index but in the query: a word becomes one of the forms that people use, which are those
of the known words (see `services_words`) with the same stem. Phrases, tags and names stay exact,
and so does what must not be there; `"tides"` in quotation marks is exact, too. The stems are those
of PostgreSQL's Snowball dictionaries.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from apps.infra.errors import Unavailable
from apps.search.queries_words import forms_of
from apps.search.query import tokens
from apps.search.query import tree as t

# Languages of Snowball, by the names of PostgreSQL 14. What is folded away where words are filed
# must not be what a stemmer lives on: so no Russian, whose й is и there.
DICTIONARIES = {
    "ar": "arabic_stem", "ca": "catalan_stem", "da": "danish_stem", "de": "german_stem",
    "el": "greek_stem", "en": "english_stem", "es": "spanish_stem", "eu": "basque_stem",
    "fi": "finnish_stem", "fr": "french_stem", "ga": "irish_stem", "hi": "hindi_stem",
    "hu": "hungarian_stem", "hy": "armenian_stem", "id": "indonesian_stem", "it": "italian_stem",
    "lt": "lithuanian_stem", "ne": "nepali_stem", "nl": "dutch_stem", "no": "norwegian_stem",
    "pt": "portuguese_stem", "ro": "romanian_stem", "sv": "swedish_stem", "ta": "tamil_stem",
    "tr": "turkish_stem",
}  # fmt: skip
# Words of a query, and forms of one, that are looked for at most.
MAX_WORDS, MAX_FORMS = 6, 24


async def with_forms(tree: t.Node, *, language: str) -> t.Node:
    """The query with all known forms of its words; as it was where the language has no stemmer,
    or where PostgreSQL does not answer at once.

    Args:
        language: that of the reader, ISO 639-1; `lang:` in the query goes before it.
    """
    dictionary = DICTIONARIES.get(_said_language(tree) or language)
    words = list(dict.fromkeys(_words(tree)))[:MAX_WORDS]
    if dictionary is None or not words:
        return tree
    try:
        forms = await forms_of(words, dictionary=dictionary, limit=MAX_FORMS)
    except Unavailable:
        return tree
    return _replaced(tree, forms) if forms else tree


def _said_language(tree: t.Node) -> str | None:
    """The one language that every post that fits must be in."""
    parts = tree.parts if isinstance(tree, t.And) else (tree,)
    said = [part.code for part in parts if isinstance(part, t.Lang)]
    return said[0] if len(said) == 1 else None


def _words(node: t.Node) -> Iterator[str]:
    match node:
        case t.And(parts) | t.Or(parts):
            for part in parts:
                yield from _words(part)
        case t.Keyword():
            if (word := _word(node)) is not None:
                yield word


def _word(keyword: t.Keyword) -> str | None:
    """The keyword as a word of a language, folded; None where it is something else."""
    sought = tokens.sought(keyword.text)
    if len(sought) != 1:
        return None
    word = sought[0][1]
    return word if word.isalpha() and not tokens.is_spaceless(word[0]) else None


def _replaced(node: t.Node, forms: Mapping[str, list[str]]) -> t.Node:
    match node:
        case t.And(parts):
            return replace(node, parts=tuple(_replaced(part, forms) for part in parts))
        case t.Or(parts):
            found = [_replaced(part, forms) for part in parts]
            # An Or never holds another.
            flat = [one.parts if isinstance(one, t.Or) else (one,) for one in found]
            return replace(node, parts=tuple(one for some in flat for one in some))
        case t.Keyword():
            others = forms.get(_word(node) or "", [])
            same = tuple(t.Keyword(one, at=node.at) for one in others)
            return t.Or((node, *same), at=node.at) if same else node
        case _:
            return node
