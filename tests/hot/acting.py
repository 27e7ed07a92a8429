"""People who act on tweets, straight into what is watched."""

from collections.abc import Iterable

from apps.hot.features import LIKE, Act
from apps.hot.store import Deed


def deeds(
    tweet_id: int,
    actors: Iterable[int],
    *,
    began_ms: int,
    kind: str = LIKE,
    step_ms: int = 1_000,
    author_id: int = 1_000_000,
) -> list[Deed]:
    """Each of these people acts on a tweet, one after the other."""
    return [
        Deed(tweet_id, author_id, Act(kind, actor, began_ms + place * step_ms))
        for place, actor in enumerate(actors)
    ]
