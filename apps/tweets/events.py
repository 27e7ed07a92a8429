"""Facts about tweets and likes."""

from dataclasses import dataclass
from typing import ClassVar

from apps.infra.eventlog.log import Event


@dataclass(frozen=True, kw_only=True)
class TweetPosted(Event):
    """A tweet, reply, retweet or quote is stored."""

    topic: ClassVar[str] = "tweet.posted"
    tweet_id: int
    author_id: int
    in_reply_to_id: int | None = None
    in_reply_to_user_id: int | None = None
    retweet_of_id: int | None = None
    quote_of_id: int | None = None

    def key(self) -> str:
        return str(self.author_id)


# Id, author, whom it answers, whose it quotes, what it passes on and whose that is (0: nothing),
# whom it names.
Addressed = tuple[int, int, int, int, int, int, list[int]]


@dataclass(frozen=True, kw_only=True)
class TweetsAddressed(Event):
    """Tweets are stored that concern others: they name them, or answer, quote or pass on what they
    wrote. Told by whoever has read the rows anyway, so a post that concerns nobody costs nothing.
    """

    topic: ClassVar[str] = "tweets.addressed"
    tweets: list[Addressed]

    def key(self) -> str:
        return str(self.tweets[0][0])


@dataclass(frozen=True, kw_only=True)
class HistoryChanged(Event):
    """Tweets of the past came without being posted, or went without being deleted: an archive was
    taken in or given back. Which of both, the rows say."""

    topic: ClassVar[str] = "history.changed"
    author_id: int
    tweet_ids: list[int]

    def key(self) -> str:
        return str(self.author_id)


@dataclass(frozen=True, kw_only=True)
class HistorySettled(Event):
    """That is over for now: lists that were made of the author's tweets before are outdated."""

    topic: ClassVar[str] = "history.settled"
    author_id: int

    def key(self) -> str:
        return str(self.author_id)


@dataclass(frozen=True, kw_only=True)
class _OneTweet(Event):
    tweet_id: int
    author_id: int

    def key(self) -> str:
        return str(self.author_id)


class TweetDeleted(_OneTweet):
    """Its author took it back; it is gone for everyone."""

    topic: ClassVar[str] = "tweet.deleted"


class TweetEdited(_OneTweet):
    """Its author changed what it says; what it is called and what hangs on it stay."""

    topic: ClassVar[str] = "tweet.edited"


class TweetHidden(_OneTweet):
    """A moderator took it out of sight."""

    topic: ClassVar[str] = "tweet.hidden"


class TweetUnhidden(_OneTweet):
    """A moderator brought it back."""

    topic: ClassVar[str] = "tweet.unhidden"


class ReplyHidden(_OneTweet):
    """Whoever began the conversation put this answer out of the way."""

    topic: ClassVar[str] = "reply.hidden"


class ReplyUnhidden(_OneTweet):
    """The answer stands with the others again."""

    topic: ClassVar[str] = "reply.unhidden"


@dataclass(frozen=True, kw_only=True)
class _Like(Event):
    """`is_counted`: the tweet's counter was changed in the same transaction."""

    user_id: int
    tweet_id: int
    author_id: int
    is_counted: bool = True

    def key(self) -> str:
        return str(self.user_id)


class LikeCreated(_Like):
    """Someone likes a tweet."""

    topic: ClassVar[str] = "like.created"


class LikeRemoved(_Like):
    """Someone takes a like back."""

    topic: ClassVar[str] = "like.removed"
