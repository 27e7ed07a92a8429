"""What is refused, where the error points, and what it advises."""

import pytest

from apps.infra.errors import DomainError
from apps.search.query import errors as e
from apps.search.query.operators import Dialect
from apps.search.query.parser import parse

# Query, error, position, length, a part of the message or advice.
REFUSED = [
    ("", e.EmptyQuery, 0, 1, "from:user"),
    (" \t\u3000", e.EmptyQuery, 0, 1, "empty"),
    ("a" * 513, e.QueryTooLong, 512, 1, "513 characters, the limit is 512"),
    ("a " * 300, e.QueryTooLong, 512, 88, "600"),
    ("a\x00b", e.BadCharacter, 1, 1, "U+0000"),
    ("a \x1b[31m", e.BadCharacter, 2, 1, "U+001B"),
    ("a \ud83d b", e.BadCharacter, 2, 1, "U+D83D"),
    ('"abc', e.UnbalancedQuote, 0, 1, "never closed"),
    ('a "b" "c', e.UnbalancedQuote, 6, 1, "never closed"),
    ('say 5" nails', e.UnbalancedQuote, 5, 1, "never closed"),
    ('from:"bob', e.UnbalancedQuote, 5, 1, "never closed"),
    ("(a", e.UnbalancedParenthesis, 0, 1, "never closed"),
    ("a (b (c)", e.UnbalancedParenthesis, 2, 1, "never closed"),
    ("(", e.UnbalancedParenthesis, 0, 1, "never closed"),
    ("a)", e.UnbalancedParenthesis, 1, 1, "no partner"),
    (")", e.UnbalancedParenthesis, 0, 1, "no partner"),
    ("a OR b) c", e.UnbalancedParenthesis, 6, 1, "no partner"),
    ("point_radius:[1 2 3km", e.UnbalancedParenthesis, 13, 1, "Write ]"),
    ("()", e.EmptyGroup, 0, 2, "nothing in these"),
    ("a ( ) b", e.EmptyGroup, 2, 3, "Remove"),
    ('a ""', e.EmptyGroup, 2, 2, "quotation"),
    ('a " "', e.EmptyGroup, 2, 3, "quotation"),
    ("(" * 33 + "a" + ")" * 33, e.TooDeep, 32, 1, "32 deep"),
    ("OR a", e.MisplacedOr, 0, 2, "both sides"),
    ("a OR", e.MisplacedOr, 2, 2, "both sides"),
    ("a OR OR b", e.MisplacedOr, 2, 2, "both sides"),
    ("OR", e.MisplacedOr, 0, 2, '"or"'),
    ("(a OR) b", e.MisplacedOr, 3, 2, "both sides"),
    ("(OR a) b", e.MisplacedOr, 1, 2, "both sides"),
    ("a -OR", e.MisplacedOr, 3, 2, "both sides"),
    ("Amsterdam AND AI", e.AmbiguousWord, 10, 3, "Ambiguous use of and as a keyword"),
    ("cats and dogs", e.AmbiguousWord, 5, 3, "a space"),
    ("cats or dogs", e.AmbiguousWord, 5, 2, "OR between"),
    ("cats -and", e.AmbiguousWord, 6, 3, "and"),
    ("a -", e.LonelyMinus, 2, 1, "alone"),
    ("a - b", e.LonelyMinus, 2, 1, "-word"),
    ("(a -)", e.LonelyMinus, 3, 1, "alone"),
    ("-", e.LonelyMinus, 0, 1, "alone"),
    ("a --b", e.DoubleNegation, 2, 2, "Write one"),
    ("a -(b OR c)", e.NegatedGroup, 2, 2, "Negate each term"),
    ("a -(-b)", e.NegatedGroup, 2, 2, "-cat -dog"),
    ("form:bob", e.UnknownOperator, 0, 5, "'from:'"),
    ("a min_like:5", e.UnknownOperator, 2, 9, "'min_likes:'"),
    ("a retweet_of:b", e.UnknownOperator, 2, 11, "'retweets_of:'"),
    ("re:invent", e.UnknownOperator, 0, 3, "quotation marks"),
    ("a -language:en", e.UnknownOperator, 3, 9, "'language:' is not an operator"),
    ("x" * 200 + ":y", e.UnknownOperator, 0, 201, "not an operator"),
    ("a min_faves:5", e.OtherDialect, 2, 11, "min_likes:"),
    ("a min_retweets:5", e.OtherDialect, 2, 14, "min_reposts:"),
    ("a filter:links", e.OtherDialect, 2, 12, "'has:links'"),
    ("a -filter:replies", e.OtherDialect, 3, 14, "'is:reply'"),
    ("a filter:safe", e.OtherDialect, 2, 11, "has: or is:"),
    ("a since:2024-01-01", e.OtherDialect, 2, 16, "start_time"),
    ("a until:2024-01-01", e.OtherDialect, 2, 16, "end_time"),
    ("from:", e.MissingValue, 0, 5, "from:alice"),
    ("from: bob", e.MissingValue, 0, 5, "no value"),
    ('a url:""', e.MissingValue, 2, 6, "no value"),
    ("a lang:(en)", e.MissingValue, 2, 5, "lang:en"),
    ("from:a.b", e.BadValue, 5, 3, "username"),
    ("from:" + "a" * 21, e.BadValue, 5, 21, "username"),
    ("from:9223372036854775808", e.BadValue, 5, 19, "username"),
    ("to:é", e.BadValue, 3, 1, "username"),
    ("url:...", e.BadValue, 4, 3, "link"),
    ("conversation_id:abc", e.BadValue, 16, 3, "'abc' is not an id"),
    ("conversation_id:9223372036854775808", e.BadValue, 16, 19, "id"),
    ("conversation_id:١٢", e.BadValue, 16, 2, "id"),
    ("list:-1", e.BadValue, 5, 2, "id"),
    ("min_likes:1,000", e.BadValue, 10, 5, "1000"),
    ("min_likes:99999999999", e.BadValue, 10, 11, "number"),
    ("context:10", e.BadValue, 8, 2, "domain"),
    ("context:*.*", e.BadValue, 8, 3, "domain"),
    ("place_country:USA", e.BadValue, 14, 3, "two letters"),
    ("point_radius:here", e.BadValue, 13, 4, "point"),
    ("point_radius:[1 2 41km]", e.BadValue, 14, 8, "25mi"),
    ("point_radius:[1 2 0km]", e.BadValue, 14, 7, "radius"),
    ("point_radius:[181 2 3km]", e.BadValue, 14, 9, "Longitude"),
    ("point_radius:[1 2 3]", e.BadValue, 14, 5, "16km"),
    ("bounding_box:[1 2 3 4]", e.BadValue, 14, 7, "25 miles"),
    ("bounding_box:[1 2 0.9 2.1]", e.BadValue, 14, 11, "West comes before east"),
    ("bounding_box:[1 2 3]", e.BadValue, 14, 5, "west south east north"),
    ("a is:retwet", e.BadValue, 5, 6, "'retweet'"),
    ("a has:image_s", e.BadValue, 6, 7, "'images'"),
    ("a has:nothing", e.BadValue, 6, 7, "hashtags, cashtags"),
    ("a lang:english", e.BadValue, 7, 7, "such as en"),
    ("#1", e.BadValue, 0, 2, "hashtag"),
    ("#", e.BadValue, 0, 1, "hashtag"),
    ("#a-b", e.BadValue, 0, 4, "quotation marks"),
    ("#a#b", e.BadValue, 0, 4, "hashtag"),
    ("@", e.BadValue, 0, 1, "username"),
    ("@alice!", e.BadValue, 0, 7, "username"),
    ("!!!", e.NothingToSearch, 0, 3, "letter, digit or emoji"),
    ('a "?!"', e.NothingToSearch, 2, 4, "Punctuation"),
    ("https://-", e.NothingToSearch, 0, 9, "letter"),
    ("-a", e.OnlyNegations, 0, 2, "not wanted"),
    ("-a -b", e.OnlyNegations, 0, 5, "not wanted"),
    ("a OR -b", e.OnlyNegations, 5, 2, "each side of an OR"),
    ("a OR (-b -c)", e.OnlyNegations, 6, 5, "each side"),
    ("has:media", e.NeedsCompany, 0, 9, "narrows"),
    ("lang:en is:reply", e.NeedsCompany, 0, 16, "narrows"),
    ("-a lang:en", e.NeedsCompany, 0, 10, "narrows"),
    ("a OR has:links", e.NeedsCompany, 5, 9, "each side"),
    ("has:links OR is:retweet", e.NeedsCompany, 0, 9, "narrows"),
    ("a is:nullcast", e.MustBeNegated, 2, 11, "-is:nullcast"),
]

REFUSED_IN_THE_BOX = [
    ("a since:2024-02-30", e.BadValue, 8, 10, "year-month-day"),
    ("a since:yesterday", e.BadValue, 8, 9, "year-month-day"),
    ("a filter:replys", e.BadValue, 9, 6, "'replies'"),
    ("since:2024-01-01", e.NeedsCompany, 0, 16, "narrows"),
    ("filter:links", e.NeedsCompany, 0, 12, "narrows"),
    ("form:bob", e.UnknownOperator, 0, 5, "'from:'"),
]


def refused(query, *, dialect=Dialect.API, **how):
    with pytest.raises(e.QueryError) as caught:
        parse(query, dialect=dialect, **how)
    return caught.value


@pytest.mark.parametrize(("query", "kind", "position", "length", "says"), REFUSED)
def test_the_api_refuses(query, kind, position, length, says):
    error = refused(query)

    assert (type(error), error.position, error.length) == (kind, position, length)
    assert says in error.detail


@pytest.mark.parametrize(("query", "kind", "position", "length", "says"), REFUSED_IN_THE_BOX)
def test_the_search_box_refuses(query, kind, position, length, says):
    error = refused(query, dialect=Dialect.WEB)

    assert (type(error), error.position, error.length) == (kind, position, length)
    assert says in error.detail


def test_257_terms_are_too_many():
    error = refused(" ".join("a" * 257), max_length=600)

    assert (type(error), error.position) == (e.TooManyTerms, 512)


def test_an_error_is_a_400_about_the_query_and_counts_from_one():
    error = refused("a form:bob")

    assert isinstance(error, DomainError)
    assert (error.status, error.code, error.field) == (400, "invalid_query", "query")
    assert error.detail.endswith("(at position 3)")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("a form:bob", "a form:bob\n  ^^^^^ here"),
        ("(a", "(a\n^ here"),
        ("東京 form:bob", "東京 form:bob\n     ^^^^^ here"),
        ("a\nb form:bob", "a b form:bob\n    ^^^^^ here"),
        ("x" * 50 + " form:bob", "…" + "x" * 29 + " form:bob\n" + " " * 31 + "^^^^^ here"),
        ("form:" + "y" * 90, "form:" + "y" * 30 + "…\n^^^^^ here"),
        ("", "\n^ here"),
        ("a \ud83d", "a  \n  ^ here"),
    ],
)
def test_the_excerpt_points_at_the_place(query, shown):
    assert refused(query).excerpt(query) == shown
