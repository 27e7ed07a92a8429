"""What each query means."""

from datetime import date

import pytest

from apps.search.query.canonical import canonical
from apps.search.query.operators import Dialect
from apps.search.query.parser import parse
from apps.search.query.tree import (
    And,
    AtLeast,
    BoundingBox,
    Cashtag,
    Context,
    Conversation,
    Entity,
    From,
    Has,
    Hashtag,
    InList,
    InPlace,
    InReplyTo,
    Is,
    Keyword,
    Lang,
    Mention,
    Not,
    Or,
    Phrase,
    PlaceCountry,
    PointRadius,
    QuotesOfTweet,
    RetweetsOf,
    RetweetsOfTweet,
    Since,
    Span,
    To,
    Until,
    Url,
    leaves,
)


def all_of(*parts):
    return And(parts)


def any_of(*parts):
    return Or(parts)


K = Keyword
A, B, C, D = K("a"), K("b"), K("c"), K("d")

WORDS = [
    ("cat", K("cat")),
    ("Cat", K("Cat")),
    ("  cat  ", K("cat")),
    ("\tcat\r\n", K("cat")),
    ("cat\u3000dog", all_of(K("cat"), K("dog"))),
    ("café", K("café")),
    ("東京タワー", K("東京タワー")),
    ("東京 タワー", all_of(K("東京"), K("タワー"))),
    ("ภาษาไทย", K("ภาษาไทย")),
    ("हिन्दी", K("हिन्दी")),
    ("العربية", K("العربية")),
    ("서울", K("서울")),
    ("😀", K("😀")),
    ("👩‍👩‍👧‍👦", K("👩‍👩‍👧‍👦")),
    ("🇩🇪", K("🇩🇪")),
    ("#️⃣", K("#️⃣")),
    ("don't", K("don't")),
    ("coca-cola", K("coca-cola")),
    ("3.14", K("3.14")),
    ("12:30", K("12:30")),
    (":D", K(":D")),
    ("$5", K("$5")),
    ("$toolong", K("$toolong")),
    ("a&b", K("a&b")),
    ("alice@example.com", K("alice@example.com")),
    ("cat,", K("cat,")),
    ("_", K("_")),
    ("x OR ORacle", any_of(K("x"), K("ORacle"))),
    ("[a]", K("[a]")),
    ("a*", K("a*")),
    ('"new york"', Phrase("new york")),
    ('"OR"', Phrase("OR")),
    ('"and"', Phrase("and")),
    ('"(a) -b"', Phrase("(a) -b")),
    ('"from:alice"', Phrase("from:alice")),
    ('"#tag @user"', Phrase("#tag @user")),
    ('"a\nb"', Phrase("a\nb")),
    ('"a"b', all_of(Phrase("a"), B)),
    ('a"b"c', all_of(A, Phrase("b"), C)),
    ("#tag", Hashtag("tag")),
    ("#Tag_1", Hashtag("Tag_1")),
    ("#1st", Hashtag("1st")),
    ("＃タグ", Hashtag("タグ")),
    ("#東京", Hashtag("東京")),
    ("#アニメ・漫画", Hashtag("アニメ・漫画")),
    ("#हिन्दी", Hashtag("हिन्दी")),
    ("@alice", Mention("alice")),
    ("＠Alice_1", Mention("Alice_1")),
    ("$TSLA", Cashtag("TSLA")),
    ("$brk.b", Cashtag("brk.b")),
    ("https://example.com/a?b=c", Url("https://example.com/a?b=c")),
    ("HTTP://X.com", Url("HTTP://X.com")),
]

LOGIC = [
    ("a b", all_of(A, B)),
    ("a b c", all_of(A, B, C)),
    ("a OR b", any_of(A, B)),
    ("a OR b OR c", any_of(A, B, C)),
    ("a b OR c", any_of(all_of(A, B), C)),
    ("a OR b c", any_of(A, all_of(B, C))),
    ("a (b OR c)", all_of(A, any_of(B, C))),
    ("(a OR b) c", all_of(any_of(A, B), C)),
    ("(a OR b) (c OR d)", all_of(any_of(A, B), any_of(C, D))),
    ("a(b OR c)d", all_of(A, any_of(B, C), D)),
    ("(a b) c", all_of(A, B, C)),
    ("(a OR b) OR c", any_of(A, B, C)),
    ("a OR (b OR (c OR d))", any_of(A, B, C, D)),
    ("((((a))))", A),
    ("( a )", A),
    ("(a b) OR (c d)", any_of(all_of(A, B), all_of(C, D))),
    ("a -b", all_of(A, Not(B))),
    ("-b a", all_of(Not(B), A)),
    ("(-b) a", all_of(Not(B), A)),
    ("(a -b)", all_of(A, Not(B))),
    ("a (b OR -c)", all_of(A, any_of(B, Not(C)))),
    ('a -"b c"', all_of(A, Not(Phrase("b c")))),
    ('"a"-b', all_of(Phrase("a"), Not(B))),
    ("a -#b -@c -$d", all_of(A, Not(Hashtag("b")), Not(Mention("c")), Not(Cashtag("d")))),
    ("a -from:b", all_of(A, Not(From("b")))),
    ("a-b", K("a-b")),
    ("a OR b -c", any_of(A, all_of(B, Not(C)))),
    ("(a OR b)-c", all_of(any_of(A, B), Not(C))),
]

OPERATORS = [
    ("from:alice", From("alice")),
    ("from:@Alice", From("alice")),
    ("FROM:alice", From("alice")),
    ("from:12345", From("12345")),
    ('from:"alice"', From("alice")),
    ("to:bob", To("bob")),
    ("retweets_of:bob", RetweetsOf("bob")),
    ('url:"https://x.com/a(b)"', Url("https://x.com/a(b)")),
    ("url:example", Url("example")),
    ("url:https://x.com", Url("https://x.com")),
    ("conversation_id:1", Conversation(1)),
    ("in_reply_to_tweet_id:12", InReplyTo(12)),
    ("retweets_of_tweet_id:123", RetweetsOfTweet(123)),
    ("quotes_of_tweet_id:9223372036854775807", QuotesOfTweet(2**63 - 1)),
    ("list:007", InList(7)),
    ("context:10.799022225751871488", Context("10", "799022225751871488")),
    ("context:10.*", Context("10", "*")),
    ("context:*.799", Context("*", "799")),
    ('entity:"Michael Jordan"', Entity("Michael Jordan")),
    ("entity:Tokyo", Entity("Tokyo")),
    ('place:"new york city"', InPlace("new york city")),
    ("place:01a9a39529b27f36", InPlace("01a9a39529b27f36")),
    ("place_country:us", PlaceCountry("US")),
    ("point_radius:[2.355128 48.861118 16km]", PointRadius(2.355128, 48.861118, 16.0, "km")),
    ("point_radius:[ -41.28  74.77   25mi ]",
     PointRadius(-41.28, 74.77, 25.0, "mi")),
    ("point_radius:[0 0 0.0000001km]", PointRadius(0.0, 0.0, 1e-7, "km")),
    ("bounding_box:[-105.301758 39.964069 -105.178505 40.09455]",
     BoundingBox(-105.301758, 39.964069, -105.178505, 40.09455)),
    ("min_likes:10", AtLeast("likes", 10)),
    ("min_replies:0", AtLeast("replies", 0)),
    ("min_reposts:2147483647", AtLeast("reposts", 2**31 - 1)),
    ("a is:retweet", all_of(A, Is("retweet"))),
    ("a is:reply", all_of(A, Is("reply"))),
    ("a is:quote", all_of(A, Is("quote"))),
    ("a is:verified", all_of(A, Is("verified"))),
    ("a -is:nullcast", all_of(A, Not(Is("nullcast")))),
    ("a -is:RETWEET", all_of(A, Not(Is("retweet")))),
    ("a has:hashtags", all_of(A, Has("hashtags"))),
    ("a has:cashtags", all_of(A, Has("cashtags"))),
    ("a has:links", all_of(A, Has("links"))),
    ("a has:mentions", all_of(A, Has("mentions"))),
    ("a has:media", all_of(A, Has("media"))),
    ("a has:images", all_of(A, Has("images"))),
    ("a has:video_link", all_of(A, Has("video_link"))),
    ("a has:videos", all_of(A, Has("video_link"))),
    ("a has:geo", all_of(A, Has("geo"))),
    ("a lang:en", all_of(A, Lang("en"))),
    ("a lang:zh-TW", all_of(A, Lang("zh-tw"))),
    ("a lang:und", all_of(A, Lang("und"))),
    ("(a has:media) OR from:b", any_of(all_of(A, Has("media")), From("b"))),
    ("(has:images OR has:links) a", all_of(any_of(Has("images"), Has("links")), A)),
    ("from:a(b OR c)", all_of(From("a"), any_of(B, C))),
]  # fmt: skip

WEB = [
    ("a min_faves:5", all_of(A, AtLeast("likes", 5))),
    ("a min_retweets:5", all_of(A, AtLeast("reposts", 5))),
    ("a filter:links", all_of(A, Has("links"))),
    ("a filter:images", all_of(A, Has("images"))),
    ("a filter:twimg", all_of(A, Has("images"))),
    ("a filter:videos", all_of(A, Has("video_link"))),
    ("a filter:media", all_of(A, Has("media"))),
    ("a -filter:replies", all_of(A, Not(Is("reply")))),
    ("a -filter:retweets", all_of(A, Not(Is("retweet")))),
    ("a filter:nativeretweets", all_of(A, Is("retweet"))),
    ("a filter:quote", all_of(A, Is("quote"))),
    ("a filter:verified", all_of(A, Is("verified"))),
    ("a since:2024-02-29", all_of(A, Since(date(2024, 2, 29)))),
    ("a until:2010-01-01", all_of(A, Until(date(2010, 1, 1)))),
    ("cats and dogs", all_of(K("cats"), K("and"), K("dogs"))),
    ("cats or dogs", all_of(K("cats"), K("or"), K("dogs"))),
    ("a AND b", all_of(A, K("AND"), B)),
    ("min_likes:3", AtLeast("likes", 3)),
]


@pytest.mark.parametrize(("query", "tree"), WORDS + LOGIC + OPERATORS)
def test_the_api_reads(query, tree):
    assert parse(query) == tree
    assert parse(canonical(tree)) == tree


@pytest.mark.parametrize(("query", "tree"), WEB)
def test_the_search_box_reads(query, tree):
    assert parse(query, dialect=Dialect.WEB) == tree
    assert parse(canonical(tree), dialect=Dialect.WEB) == tree


def test_the_search_box_reads_what_the_api_reads():
    for query, tree in WORDS + LOGIC + OPERATORS:
        assert parse(query, dialect=Dialect.WEB) == tree


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ("a  c  b", "a c b"),
        ("((a OR b)) ((c))", "(a OR b) c"),
        ("(a b) OR ((c) -d)", "a b OR c -d"),
        ("x filter:replies min_faves:05", "x is:reply min_likes:5"),
        ("https://x.com", 'url:"https://x.com"'),
        ("point_radius:[1.50 2 3km]", "point_radius:[1.5 2.0 3.0km]"),
        ("＃a ＠b ＄c", "#a @b $c"),
    ],
)
def test_there_is_one_way_to_write_it(query, written):
    assert canonical(parse(query, dialect=Dialect.WEB)) == written


def test_nodes_know_where_they_were_read():
    tree = parse("é (b OR -from:cc) 😀")

    match tree:
        case And((K() as word, Or((K(), Not(From() as sender) as negated)) as group, K() as emoji)):
            places = [node.at for node in (tree, word, group, negated, sender, emoji)]
    assert places == [
        Span(0, 19), Span(0, 1), Span(3, 13), Span(8, 8), Span(9, 7), Span(18, 1),
    ]  # fmt: skip


def test_all_of_x_takes_longer_queries():
    query = "a" * 4_096

    assert parse(query, max_length=4_096) == K(query)


def test_256_terms_are_not_too_many():
    assert len(leaves(parse(" ".join("a" * 256)))) == 256
