"""Counters of posts as open pages hear of them."""

from collections.abc import Sequence
from typing import Any

from apps.tweets.visibility import visible_by_ids


async def live_counts(viewer_id: int, ids: Sequence[int]) -> list[list[Any]]:
    """`[id, replies, retweets, likes]` of those posts that the viewer may see now.

    Ids are strings: a script's numbers end at 2^53.
    """
    shown = await visible_by_ids(viewer_id=viewer_id, ids=ids, surface="lookup")
    return [[str(t.id), t.reply_count, t.retweet_count, t.like_count] for t in shown]
