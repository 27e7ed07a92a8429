"""May A do this to that tweet?"""

from apps.graph import guards as graph_guards
from apps.infra.errors import Forbidden, NotFound
from apps.tweets.models import Tweet
from apps.users import guards as user_guards


class ProtectedTweet(Forbidden):
    """Posts of protected accounts may not be passed on."""

    code = "protected"


def ensure_may_see(*, viewer_id: int, tweet_id: int) -> Tweet:
    """The tweet, if it is live and the viewer may see it.

    Raises:
        NotFound: it does not exist, or the viewer may not know that it does.
        Blocked: one of viewer and author blocks the other.
    """
    rows = Tweet.objects.filter(id=tweet_id, deleted_at=None, hidden_at=None)
    tweet = rows.order_by("id").first() if 0 < tweet_id < 1 << 63 else None
    if tweet is None:
        raise NotFound("This post is gone or never was.")
    if tweet.author_id != viewer_id:
        author = user_guards.ensure_exists(user_id=tweet.author_id)
        graph_guards.ensure_no_block(one=viewer_id, other=tweet.author_id)
        if author.is_protected and not graph_guards.follows(
            follower_id=viewer_id, followee_id=tweet.author_id
        ):
            raise NotFound("This post is gone or never was.")
    return tweet


def ensure_may_share(*, user_id: int, tweet_id: int) -> Tweet:
    """The tweet to retweet or quote: seen by the user, and public or their own.

    A retweet stands for its original.

    Raises:
        NotFound, Blocked: as `ensure_may_see`. ProtectedTweet.
    """
    tweet = ensure_may_see(viewer_id=user_id, tweet_id=tweet_id)
    if tweet.retweet_of_id is not None:
        tweet = ensure_may_see(viewer_id=user_id, tweet_id=tweet.retweet_of_id)
    if (
        tweet.author_id != user_id
        and user_guards.ensure_exists(user_id=tweet.author_id).is_protected
    ):
        raise ProtectedTweet("This account is protected; its posts cannot be passed on.")
    return tweet


def ensure_own(*, user_id: int, tweet_id: int) -> Tweet:
    """The live tweet, if the user wrote it.

    Raises:
        NotFound: there is none. Forbidden: somebody else wrote it.
    """
    rows = Tweet.objects.filter(id=tweet_id, deleted_at=None)
    tweet = rows.order_by("id").first() if 0 < tweet_id < 1 << 63 else None
    if tweet is None:
        raise NotFound("This post is gone or never was.")
    if tweet.author_id != user_id:
        raise Forbidden("Only its author can do this.")
    return tweet
