"""What a text holds, as the API tells it: `entities` of tweets and of accounts.

Places count code points. A mention is of an account that exists, as on X; a name that nobody has
is text. What a tweet holds is made once and kept with the tweet, as its other fields are.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import orjson

from apps.infra.stores import cache, invalidation
from apps.tweets.schemas import TweetOut
from apps.tweets.text import entities
from apps.tweets.text.links import shortened
from apps.tweets.text.shapes import Entities, Url
from apps.users import queries_names
from apps.users.schemas import UserOut

NAME = "entities"
MAX_URL_CHARS = 32
# Names that nobody had when a tweet was rendered, with the tweets to render anew when somebody has.
# What is left out of it is rendered anew when it leaves the memory.
_awaited: dict[str, set[int]] = {}
MAX_AWAITED = 10_000
MAX_AWAITING = 100


def settle(tweet: TweetOut) -> bool:
    """Put a tweet's entities among its fragments, from memory.

    Returns:
        False where it names somebody whom PostgreSQL has to be asked for.
    """
    if NAME in tweet.fragments:
        return True
    held = entities.extract_entities(tweet.text)
    people = queries_names.named_in_memory(_names(held))
    if people is None:
        return False
    _keep(tweet, held, people)
    return True


async def settle_all(tweets: Iterable[TweetOut]) -> None:
    """The same for many, with two queries at most."""
    unsettled = [
        (tweet, entities.extract_entities(tweet.text))
        for tweet in tweets
        if NAME not in tweet.fragments
    ]
    names = {name for _, held in unsettled for name in _names(held)}
    people = await queries_names.users_named(names) if names else {}
    for tweet, held in unsettled:
        _keep(tweet, held, people)


def mentioned_ids(tweet: TweetOut) -> list[int]:
    """Whom a settled tweet mentions, each once, in order."""
    named = held_by(tweet).get("mentions", ())
    return list(dict.fromkeys(int(one["id"]) for one in named))


def held_by(tweet: TweetOut) -> dict[str, Any]:
    """The entities of a settled tweet; {} for none."""
    piece = tweet.fragments[NAME]
    found: dict[str, Any] = orjson.loads(b"{%b}" % piece)[NAME] if piece else {}
    return found


def of_retweet(original: TweetOut, author: UserOut, shown: int, *, is_cut: bool) -> bytes:
    """The fragment of a retweet: whose tweet it is, then what is left of the original's entities.

    Args:
        original: settled. shown: how many characters the retweet's text has. is_cut: the last of
            them stands for more.
    """
    lead = len(f"RT @{author.username}: ")
    end = shown - is_cut
    first = {
        "start": 3, "end": lead - 2, "username": author.username, "id": str(author.id),
    }  # fmt: skip
    kept: dict[str, Any] = {}
    for kind, found in held_by(original).items():
        moved = [
            one | {"start": one["start"] + lead, "end": one["end"] + lead}
            for one in found
            if one["end"] + lead <= end
        ]
        if moved:
            kept[kind] = moved
    kept["mentions"] = [first, *kept.get("mentions", ())]
    return _fragment({kind: kept[kind] for kind in _ORDER if kind in kept})


def user_entities(user: UserOut) -> dict[str, Any] | None:
    """What an account's description and address hold; None for nothing."""
    held = entities.extract_entities(user.bio)
    description = _told(held)
    names = [
        {"start": one.start, "end": one.end, "username": one.username} for one in held.mentions
    ]
    if names:
        description["mentions"] = names
    found: dict[str, Any] = {}
    if description:
        found["description"] = {kind: description[kind] for kind in _ORDER if kind in description}
    if user.url:
        found["url"] = {"urls": [_url(Url(0, len(user.url), user.url))]}
    return found or None


_ORDER = ("urls", "mentions", "hashtags", "cashtags")


def _names(held: Entities) -> set[str]:
    return {one.username.lower() for one in held.mentions} if held.mentions else set()


def _keep(tweet: TweetOut, held: Entities, people: Mapping[str, UserOut]) -> None:
    told = _told(held)
    known = [
        {
            "start": one.start,
            "end": one.end,
            "username": people[name].username,
            "id": str(people[name].id),
        }
        for one in held.mentions
        if (name := one.username.lower()) in people
    ]
    if known:
        told["mentions"] = known
    tweet.fragments[NAME] = _fragment({kind: told[kind] for kind in _ORDER if kind in told})
    if len(known) < len(held.mentions):
        _await(tweet, _names(held) - people.keys())


def _fragment(told: Mapping[str, Any]) -> bytes:
    return b'"entities":' + orjson.dumps(told) if told else b""


def _told(held: Entities) -> dict[str, Any]:
    """All but mentions, by kind."""
    told: dict[str, Any] = {}
    if held.urls:
        told["urls"] = [_url(one) for one in held.urls]
    for kind, found in (("hashtags", held.hashtags), ("cashtags", held.cashtags)):
        if found:
            told[kind] = [{"start": one.start, "end": one.end, "tag": one.tag} for one in found]
    return told


def _url(one: Url) -> dict[str, Any]:
    return {
        "start": one.start,
        "end": one.end,
        "url": one.url,
        "expanded_url": one.url if "://" in one.url else f"http://{one.url}",
        "display_url": shortened(one.url, MAX_URL_CHARS),
    }


def _await(tweet: TweetOut, names: Collection[str]) -> None:
    for name in names:
        waiting = _awaited.setdefault(name, set())
        if len(waiting) < MAX_AWAITING:
            waiting.add(tweet.id)
    while len(_awaited) > MAX_AWAITED:
        del _awaited[next(iter(_awaited))]
    if any(queries_names.is_opening(name) for name in names):
        # It may be there by the next read.
        _forget(tweet.id)


def _on_opened(name: str) -> None:
    """Somebody has the name now: what names them is rendered anew."""
    gone = [name] if name != "*" else list(_awaited)
    for one in gone:
        for tweet_id in _awaited.pop(one, ()):
            _forget(tweet_id)


def _forget(tweet_id: int) -> None:
    for local in cache.caches_of("t"):
        local.evict(tweet_id, hold=False)


invalidation.on("s", _on_opened)
