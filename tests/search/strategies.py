"""Random documents and trees over one small world, so that they often meet."""

from datetime import date

from hypothesis import strategies as st

from apps.search.query.document import Body, Document, Place
from apps.search.query.matching import first_id_of
from apps.search.query.operators import Dialect
from apps.search.query.parser import parse
from apps.search.query.tree import And, Node, Not, Or

# The account named 123 is not the account with the id 123.
ACCOUNTS = {"alice": 1, "bob": 2, "123": 3, "carol": 123}
MEMBERS = {7: (1, 3), 8: ()}
FIRST_ID = first_id_of(date(2024, 5, 5))

PIECES = [
    "new", "New", "york", "café", "CAFE", "cats", "it's", "it", "s", "東京", "東京タワー", "京",
    "タワー", "서울에서", "서울", "ภาษาไทย", "ไทย", "हिन्दी", "😀", "👍🏽", "👍", "❤️", "#new",
    "#New_York", "#東京", "@alice", "@Bob", "$TSLA", "tsla", "https://x.com/new/york",
    "http://York.example/?q=東京", "'", "\\", "\\'", "new-york", "a_b", "½", "ﷺ", ":", "&", "|",
    "!", "*", "…",
]  # fmt: skip
TERMS = [
    "new", "york", "cafe", "Café", "it's", "東京", "京", "東", "タワー", "京タ", "서울", "ไทย",
    "हिन्दी", "😀", "👍", "👍🏽", "❤", "new-york", "a_b", "½", "ﷺ", "zebra", '"new york"',
    '"york new"', '"new #new"', '"東京 タワー"', '"cats 東京 new"', '"it s"', '"it\'s new"',
    '"new 😀 york"', '"see https://x.com/new/york"', '"new https://x.com/new/york"', "#new",
    "#new_york", "#東京", "@alice", "@bob", "$tsla", "https://x.com/new", "url:york", "url:x.com",
    'url:"york.example"', "url:東京", "from:alice", "from:123", "from:3", "from:nobody", "to:bob",
    "to:2", "to:123", "retweets_of:carol", "retweets_of:123", "conversation_id:10",
    "in_reply_to_tweet_id:10", "retweets_of_tweet_id:11", "quotes_of_tweet_id:12", "list:7",
    "list:8", "list:9", "context:10.20", "context:10.*", "context:*.21", 'entity:"Ana Café"',
    "place:tokyo", "place:abc", "place_country:jp", "point_radius:[139.7 35.6 20km]",
    "point_radius:[139.7 35.6 1mi]", "bounding_box:[139.6 35.5 139.8 35.7]", "min_likes:1",
    "min_replies:2", "min_reposts:3", "is:retweet", "is:reply", "is:quote", "is:verified",
    "-is:nullcast", "has:hashtags", "has:cashtags", "has:links", "has:mentions", "has:media",
    "has:images", "has:video_link", "has:geo", "lang:en", "lang:ja", "since:2024-05-05",
    "until:2024-05-05", "min_faves:2",
]  # fmt: skip


def leaf(term: str) -> Node:
    """One term as a node, narrowing ones too."""
    tree = parse(f"x {term}", dialect=Dialect.WEB)
    assert isinstance(tree, And)
    return tree.parts[1]


def joined(kind: type[And] | type[Or], parts: list[Node]) -> Node:
    """Parts side by side, as the parser leaves them: no kind inside itself."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else [part])]
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


LEAVES = {term: leaf(term) for term in TERMS}


def negated(node: Node) -> Node:
    return node if isinstance(node, Not) else Not(node)  # type: ignore[arg-type]


def plain() -> st.SearchStrategy[Node]:
    return st.sampled_from(list(LEAVES.values()))


def trees() -> st.SearchStrategy[Node]:
    """Any tree, also such as a query may not be."""
    terms = plain() | plain().map(negated)
    return st.recursive(
        terms,
        lambda inner: st.builds(
            joined, st.sampled_from([And, Or]), st.lists(inner, min_size=2, max_size=3)
        ),
        max_leaves=8,
    )


def texts() -> st.SearchStrategy[str]:
    blank = st.sampled_from([" ", " ", " ", "", ", ", "\n"])
    pairs = st.lists(st.tuples(st.sampled_from(PIECES), blank), max_size=12)
    return pairs.map(lambda found: "".join(piece + gap for piece, gap in found))


@st.composite
def documents(draw: st.DrawFn, *, in_stream: bool = False) -> Document:
    """A document; with the body of a quoted tweet only `in_stream`."""
    people = st.sampled_from(sorted(ACCOUNTS.items()))
    (author, author_id), replied, reposted = draw(people), draw(people), draw(people)
    reply, repost, quote = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    body = Body.of(draw(texts()), urls=draw(st.sampled_from([(), ("https://long.york.example",)])))
    return Document(
        id=FIRST_ID + draw(st.integers(-1, 1) | st.integers(-(10**6), 10**6)),
        author_id=author_id,
        author_username=author.title(),
        body=body,
        quoted=Body.of(draw(texts())) if in_stream and draw(st.booleans()) else None,
        conversation_id=draw(st.integers(9, 11)),
        lang=draw(st.sampled_from(["en", "ja", "und"])),
        in_reply_to_id=draw(st.integers(10, 11)) if reply else None,
        in_reply_to_user_id=replied[1] if reply else None,
        in_reply_to_username=replied[0] if reply else None,
        retweet_of_id=draw(st.integers(10, 11)) if repost else None,
        retweet_of_user_id=reposted[1] if repost else None,
        retweet_of_username=reposted[0] if repost else None,
        quote_of_id=draw(st.integers(11, 12)) if quote else None,
        like_count=draw(st.integers(0, 3)),
        reply_count=draw(st.integers(0, 3)),
        repost_count=draw(st.integers(0, 3)),
        author_verified=draw(st.booleans()),
        nullcast=draw(st.booleans()),
        media=draw(st.frozensets(st.sampled_from(["image", "video", "gif"]))),
        place=draw(st.sampled_from([None, Place(id="abc", full_name="Tōkyō", country="JP")])),
        point=draw(st.sampled_from([None, (139.7, 35.6), (139.75, 35.65), (2.35, 48.86)])),
        contexts=draw(st.frozensets(st.sampled_from(["10.20", "10.21", "11.21"]))),
        entities=draw(st.frozensets(st.sampled_from(["ana cafe", "Bo"]))),
        author_lists=frozenset(i for i, ids in MEMBERS.items() if author_id in ids),
    )
