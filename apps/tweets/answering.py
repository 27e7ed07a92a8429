"""Who may answer in a conversation, as pages tell it before anybody writes.

`guards.ensure_may_answer` decides when the answer comes; this is its other half for reading.
"""

from dataclasses import dataclass

from apps.graph import queries as graph_queries
from apps.tweets import queries
from apps.tweets.schemas import TweetOut
from apps.tweets.text.entities import extract_entities
from apps.users import queries as user_queries
from apps.users.schemas import UserOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """The rule of a conversation: "" for everyone, "following" or "mentionedUsers"; who made it;
    and whether the viewer may answer."""

    rule: str
    by: UserOut | None
    is_open: bool


async def answering(*, viewer_id: int | None, tweet: TweetOut) -> Answering:
    """Who may answer a tweet. Where the first one of its conversation is gone, its rule is not
    told: the answer itself is then allowed or refused."""
    root: TweetOut | None = tweet
    if tweet.conversation_id != tweet.id:
        found = await queries.tweets_by_ids([tweet.conversation_id])
        root = found.get(tweet.conversation_id)
    if root is None or not root.reply_settings:
        return Answering(rule="", by=None, is_open=viewer_id is not None)
    users = await user_queries.users_by_ids([root.author_id, viewer_id or 0])
    is_open = viewer_id is not None and await _may(viewer_id, users.get(viewer_id), root)
    return Answering(rule=root.reply_settings, by=users.get(root.author_id), is_open=is_open)


async def _may(viewer_id: int, viewer: UserOut | None, root: TweetOut) -> bool:
    if root.author_id == viewer_id:
        return True
    mentioned = {one.username.lower() for one in extract_entities(root.text).mentions}
    if viewer is not None and viewer.username.lower() in mentioned:
        return True
    if root.reply_settings != "following":
        return False
    return bool(await graph_queries.follows_any(root.author_id, [viewer_id]))
