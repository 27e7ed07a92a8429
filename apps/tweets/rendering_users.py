"""What accounts bring of tweets: the entities of a profile, and pinned tweets.

Accounts live a storey below and know neither; `twitterlite.doors` hands this to them.
"""

from collections.abc import Collection, Sequence
from typing import Any

from apps.tweets import entities
from apps.tweets.includes import visible_or_missing
from apps.tweets.rendering import TWEET_FIELDS, render_tweets, tweet_selection
from apps.users.rendering import PINNED, Brought
from apps.users.schemas import UserOut


class KnownTweets:
    """See `apps.users.rendering.Tweets`."""

    def entities_of(self, user: UserOut) -> dict[str, Any] | None:
        """The `entities` field of an account."""
        return entities.user_entities(user)

    def fields(self) -> Collection[str]:
        """What `tweet.fields` may name."""
        return TWEET_FIELDS

    async def pinned_tweets(
        self, users: Sequence[UserOut], tweet_fields: str, *, viewer_id: int | None
    ) -> Brought:
        """The tweets that these accounts have pinned, as the viewer may see them."""
        wanted = [user.pinned_tweet_id for user in users if user.pinned_tweet_id]
        if not wanted:
            return Brought()
        shown, errors = await visible_or_missing(wanted, PINNED, viewer_id)
        selection = tweet_selection(tweet_fields)
        rendered = await render_tweets(shown, selection, viewer_id=viewer_id)
        return Brought(includes={"tweets": rendered.tweets}, errors=errors)
