"""Verbs about tweets. Each is one transaction: the row, the counters, then the event."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.infra import ids
from apps.infra.errors import Invalid
from apps.infra.eventlog.log import Event, publish
from apps.infra.stores import invalidation
from apps.media.services import attaching
from apps.tweets import counters, guards, keys, services_polls
from apps.tweets.events import (
    LikeCreated,
    LikeRemoved,
    TweetDeleted,
    TweetHidden,
    TweetPosted,
    TweetUnhidden,
)
from apps.tweets.models import MAX_STORED, Like, Retweet, Tweet, TweetVersion
from apps.tweets.schemas import STORED, TweetOut
from apps.tweets.services_polls import NewPoll
from apps.tweets.text import weights
from apps.users import services as user_services
from apps.users import services_pinned

MAX_CHARS = weights.V3.limit


class TweetTooLong(Invalid):
    """Over 280 characters, as twitter-text weighs them."""

    code = "tweet_too_long"


class TweetEmpty(Invalid):
    """Nothing to say."""

    code = "tweet_empty"


class BadText(Invalid):
    """The text cannot be stored as it is."""

    code = "bad_text"


class PollAlone(Invalid):
    """A poll with something else that takes its place."""

    code = "poll_alone"


def to_out(tweet: Tweet) -> TweetOut:
    """The shape in which a tweet leaves this app."""
    return TweetOut(**{name: getattr(tweet, name) for name in STORED})


def checked_text(text: str, *, has_pictures: bool = False) -> str:
    """The text, unchanged, if it may be posted; beside pictures it may be empty.

    Raises:
        TweetEmpty, TweetTooLong: a weighted length of 1 to 280 (`apps.tweets.text.weights`), and
        at most `MAX_STORED` code points. BadText: NUL or lone surrogates.
    """
    if not text.strip() and not has_pictures:
        raise TweetEmpty(_("A post has at least one character."), field="text")
    if (over := weights.excess(text)) > 0:
        said = ngettext(
            "%(over)s character over the limit of %(limit)s.",
            "%(over)s characters over the limit of %(limit)s.",
            over,
        )
        raise TweetTooLong(said % {"over": f"{over:,}", "limit": MAX_CHARS}, field="text")
    # Long addresses weigh little.
    if len(text) > MAX_STORED:
        raise TweetTooLong(
            _("Addresses and all, %(max_stored)s is the limit.")
            % {"max_stored": f"{MAX_STORED:,}"},
            field="text",
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadText(
            _("This text holds characters that cannot be stored."), field="text"
        ) from None
    if "\x00" in text:
        raise BadText(_("This text holds characters that cannot be stored."), field="text")
    return text


def post_tweet(
    *,
    author_id: int,
    text: str,
    now: datetime,
    in_reply_to_id: int | None = None,
    quote_of_id: int | None = None,
    reply_settings: str | None = None,
    media_ids: Sequence[int] = (),
    poll: NewPoll | None = None,
    idempotency_key: str | None = None,
    source: str = "web",
) -> TweetOut:
    """Store a tweet and announce it; fan-out happens later, off the request.

    Args:
        text: stored exactly, a weighted length of 1 to 280; with pictures it may be empty.
        media_ids: uploads of the author, up to 4 pictures or one animated GIF.
        poll: to hang on it, instead of pictures or a quote.
        reply_settings: who may answer, of a tweet that answers none: "following" or
            "mentionedUsers"; None or "everyone" for all.
        idempotency_key: a repeat with the same key gives the first tweet, not a second one.

    Raises:
        TweetEmpty, TweetTooLong, BadText, BadReplySettings. NotFound, Blocked, ProtectedTweet,
        MayNotAnswer: of the tweet that this answers or quotes. KeyReused: the key came with
        another request before. PollAlone. Of pictures: as `attaching.attach`.
    """
    _ensure_alone(poll, has_pictures=bool(media_ids), quote_of_id=quote_of_id)
    tweet = Tweet(
        id=ids.next_id(), author_id=author_id, created_at=now, source=source,
        text=checked_text(text, has_pictures=bool(media_ids)),
        reply_settings=guards.checked_reply_settings(reply_settings, in_reply_to_id),
    )  # fmt: skip
    tweet.conversation_id = tweet.id
    with transaction.atomic():
        if idempotency_key:
            asked: list[object] = [text, in_reply_to_id, quote_of_id]
            asked += [one for one in (tweet.reply_settings, list(media_ids), poll) if one]
            before = keys.claim(author_id, idempotency_key, asked, tweet.id, now)
            if before is not None:
                return to_out(guards.ensure_own(user_id=author_id, tweet_id=before))
        if in_reply_to_id is not None:
            _answer(tweet, in_reply_to_id)
        if quote_of_id is not None:
            quoted = guards.ensure_may_share(user_id=author_id, tweet_id=quote_of_id)
            tweet.quote_of_id, tweet.quote_of_user_id = quoted.id, quoted.author_id
        _hang(tweet, media_ids, poll, now)
        _store(tweet)
    return to_out(tweet)


def ensure_can_be_made(
    *,
    author_id: int,
    text: str,
    in_reply_to_id: int | None = None,
    quote_of_id: int | None = None,
    reply_settings: str | None = None,
    has_pictures: bool = False,
    poll: NewPoll | None = None,
) -> None:
    """Raise what `post_tweet` would of such a tweet, pictures aside; nothing is stored."""
    _ensure_alone(poll, has_pictures=has_pictures, quote_of_id=quote_of_id)
    tweet = Tweet(author_id=author_id, text=checked_text(text, has_pictures=has_pictures))
    guards.checked_reply_settings(reply_settings, in_reply_to_id)
    if in_reply_to_id is not None:
        _answer(tweet, in_reply_to_id)
    if quote_of_id is not None:
        guards.ensure_may_share(user_id=author_id, tweet_id=quote_of_id)


def _ensure_alone(poll: NewPoll | None, *, has_pictures: bool, quote_of_id: int | None) -> None:
    if poll is not None and (has_pictures or quote_of_id is not None):
        raise PollAlone(_("A poll stands without pictures and quotes."), field="poll")


def _hang(tweet: Tweet, media_ids: Sequence[int], poll: NewPoll | None, now: datetime) -> None:
    """Put pictures and a poll on a tweet that is about to be stored."""
    if media_ids:
        tweet.media_keys = attaching.attach(
            media_ids=media_ids, owner_id=tweet.author_id, tweet_id=tweet.id, now=now
        )
    if poll is not None:
        tweet.poll_id = services_polls.make_poll(tweet_id=tweet.id, new=poll, now=now)


def _answer(tweet: Tweet, parent_id: int) -> None:
    parent = guards.ensure_may_see(viewer_id=tweet.author_id, tweet_id=parent_id)
    if parent.retweet_of_id is not None:
        parent = guards.ensure_may_see(viewer_id=tweet.author_id, tweet_id=parent.retweet_of_id)
    guards.ensure_may_answer(user_id=tweet.author_id, parent=parent)
    tweet.in_reply_to_id, tweet.in_reply_to_user_id = parent.id, parent.author_id
    tweet.conversation_id = parent.conversation_id


_INSERT = """
insert into tweets (id, author_id, text, lang, source, created_at, conversation_id,
  in_reply_to_id, in_reply_to_user_id, retweet_of_id, retweet_of_user_id, quote_of_id,
  quote_of_user_id, reply_settings, media_keys, poll_id)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def _store(tweet: Tweet) -> None:
    """Row, counters, event: in this order, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                tweet.id, tweet.author_id, tweet.text, tweet.lang, tweet.source,
                tweet.created_at, tweet.conversation_id, tweet.in_reply_to_id,
                tweet.in_reply_to_user_id, tweet.retweet_of_id, tweet.retweet_of_user_id,
                tweet.quote_of_id, tweet.quote_of_user_id, tweet.reply_settings,
                tweet.media_keys, tweet.poll_id,
            ],
        )  # fmt: skip
    _count_references(tweet, 1)
    user_services.change_counts({tweet.author_id: {"tweet_count": 1}})
    publish(
        TweetPosted(
            tweet_id=tweet.id,
            author_id=tweet.author_id,
            in_reply_to_id=tweet.in_reply_to_id,
            in_reply_to_user_id=tweet.in_reply_to_user_id,
            retweet_of_id=tweet.retweet_of_id,
            quote_of_id=tweet.quote_of_id,
        )
    )


def add_to_count(tweet_id: int, author_id: int, column: str, delta: int) -> None:
    """Add to a tweet's counter in the caller's transaction; shown counts may be a moment old."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"update tweets set {column} = greatest({column} + %s, 0)"  # noqa: S608 (own names)
            " where id = %s and author_id = %s",
            [delta, tweet_id, author_id],
        )
    invalidation.announce_after_commit([("c", tweet_id)])


def _count_references(tweet: Tweet, delta: int) -> None:
    """Count a tweet, or its end, at the tweets that it answers, passes on or quotes."""
    references = [
        (tweet.in_reply_to_id, tweet.in_reply_to_user_id, "reply_count"),
        (tweet.retweet_of_id, tweet.retweet_of_user_id, "retweet_count"),
        (tweet.quote_of_id, tweet.quote_of_user_id, "quote_count"),
    ]
    # In the order of ids, and accounts after tweets: nobody waits crosswise.
    for tweet_id, author_id, column in sorted(references, key=lambda one: one[0] or 0):
        if tweet_id is not None and author_id is not None:
            add_to_count(tweet_id, author_id, column, delta)


@transaction.atomic
def retweet(*, user_id: int, tweet_id: int, now: datetime) -> TweetOut:
    """Pass a tweet on; a repeat gives the retweet that is there.

    Raises:
        NotFound, Blocked, ProtectedTweet.
    """
    original = guards.ensure_may_share(user_id=user_id, tweet_id=tweet_id)
    tweet = Tweet(
        id=ids.next_id(), author_id=user_id, text="", created_at=now,
        retweet_of_id=original.id, retweet_of_user_id=original.author_id,
    )  # fmt: skip
    tweet.conversation_id = tweet.id
    mark, made = Retweet.objects.get_or_create(
        user_id=user_id, tweet_id=original.id, defaults={"retweet_id": tweet.id}
    )
    if not made:
        return to_out(guards.ensure_own(user_id=user_id, tweet_id=mark.retweet_id))
    _store(tweet)
    return to_out(tweet)


@transaction.atomic
def undo_retweet(*, user_id: int, tweet_id: int, now: datetime) -> None:
    """Take a retweet back; nothing happens if there is none.

    Args:
        tweet_id: of the original or of the retweet itself.
    """
    marks = Retweet.objects.filter(user_id=user_id)
    mark = (marks.filter(tweet_id=tweet_id) | marks.filter(retweet_id=tweet_id)).first()
    if mark is not None:
        _remove(guards.ensure_own(user_id=user_id, tweet_id=mark.retweet_id), now)


@transaction.atomic
def delete_tweet(*, user_id: int, tweet_id: int, now: datetime) -> None:
    """Take a tweet back, for everyone, at once. Raises NotFound, Forbidden."""
    _remove(guards.ensure_own(user_id=user_id, tweet_id=tweet_id), now)


def _remove(tweet: Tweet, now: datetime) -> None:
    rows = Tweet.objects.filter(id=tweet.id, author_id=tweet.author_id, deleted_at=None)
    if not rows.update(deleted_at=now):
        return
    if tweet.retweet_of_id is not None:
        Retweet.objects.filter(user_id=tweet.author_id, tweet_id=tweet.retweet_of_id).delete()
    _count_references(tweet, -1)
    user_services.change_counts({tweet.author_id: {"tweet_count": -1}})
    if tweet.media_keys:
        attaching.detach(tweet_id=tweet.id, now=now)
    # The row is this transaction's by now: an edit that came before is in what it holds.
    TweetVersion.objects.filter(tweet_id=tweet.id).delete()
    services_pinned.forget_pinned_tweet(user_id=tweet.author_id, tweet_id=tweet.id)
    publish(TweetDeleted(tweet_id=tweet.id, author_id=tweet.author_id))
    invalidation.announce([("t", tweet.id)])


_INSERT_LIKE = """
insert into likes (user_id, tweet_id, author_id, id, created_at) values (%s, %s, %s, %s, %s)
    on conflict do nothing
"""


@transaction.atomic
def like_tweet(*, user_id: int, tweet_id: int, now: datetime) -> None:
    """Like a tweet (a retweet's original); once, however often it is said.

    Raises:
        NotFound, Blocked.
    """
    tweet = guards.ensure_may_see(viewer_id=user_id, tweet_id=tweet_id)
    if tweet.retweet_of_id is not None:
        tweet = guards.ensure_may_see(viewer_id=user_id, tweet_id=tweet.retweet_of_id)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_LIKE, [user_id, tweet.id, tweet.author_id, ids.next_id(), now])
        is_new = bool(cursor.rowcount)
    if is_new:
        is_counted = _count_like(user_id, tweet.id, tweet.author_id, 1)
        publish(
            LikeCreated(
                user_id=user_id,
                tweet_id=tweet.id,
                author_id=tweet.author_id,
                is_counted=is_counted,
            )
        )


@transaction.atomic
def unlike_tweet(*, user_id: int, tweet_id: int, now: datetime) -> None:
    """Take a like back; nothing happens if there is none."""
    if not 0 < tweet_id < 1 << 63:
        return
    like = Like.objects.filter(user_id=user_id, tweet_id=tweet_id).first()
    if like is not None and like.delete()[0]:
        is_counted = _count_like(user_id, tweet_id, like.author_id, -1)
        publish(
            LikeRemoved(
                user_id=user_id,
                tweet_id=tweet_id,
                author_id=like.author_id,
                is_counted=is_counted,
            )
        )


def _count_like(user_id: int, tweet_id: int, author_id: int, delta: int) -> bool:
    """Count a like or its end at the tweet; False for a hot one, which is recounted in a moment."""
    if counters.heat.note(tweet_id):
        # Nothing else tells the pages of this person.
        invalidation.announce_after_commit([("y", user_id)])
        return False
    add_to_count(tweet_id, author_id, "like_count", delta)
    return True


def hide_tweet(*, tweet_id: int, now: datetime) -> None:
    """Take a tweet out of sight (moderation); at once, undone by `unhide_tweet`."""
    _set_hidden(tweet_id, now)


def unhide_tweet(*, tweet_id: int, now: datetime) -> None:
    """Bring a hidden tweet back."""
    _set_hidden(tweet_id, None)


@transaction.atomic
def _set_hidden(tweet_id: int, hidden_at: datetime | None) -> None:
    tweet = Tweet.objects.filter(id=tweet_id).order_by("id").first()
    if tweet is None:
        return
    Tweet.objects.filter(id=tweet_id, author_id=tweet.author_id).update(hidden_at=hidden_at)
    kind = TweetUnhidden if hidden_at is None else TweetHidden
    if tweet.media_keys:
        attaching.set_hidden(tweet_id=tweet_id, hidden_at=hidden_at)
    event: Event = kind(tweet_id=tweet_id, author_id=tweet.author_id)
    publish(event)
    invalidation.announce([("t", tweet_id)])
