"""What leaves this app."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

# How often and how long a tweet can be changed, as on X.
MAX_EDITS = 5
EDITABLE_FOR = timedelta(minutes=30)


@dataclass(slots=True, kw_only=True)
class TweetOut:
    """One live tweet (not deleted, not hidden). Never changed once made.

    `fragments` keeps what a renderer made of it, by field name, for as long as it is cached.
    """

    id: int
    author_id: int
    text: str
    lang: str
    source: str
    created_at: datetime
    conversation_id: int
    in_reply_to_id: int | None
    in_reply_to_user_id: int | None
    retweet_of_id: int | None
    retweet_of_user_id: int | None
    quote_of_id: int | None
    quote_of_user_id: int | None
    like_count: int
    reply_count: int
    retweet_count: int
    quote_count: int
    bookmark_count: int = 0
    # Its pictures, in order, and its poll.
    media_keys: list[str] | None = None
    poll_id: int | None = None
    # "following" or "mentionedUsers": who may answer in the conversation that it begins.
    reply_settings: str | None = None
    # Whoever began the conversation has put this answer out of the way.
    reply_hidden_at: datetime | None = None
    # When its text was changed, each time.
    edit_times: list[datetime] | None = None
    fragments: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a tweet says, or said, from a moment on; the first is number 1."""

    number: int
    text: str
    created_at: datetime


# The fields that are columns of a row, in their order.
STORED = TweetOut.__slots__[:-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a viewer did with a tweet."""

    liked: bool = False
    retweeted: bool = False
    bookmarked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of tweets, newest first.

    `next_before_id` is the cursor of the next older page, None at the very end. `degraded` says
    that an engine was away and the page came from elsewhere.
    """

    tweets: list[TweetOut]
    next_before_id: int | None
    degraded: bool = False
    # About how many ids are not older than the last one, where that is known: a hint.
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PollOut:
    """A poll; `votes` counts by option, in the order of `options`."""

    id: int
    tweet_id: int
    options: list[str]
    votes: list[int]
    duration_minutes: int
    ends_at: datetime

    def is_open(self, now: datetime) -> bool:
        """Whether votes are taken at that moment."""
        return now < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOut:
    """What somebody has begun to write: the posts of a thread in order, nearly always one."""

    id: int
    key: str
    texts: list[str]
    in_reply_to_id: int | None
    quote_of_id: int | None
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """What waits for its time; `failed_at` says when it could not be posted, `failure` why."""

    id: int
    author_id: int
    text: str
    in_reply_to_id: int | None
    quote_of_id: int | None
    # "" for everyone.
    reply_settings: str
    media_ids: list[int]
    poll_options: list[str]
    poll_minutes: int
    due_at: datetime
    created_at: datetime
    failed_at: datetime | None
    failure: str
    failure_detail: str
