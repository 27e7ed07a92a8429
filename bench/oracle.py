"""Are the answers right? A figure of wrong answers is worth nothing, so it fails the run."""

import json
from collections import Counter
from collections.abc import Collection, Sequence

from bench.world import World


class WrongAnswer(Exception):
    """A timeline is not what the model says; the message names the tweets and what is wrong."""


def compare(
    got: Sequence[int],
    expected: Sequence[int],
    *,
    deleted: Collection[int] = (),
    ordered: bool = True,
    of: str = "timeline",
) -> None:
    """Hold a timeline against the model's.

    Raises:
        WrongAnswer: something is missing, doubled, foreign, deleted or out of order.
    """
    wrong = {
        "missing": sorted(set(expected) - set(got)),
        "doubled": sorted(one for one, count in Counter(got).items() if count > 1),
        "deleted": sorted(set(got) & set(deleted)),
        "foreign": sorted(set(got) - set(expected) - set(deleted)),
    }
    if ordered and list(got) != sorted(got, reverse=True):
        wrong["out of order"] = list(got)
    found = [f"{name}: {ids[:5]}" for name, ids in wrong.items() if ids]
    if found:
        raise WrongAnswer(f"{of}: " + "; ".join(found))


def ids_of_page(body: bytes) -> list[int]:
    """The tweet ids of a page of the API, in its order."""
    return [int(tweet["id"]) for tweet in json.loads(body).get("data", ())]


def check_page(world: World, viewer_id: int, body: bytes, *, limit: int) -> None:
    """Hold a first page of a home timeline against the model, texts and authors included.

    Raises:
        WrongAnswer: see `compare`; or a text or an author is not that of the tweet.
    """
    page = json.loads(body)
    compare(
        ids_of_page(body),
        world.home(viewer_id, limit),
        deleted=world.deleted,
        of=f"home timeline of {viewer_id}",
    )
    known = {int(user["id"]) for user in page.get("includes", {}).get("users", ())}
    for tweet in page.get("data", ()):
        tweet_id, author_id = int(tweet["id"]), int(tweet["author_id"])
        if tweet["text"] != world.texts[tweet_id]:
            raise WrongAnswer(f"tweet {tweet_id} has another text: {tweet['text']!r}")
        if tweet_id not in world.tweets_of[author_id] or author_id not in known:
            raise WrongAnswer(f"tweet {tweet_id} is not by {author_id}, or its author is missing")
