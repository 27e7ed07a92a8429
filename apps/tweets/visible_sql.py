"""The visibility filter as a condition of PostgreSQL, for counting what nobody looks at one by one.

It says what `visibility.visible` says of every surface but the home timeline; a test holds both
together. Posts that are shown pass that filter, not this one.
"""

from collections.abc import Collection

_LIVE = (
    "exists (select from tweets seen where seen.id = {tweet} and seen.author_id = {author}"
    " and seen.deleted_at is null and seen.hidden_at is null)"
)
_OPEN = (
    "exists (select from users one where one.id = {author} and one.suspended_at is null"
    " and one.is_active and (not one.is_protected or one.id = %s or exists (select from follows"
    " where follower_id = %s and followee_id = one.id)) and one.id <> all(%s::bigint[]))"
)
_NOBODY = -1


def visible_sql(
    row: str, *, viewer_id: int | None, blocked: Collection[int]
) -> tuple[str, list[object]]:
    """A condition with %s for each parameter, and the parameters in their order.

    Args:
        row: alias of a row with tweet_id, author_id, retweet_of_id and retweet_of_user_id.
        blocked: accounts that block the viewer or that the viewer blocks.
    """
    viewer = _NOBODY if viewer_id is None else viewer_id
    reader: list[object] = [viewer, viewer, list(blocked)]
    own = _seen(tweet=f"{row}.tweet_id", author=f"{row}.author_id")
    original = _seen(tweet=f"{row}.retweet_of_id", author=f"{row}.retweet_of_user_id")
    condition = f"{own} and ({row}.retweet_of_id is null or ({original}))"
    return condition, [*reader, *reader]


def _seen(*, tweet: str, author: str) -> str:
    return _LIVE.format(tweet=tweet, author=author) + " and " + _OPEN.format(author=author)
