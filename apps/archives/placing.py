"""How a post of X becomes a post here: what it answers, quotes and passes on, and its text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from apps.archives.reading.records import Exceptions, Post
from apps.infra import clock, ids
from apps.tweets import services_archive as tweets
from apps.tweets.services_import import MAX_SOURCE, TweetRow

MAX_CHARS = 4_000
# Earlier ids were handed out in a row and say nothing of the time.
FIRST_SNOWFLAKE = 29_700_000_000
# The first post of all, and the days in which ids with a time began.
_FIRST_SECOND, _SNOWFLAKE_SECOND = 1_142_812_800, 1_289_088_000
# Of a post's time and that in its id; retweets and clients of old were seconds apart.
_MAX_APART_SECONDS = 3_600
_MAX_AHEAD_MS = 60_000
_SOURCE = "X"


@dataclass(slots=True)
class Placed:
    """A post that will be stored, if nothing comes between."""

    post: Post
    row: TweetRow
    # Uploads that are to hang on it.
    media_ids: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def fault_of(post: Post) -> str | None:
    """Why a post's time cannot be true, as a code; None where it can.

    The time of an id decides where a post stands, so nobody may choose the two apart.
    """
    if post.id < FIRST_SNOWFLAKE:
        is_plausible = _FIRST_SECOND <= post.at <= _SNOWFLAKE_SECOND
        return None if is_plausible else "time_differs"
    if ids.ms_of(post.id) > clock.now_ms() + _MAX_AHEAD_MS:
        return "future"
    is_near = abs(ids.ms_of(post.id) / 1000 - post.at) <= _MAX_APART_SECONDS
    return None if is_near else "time_differs"


class Placing:
    """Places the posts of one batch, by rising id.

    Args:
        authors: who wrote the posts that are stored, of those that the batch names.
        own_x_id: the person's account on X.
    """

    def __init__(
        self,
        *,
        user_id: int,
        own_x_id: int | None,
        authors: Mapping[int, int],
        remarks: Exceptions,
    ) -> None:
        self._user_id = user_id
        self._own_x_id = own_x_id
        self._authors = authors
        # Posts of this batch that later ones may quote or pass on.
        self._placed: set[int] = set()
        self._remarks = remarks

    def placed(self, post: Post, media_ids: list[int], *, has_all: bool) -> Placed | None:
        """The post as it is to be stored; None where nothing would be left of it."""
        counts = {"pictures": len(media_ids)}
        text = self._with_media_link(post, has_all)
        retweet_of = self._shared(post.retweet_of_id, post) if post.is_retweet else None
        quote_of = None if post.is_retweet else self._shared(post.quote_of_id, post)
        if post.is_retweet:
            counts["retweets"] = 1
            if retweet_of is None:
                self._remarks.add("retweet_as_text", post.id)
                text = f"{text} {post.quote_link}".strip()
        elif quote_of is not None:
            counts["quotes"] = 1
            text = text.removesuffix(post.quote_link).rstrip() or text
        elif post.quote_of_id is not None:
            self._remarks.add("quote_as_link", post.id)
        if len(text) > MAX_CHARS:
            self._remarks.add("shortened", post.id)
            text = text[: MAX_CHARS - 1] + "…"
        if not text.strip() and not media_ids:
            return None
        answered = self._answered(post)
        counts |= {"replies": int(answered is not None), "joined": int(post.is_joined)}
        row = TweetRow(
            id=post.id,
            author_id=self._user_id,
            text=text,
            created_at=datetime.fromtimestamp(post.at, UTC),
            lang=post.lang,
            source=(post.source or _SOURCE)[:MAX_SOURCE],
            in_reply_to_id=answered,
            # Numbers of accounts on X are nobody's here, but for one's own.
            in_reply_to_user_id=self._user_id if answered and self._is_own(post) else None,
            retweet_of_id=retweet_of,
            quote_of_id=quote_of,
        )
        if retweet_of is None:
            self._placed.add(post.id)
        return Placed(post, row, media_ids, counts)

    def _is_own(self, post: Post) -> bool:
        return post.in_reply_to_user_id is not None and post.in_reply_to_user_id == self._own_x_id

    def _answered(self, post: Post) -> int | None:
        parent = post.in_reply_to_id
        if parent is None or parent >= post.id:
            return None
        author = self._authors.get(parent)
        if author is None or author == self._user_id:
            return parent
        if tweets.may_answer(user_id=self._user_id, tweet_id=parent):
            return parent
        self._remarks.add("reply_apart", post.id)
        return None

    def _shared(self, tweet_id: int | None, post: Post) -> int | None:
        """The post that is quoted or passed on, if it is here and may be."""
        if tweet_id is None or tweet_id >= post.id:
            return None
        if tweet_id in self._placed:
            return tweet_id
        if tweet_id not in self._authors:
            return None
        return tweet_id if tweets.may_share(user_id=self._user_id, tweet_id=tweet_id) else None

    @staticmethod
    def _with_media_link(post: Post, has_all: bool) -> str:
        if not post.media_link or post.media_link not in post.text:
            return post.text
        if has_all:
            return post.text.replace(post.media_link, "").strip()
        return post.text.replace(post.media_link, post.media_page or post.media_link)
