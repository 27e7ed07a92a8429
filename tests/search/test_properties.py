"""What holds for every query and every text."""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from apps.search.query import tokens
from apps.search.query.canonical import canonical
from apps.search.query.document import Body
from apps.search.query.errors import QueryError
from apps.search.query.operators import Dialect
from apps.search.query.parser import parse
from apps.search.query.tree import And, Keyword, Node, leaves
from tests.search.strategies import TERMS, joined, texts, trees

CORPUS = Path(os.environ.get("TWITTERLITE_CORPUS", "../shared/data"))
BLNS = CORPUS / "adversarial" / "blns" / "blns.json"

dialects = st.sampled_from(list(Dialect))
pieces = [
    *TERMS, "(", ")", "-", "OR", "or", "and", '"', "[", "]", ":", "#", "@", "$", " ", "\u3000",
    "from:", "xyz:", "--", "https://", "\x00", "\ud83d", "*", "'", "\\", "\u200d", "\u0301",
    "＃", "1",
]  # fmt: skip
strings = st.text(max_size=40) | st.lists(st.sampled_from(pieces), max_size=20).flatmap(
    lambda found: st.sampled_from([" ".join(found), "".join(found)])
)


def parsed(query: str, dialect: Dialect, **how: int) -> Node | QueryError:
    """A tree, or an error whose place lies in the query."""
    try:
        return parse(query, dialect=dialect, **how)
    except QueryError as raised:
        error = raised
    assert 0 <= error.position <= len(query)
    assert error.length >= 1
    assert error.position + error.length <= max(len(query), error.position + 1)
    assert error.message
    assert error.advice
    assert error.excerpt(query)
    return error


@given(strings, dialects)
def test_every_string_is_a_query_or_a_query_error(query, dialect):
    tree = parsed(query, dialect)

    if not isinstance(tree, QueryError):
        assert parse(canonical(tree), dialect=dialect, max_length=9_999) == tree
        assert all(query[found.at.start : found.at.end].strip() for found in leaves(tree))


@given(trees())
def test_what_is_written_down_parses_to_the_same_tree(tree):
    whole = joined(And, [Keyword("x"), tree])
    written = canonical(whole)

    again = parse(written, dialect=Dialect.WEB, max_length=9_999)

    assert again == whole
    assert canonical(again) == written


@pytest.mark.skipif(not BLNS.exists(), reason=f"{BLNS} is not here: set TWITTERLITE_CORPUS")
def test_naughty_strings_are_queries_or_query_errors():
    strings = json.loads(BLNS.read_text())
    assert len(strings) > 500

    for text in strings:
        for query in (text, f"cat {text}", f'"{text}"', f"cat url:{text}", f"#{text}"):
            for dialect in Dialect:
                parsed(query, dialect, max_length=9_999)


@pytest.mark.skipif(not BLNS.exists(), reason=f"{BLNS} is not here: set TWITTERLITE_CORPUS")
def test_naughty_tweets_are_found_by_their_own_words():
    found = 0
    for text in json.loads(BLNS.read_text()):
        body, phrase = Body.of(text), tokens.sought(text)
        assert tokens.holds(body.positions, phrase) == bool(phrase)
        found += bool(phrase)

    assert found > 400


@pytest.mark.parametrize(
    "piece",
    ["a", "a ", "(", "-a ", '"', "a OR ", "東", "👩\u200d", "#", "@a", "xyz:", "point_radius:[",
     "https://", "a\u0301", "ﷺ", "1\ufe0f", "\ud83d", "from:a "],
)  # fmt: skip
def test_a_hundred_thousand_characters_take_linear_time(piece):
    long = (piece * 100_000)[:100_000]
    before = time.process_time()

    parsed(long, Dialect.WEB, max_length=10**6)
    Body.of(long)

    # Some 0.3 s; anything quadratic takes minutes. CPU time, so that other programs do not count.
    assert time.process_time() - before < 10


# Tokens.


@given(st.text() | texts())
def test_folding_twice_changes_nothing(text):
    assert tokens.fold(tokens.fold(text)) == tokens.fold(text)


@given(st.text() | texts())
def test_lexemes_fit_into_a_tsvector(text):
    for lexeme, places in Body.of(text).positions.items():
        assert 1 <= len(lexeme) <= tokens.MAX_LEXEME
        assert len(lexeme.encode()) < 2_046
        assert 1 <= len(places) <= tokens.MAX_POSITIONS


@given(texts(), texts(), texts())
def test_a_text_is_found_by_any_stretch_of_it(before, inside, after):
    phrase = tokens.sought(inside)
    assume(phrase)

    assert tokens.holds(Body.of(f"{before} {inside} {after}").positions, phrase)


@given(st.text(st.characters(max_codepoint=127)) | texts())
@example("a&#b #c_1 $ab.c x@y @z1 HTTPS://A.example/b?c=#d http:// $toolong #1 a_b-c")
@example("x" * 300 + " #" + "y" * 300)
def test_the_short_ways_through_ascii_say_what_the_long_one_says(text):
    text = text.encode("ascii", "ignore").decode()
    *long, last = tokens.read(f"{text} é").units
    words = tokens.plain_words(text)

    assert last.lexemes == ("e",)
    assert tokens.read(text).units == tuple(long)
    if words is not None:
        assert [(word,) for word in words] == [unit.lexemes for unit in long]
