"""What fits: in search and in a stream, tried singly and found by their keys."""

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.search.query.document import Body, Document
from apps.search.query.matching import matches
from apps.search.query.operators import Dialect
from apps.search.query.parser import parse
from apps.search.query.routing import Rules, document_keys, index_keys
from tests.search.strategies import FIRST_ID, LEAVES, documents, trees

PLAIN = {"author_id": 1, "author_username": "Alice", "conversation_id": 10}


def doc(text="", *, tweet_id=10, **more):
    return Document(**{"id": tweet_id, "body": Body.of(text), **PLAIN, **more})


def fits(query, document):
    return matches(parse(query, dialect=Dialect.WEB), document)


def test_logic():
    document = doc("a b")

    assert fits("a b", document)
    assert fits("a OR z", document)
    assert fits("z OR a b", document)
    assert not fits("(z OR a) c", document)
    assert fits("a -z", document)
    assert not fits("a -b", document)


def test_accounts_are_found_by_name_or_id_in_any_case():
    document = doc("x", in_reply_to_id=9, in_reply_to_user_id=2, in_reply_to_username="Bob")

    for query in ("from:alice", "from:ALICE", "from:1", "to:bob", "to:2", "x is:reply"):
        assert fits(query, document), query
    for query in ("from:bob", "from:2", "to:alice", "retweets_of:alice", "x is:retweet"):
        assert not fits(query, document), query


def test_somebody_without_a_reply_is_not_replied_to_by_an_empty_name():
    assert not fits("to:1", doc("x"))
    assert fits("x -to:1 -in_reply_to_tweet_id:5", doc("x"))


def test_days_begin_at_midnight_in_utc():
    assert fits("x since:2024-05-05", doc("x", tweet_id=FIRST_ID))
    assert not fits("x since:2024-05-05", doc("x", tweet_id=FIRST_ID - 1))
    assert fits("x until:2024-05-05", doc("x", tweet_id=FIRST_ID - 1))
    assert not fits("x until:2024-05-05", doc("x", tweet_id=FIRST_ID))


def test_counts_are_at_least():
    document = doc("x", like_count=5, reply_count=1, repost_count=0)

    assert fits("min_likes:5 min_replies:1 min_reposts:0", document)
    assert not fits("min_likes:6", document)


def test_media_kinds():
    document = doc("x", media=frozenset({"video"}))

    assert fits("x has:media has:video_link -has:images", document)
    assert not fits("x has:media", doc("x"))


def test_distance_is_along_the_ground():
    # The Eiffel Tower and the Louvre are 3.2 km apart.
    louvre = doc("x", point=(2.3376, 48.8606))

    assert fits("point_radius:[2.2945 48.8584 3.3km]", louvre)
    assert not fits("point_radius:[2.2945 48.8584 3.1km]", louvre)
    assert fits("point_radius:[2.2945 48.8584 2mi]", louvre)
    assert not fits("x -has:geo", louvre)


def test_quoted_text_counts_where_it_is_given():
    quoted = Body.of("look #tag @bob $TSLA https://x.com/y")
    in_search, in_stream = doc("x"), doc("x", quoted=quoted)

    for query in ("look", '"look #tag"', "#tag", "@bob", "$tsla", "url:x.com"):
        rules: Rules[str] = Rules()
        rules.add(query, parse(query))
        assert rules.matching(in_stream) == {query}
        assert not fits(query, in_search), query
    assert not fits("x has:links", in_stream)
    assert not fits('"x look"', in_stream)


# A thousand rules.


@given(trees(), documents(in_stream=True))
def test_a_rule_that_fits_shares_a_key_or_has_none(tree, document):
    keys = index_keys(tree)

    if matches(tree, document) and keys is not None:
        assert keys & document_keys(document)


@settings(max_examples=20, deadline=None)
@given(st.lists(documents(in_stream=True), min_size=10, max_size=10))
def test_each_operator_that_fits_shares_a_key_or_has_none(found):
    for document in found:
        held = document_keys(document)
        for term, tree in LEAVES.items():
            if matches(tree, document) and (keys := index_keys(tree)) is not None:
                assert keys & held, term


@given(st.lists(trees(), max_size=12), documents(in_stream=True), st.data())
def test_rules_are_those_that_fit_one_by_one(rules, document, data):
    held: Rules[int] = Rules()
    for number, tree in enumerate(rules):
        held.add(number, tree)
    for number in data.draw(st.sets(st.integers(0, 12))):
        held.remove(number)
        rules[number : number + 1] = [None] if number < len(rules) else []

    one_by_one = {n for n, tree in enumerate(rules) if tree and matches(tree, document)}

    assert held.matching(document) == one_by_one
    assert len(held) == sum(tree is not None for tree in rules)


def test_a_thousand_rules_are_not_tried_one_by_one():
    rules: Rules[str] = Rules()
    for number in range(1_000):
        rules.add(f"word{number}", parse(f"common word{number} -is:retweet lang:en"))
    rules.add("tag", parse("#tag OR (from:alice has:links)"))
    rules.add("likes", parse("min_likes:1"))

    found = rules.candidates(doc("common word7", lang="en"))

    # `word0` came first, when `common` was no worse than any other word.
    assert found == {"word0", "word7", "tag", "likes"}
    assert rules.matching(doc("common word7", lang="en")) == {"word7"}


def test_removed_rules_leave_nothing_behind():
    rules: Rules[int] = Rules()
    for query in ("a b", "a OR b", "min_likes:1"):
        rules.add(1, parse(query))
    rules.remove(1)
    rules.remove(1)

    assert (len(rules), rules._keys, rules._by_key, rules._always) == (0, {}, {}, set())


def test_the_rarest_key_is_taken():
    def keys(query):
        return index_keys(parse(query))

    assert keys("lang:en cat from:alice") == {"from:alice"}
    assert keys("is:reply extraordinary a") == {"w:extraordinary"}
    assert keys("a has:links OR #tag is:quote") == {"w:a", "#tag"}
    assert keys("min_likes:5 has:links -cat") == {"has:links"}
    assert keys("cat OR min_likes:5") is None
