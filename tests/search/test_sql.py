"""PostgreSQL finds what the matcher finds. Temporary tables stand for the index to come."""

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from apps.infra.stores import postgres
from apps.search.query import document as d
from apps.search.query.document import Body, Document
from apps.search.query.matching import matches
from apps.search.query.operators import Dialect
from apps.search.query.parser import parse
from apps.search.query.sql import Names, lists_in, to_sql, tsvector_of, usernames_in
from tests.search.strategies import ACCOUNTS, LEAVES, MEMBERS, documents, texts, trees

TABLES = """
create temporary table search_documents (
    tweet_id bigint primary key, author_id bigint not null, conversation_id bigint not null,
    in_reply_to_id bigint, in_reply_to_user_id bigint, retweet_of_id bigint,
    retweet_of_user_id bigint, quote_of_id bigint,
    tokens tsvector not null, url_tokens tsvector not null, marks text[] not null,
    longitude double precision, latitude double precision);
create temporary table tweets (
    id bigint, author_id bigint, like_count integer, reply_count integer, retweet_count integer);
create index on search_documents using gin (tokens);
create index on search_documents using gin (marks);
"""
FIND = """
select d.tweet_id from search_documents d
  join tweets t on t.id = d.tweet_id and t.author_id = d.author_id
 where {condition} order by d.tweet_id desc
"""
# A failure is shown as it was found: making it smaller would take minutes of round trips.
AS_FOUND = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
NAMES = Names(accounts=ACCOUNTS, members=MEMBERS)


@pytest.fixture(scope="module", params=["on", "off"], ids=["any plan", "by index"])
def index(request, django_db_setup):
    """A connection with empty tables; once by whatever plan, once by the indexes."""
    with postgres.connect(options=f"-c enable_seqscan={request.param}") as connection:
        connection.execute(TABLES)
        yield connection


def fill(index, found):
    index.execute("delete from search_documents; delete from tweets")
    rows = [row_of(document) for document in found]
    with index.cursor() as cursor:
        cursor.executemany(
            "insert into search_documents values"
            " (%s, %s, %s, %s, %s, %s, %s, %s, %s::tsvector, %s::tsvector, %s, %s, %s)",
            rows,
        )
        cursor.executemany(
            "insert into tweets values (%s, %s, %s, %s, %s)",
            [(x.id, x.author_id, x.like_count, x.reply_count, x.repost_count) for x in found],
        )


def row_of(document: Document) -> tuple[object, ...]:
    body = document.body
    longitude, latitude = document.point or (None, None)
    return (
        document.id, document.author_id, document.conversation_id, document.in_reply_to_id,
        document.in_reply_to_user_id, document.retweet_of_id, document.retweet_of_user_id,
        document.quote_of_id, tsvector_of(body.positions), tsvector_of(body.url_positions),
        sorted(d.marks(document, [body])), longitude, latitude,
    )  # fmt: skip


def found_by(index: psycopg.Connection, tree) -> list[int]:
    condition, params = to_sql(tree, names=NAMES)
    return [row[0] for row in index.execute(FIND.format(condition=condition), params)]


@settings(AS_FOUND, max_examples=100)
@given(
    st.lists(documents(), min_size=1, max_size=6, unique_by=lambda found: found.id),
    st.lists(trees(), min_size=5, max_size=12),
)
def test_postgresql_and_the_matcher_agree(index, found, queries):
    fill(index, found)
    newest_first = sorted(found, key=lambda document: -document.id)

    for tree in queries:
        expected = [document.id for document in newest_first if matches(tree, document)]
        assert found_by(index, tree) == expected, tree


@settings(AS_FOUND, max_examples=10)
@given(st.lists(documents(), min_size=20, max_size=20, unique_by=lambda found: found.id))
def test_they_agree_on_every_operator(index, found):
    fill(index, found)
    newest_first = sorted(found, key=lambda document: -document.id)

    for term, tree in LEAVES.items():
        expected = [document.id for document in newest_first if matches(tree, document)]
        assert found_by(index, tree) == expected, term


def test_every_operator_finds_something(index):
    """The world of the tests is worth something: no operator always finds nothing."""
    everything = Document(
        id=2**61, author_id=1, author_username="alice", conversation_id=10, quote_of_id=12,
        body=Body.of("it's new york https://x.com/new #new"), in_reply_to_id=10,
        in_reply_to_user_id=2, in_reply_to_username="bob", like_count=3,
    )  # fmt: skip
    fill(index, [everything])

    for query in ("it's", '"new york"', "#new", "url:x.com", "from:alice", "to:2", "list:7",
                  "conversation_id:10", "quotes_of_tweet_id:12", "min_likes:3"):  # fmt: skip
        assert found_by(index, parse(query)) == [2**61], query


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | texts())
@example("\x00")
@example("'; drop table search_documents; --")
@example("\\' \\\\ ''")
@example("word " * 300)
@example("ﷺ" * 4_000)
def test_postgresql_keeps_every_text_as_it_was_read(index, text):
    positions = Body.of(text).positions
    kept = index.execute(
        "select lexeme, positions from unnest(%s::tsvector)", [tsvector_of(positions)]
    ).fetchall()

    assert {lexeme: list(places) for lexeme, places in kept} == positions


def test_a_lexeme_may_be_anything(index):
    odd = {"a\\b'c\\": [1, 3], "':1": [2], " ": [4]}

    kept = index.execute("select lexeme, positions from unnest(%s::tsvector)", [tsvector_of(odd)])

    assert {lexeme: list(places) for lexeme, places in kept} == odd


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_no_input_becomes_sql(index, text):
    clean = "".join(char for char in text if char.isprintable() and char != '"')
    query = f'x "{clean} y" url:"{clean} y" entity:"{clean}y" place:"y{clean}"'

    tree = parse(query, dialect=Dialect.WEB)
    condition, params = to_sql(tree, names=NAMES)

    assert found_by(index, tree) == [row[0] for row in index.execute("select 1 where false")]
    assert condition == to_sql(parse('x "y" url:y entity:y place:y'), names=NAMES)[0]
    assert len(params) == 4


def test_words_side_by_side_are_one_search_of_the_index():
    tree = parse('new (york OR -cats) "big apple" from:alice #tag')

    assert to_sql(tree, names=NAMES) == (
        "(d.tokens @@ %s::tsquery and d.author_id = any(%s::bigint[])"
        " and d.marks @> array[%s::text])",
        ["('new') & (('york') | !('cats')) & ('big' <1> 'apple')", [1], "#tag"],
    )


def test_names_that_nobody_has_find_nothing():
    tree = parse("from:nobody OR list:99 OR to:77", max_length=99)

    assert to_sql(tree, names=Names())[1] == [[], [], [77]]
    assert usernames_in(tree) == {"nobody", "77"}
    assert lists_in(tree) == {99}
