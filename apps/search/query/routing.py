"""Which of many trees fit one document, without trying them all.

A tree has keys such that each document that fits has at least one of them. A dict from key to
trees then leaves a handful to try. Trees without keys (`min_likes:5`) are tried every time.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from apps.search.query import document as d
from apps.search.query import tokens
from apps.search.query import tree as t
from apps.search.query.document import Document
from apps.search.query.matching import matches

# How common documents with a key are, roughly: the lower, the better a key. Words by length.
_COMMON = 10_000
_RARE = 1
_TAG = 10
_WORD = 2_000

RuleId = TypeVar("RuleId", bound=Hashable)


def frequency(key: str) -> int:
    """How common documents with a key are, roughly, without having seen any."""
    kind = key.partition(":")[0]
    if key[0] in "#$@":
        return _TAG
    if kind in {"is", "has", "lang", "country"}:
        return _COMMON
    return _WORD // len(key) if kind in {"w", "u"} else _RARE


def index_keys(node: t.Node, *, cost: Callable[[str], int] = frequency) -> frozenset[str] | None:
    """Keys of which each document that fits has one; None where there are none to give.

    Of several choices it takes that with the lowest sum of `cost`.
    """
    match node:
        case t.And(parts):
            choices = [keys for part in parts if (keys := index_keys(part, cost=cost)) is not None]
            return min(choices, key=lambda keys: sum(map(cost, keys)), default=None)
        case t.Or(parts):
            found: set[str] = set()
            for part in parts:
                keys = index_keys(part, cost=cost)
                if keys is None:
                    return None
                found |= keys
            return frozenset(found)
        case t.Not():
            return None
        case _:
            return _leaf_keys(node)


def _leaf_keys(node: t.Leaf) -> frozenset[str] | None:  # noqa: PLR0911, PLR0912 (one per kind)
    match node:
        case t.Keyword(text) | t.Phrase(text):
            return _rarest("w:", tokens.sought(text))
        case t.Url(text):
            return _rarest("u:", tokens.sought_in_url(text))
        case t.Hashtag(tag):
            return frozenset([f"#{tokens.fold(tag)}"])
        case t.Cashtag(symbol):
            return frozenset([f"${tokens.fold(symbol)}"])
        case t.Mention(username):
            return frozenset([f"@{tokens.fold(username)}"])
        case t.From(user):
            return frozenset([f"from:{user}"])
        case t.To(user):
            return frozenset([f"to:{user}"])
        case t.RetweetsOf(user):
            return frozenset([f"retweets_of:{user}"])
        case t.Conversation(tweet_id):
            return frozenset([f"conversation:{tweet_id}"])
        case t.InReplyTo(tweet_id):
            return frozenset([f"reply_to:{tweet_id}"])
        case t.RetweetsOfTweet(tweet_id):
            return frozenset([f"retweet_of:{tweet_id}"])
        case t.QuotesOfTweet(tweet_id):
            return frozenset([f"quote_of:{tweet_id}"])
        case t.InList(list_id):
            return frozenset([f"list:{list_id}"])
        case t.PointRadius() | t.BoundingBox():
            return frozenset(["has:geo"])
        case t.AtLeast() | t.Since() | t.Until():
            return None
        case _:
            return frozenset([mark_of(node)])


_Marked = t.Context | t.Entity | t.InPlace | t.PlaceCountry | t.Is | t.Has | t.Lang


def mark_of(node: _Marked) -> str:  # noqa: PLR0911 (one line for each kind of leaf)
    """The mark (`document.marks`) that a document that fits has, and no other has."""
    match node:
        case t.Context(domain, entity):
            return f"context:{domain}.{entity}"
        case t.Entity(name):
            return f"entity:{tokens.fold(name)}"
        case t.InPlace(text):
            return f"place:{tokens.fold(text)}"
        case t.PlaceCountry(country):
            return f"country:{country}"
        case t.Is(kind):
            return f"is:{kind}"
        case t.Has(thing):
            return f"has:{thing}"
        case t.Lang(code):
            return f"lang:{code}"


def _rarest(prefix: str, phrase: tokens.Sought) -> frozenset[str]:
    """The longest lexeme stands for all: each of them is needed."""
    return frozenset([prefix + max((lexeme for _, lexeme in phrase), key=len)])


def document_keys(document: Document) -> frozenset[str]:
    """All keys that a document has."""
    keys = set(d.marks(document, document.bodies))
    for body in document.bodies:
        keys |= {f"w:{lexeme}" for lexeme in body.positions}
        keys |= {f"u:{lexeme}" for lexeme in body.url_positions}
    accounts = (
        ("from", document.author_id, document.author_username),
        ("to", document.in_reply_to_user_id, document.in_reply_to_username),
        ("retweets_of", document.retweet_of_user_id, document.retweet_of_username),
    )
    for kind, account_id, username in accounts:
        if account_id is not None:
            keys |= {f"{kind}:{account_id}", f"{kind}:{(username or '').lower()}"}
    tweets = (
        ("conversation", document.conversation_id),
        ("reply_to", document.in_reply_to_id),
        ("retweet_of", document.retweet_of_id),
        ("quote_of", document.quote_of_id),
    )
    keys |= {f"{kind}:{tweet_id}" for kind, tweet_id in tweets if tweet_id is not None}
    keys |= {f"list:{list_id}" for list_id in document.author_lists}
    return frozenset(keys)


class Rules(Generic[RuleId]):
    """Many trees by id. Not safe for threads that change it at once."""

    def __init__(self) -> None:
        self._trees: dict[RuleId, t.Node] = {}
        # None: tried with every document.
        self._keys: dict[RuleId, frozenset[str] | None] = {}
        self._by_key: dict[str, set[RuleId]] = {}
        self._always: set[RuleId] = set()

    def __len__(self) -> int:
        return len(self._trees)

    def add(self, rule_id: RuleId, tree: t.Node) -> None:
        """Add a rule, or put another tree in the place of its old one.

        Keys that many rules have already are avoided: `common word7` goes under `word7`.
        """
        self.remove(rule_id)
        self._trees[rule_id] = tree
        keys = self._keys[rule_id] = index_keys(tree, cost=self._cost)
        if keys is None:
            self._always.add(rule_id)
        for key in keys or ():
            self._by_key.setdefault(key, set()).add(rule_id)

    def remove(self, rule_id: RuleId) -> None:
        """Forget a rule; one that is not there is no error."""
        if self._trees.pop(rule_id, None) is None:
            return
        self._always.discard(rule_id)
        for key in self._keys.pop(rule_id) or ():
            held = self._by_key[key]
            held.discard(rule_id)
            if not held:
                del self._by_key[key]

    def candidates(self, document: Document) -> set[RuleId]:
        """Rules that may fit: all others do not."""
        found = set(self._always)
        for key in document_keys(document) & self._by_key.keys():
            found |= self._by_key[key]
        return found

    def matching(self, document: Document) -> set[RuleId]:
        """Rules that fit."""
        return {rule for rule in self.candidates(document) if matches(self._trees[rule], document)}

    def _cost(self, key: str) -> int:
        return frequency(key) * (1 + len(self._by_key.get(key, ())))
