"""What a tweet says and said. The caller has seen to it that the reader may see the tweet."""

from apps.infra.stores import aiopostgres
from apps.tweets.schemas import TweetOut, Version

_VERSIONS = (
    "select number, text, created_at from tweet_versions where tweet_id = %s order by number"
)


async def versions(tweet: TweetOut) -> list[Version]:
    """All of its versions, the newest first: at least one, at most six."""
    if not tweet.edit_times:
        return [Version(number=1, text=tweet.text, created_at=tweet.created_at)]
    rows = await aiopostgres.fetch(_VERSIONS, (tweet.id,))
    # An edit since the tweet was read has made a version of what it says here.
    former = [Version(number=n, text=text, created_at=at) for n, text, at in rows]
    former = former[: len(tweet.edit_times)]
    now = Version(
        number=len(tweet.edit_times) + 1, text=tweet.text, created_at=tweet.edit_times[-1]
    )
    return [now, *reversed(former)]
