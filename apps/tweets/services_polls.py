"""Verbs about polls: one is made with its tweet, and people vote once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.infra import ids
from apps.infra.errors import Conflict, Invalid, NotFound
from apps.infra.stores import invalidation
from apps.tweets import guards
from apps.tweets.models import MAX_OPTION, Poll

MIN_OPTIONS, MAX_OPTIONS = 2, 4
MIN_MINUTES, MAX_MINUTES = 5, 7 * 24 * 60


class BadPoll(Invalid):
    """Options or a duration that no poll can have; `field` names it."""

    code = "bad_poll"


class PollOver(Conflict):
    """Votes are taken no more."""

    code = "poll_over"


class VotedAlready(Conflict):
    """A vote is for good."""

    code = "voted_already"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPoll:
    """A poll to make: 2 to 4 different options of 1 to 25 characters, for 5 minutes to 7 days."""

    options: tuple[str, ...]
    duration_minutes: int


def checked_poll(options: Sequence[str], duration_minutes: int) -> NewPoll:
    """The poll, with options trimmed, if there can be one like it.

    Raises:
        BadPoll.
    """
    words = tuple(option.strip() for option in options)
    if not MIN_OPTIONS <= len(words) <= MAX_OPTIONS:
        raise BadPoll(
            _("A poll has %(min_options)s to %(max_options)s options, not %(n)s.")
            % {"min_options": MIN_OPTIONS, "max_options": MAX_OPTIONS, "n": len(words)},
            field="poll.options",
        )
    for word in words:
        if not 1 <= len(word) <= MAX_OPTION:
            raise BadPoll(
                _("An option has 1 to %(max_option)s characters, not %(n)s.")
                % {"max_option": MAX_OPTION, "n": len(word)},
                field="poll.options",
            )
        if "\x00" in word or any("\ud800" <= char <= "\udfff" for char in word):
            raise BadPoll(
                _("An option holds characters that cannot be stored."), field="poll.options"
            )
    if len(set(words)) < len(words):
        raise BadPoll(_("The options of a poll differ."), field="poll.options")
    if not MIN_MINUTES <= duration_minutes <= MAX_MINUTES:
        raise BadPoll(
            _("A poll is open for %(min_minutes)s to %(max_minutes)s minutes.")
            % {"min_minutes": MIN_MINUTES, "max_minutes": f"{MAX_MINUTES:,}"},
            field="poll.duration_minutes",
        )
    return NewPoll(options=words, duration_minutes=duration_minutes)


def make_poll(*, tweet_id: int, new: NewPoll, now: datetime) -> int:
    """Store the poll of a tweet, in the transaction that stores the tweet; its id."""
    made = Poll.objects.create(
        id=ids.next_id(),
        tweet_id=tweet_id,
        options=list(new.options),
        votes=[0] * len(new.options),
        duration_minutes=new.duration_minutes,
        ends_at=now + timedelta(minutes=new.duration_minutes),
    )
    return made.id


_INSERT = """
insert into poll_votes (poll_id, user_id, position, created_at) values (%s, %s, %s, %s)
    on conflict do nothing
"""
# After the vote's row: whoever votes in the same poll waits here for as long as a commit takes.
_COUNT = "update polls set votes[%(at)s] = votes[%(at)s] + 1 where id = %(poll)s"


@transaction.atomic
def vote(*, user_id: int, tweet_id: int, position: int, now: datetime) -> None:
    """Vote in the poll of a tweet (a retweet's original); the same vote again does nothing.

    Args:
        position: of the option, from 1.

    Raises:
        NotFound: there is no such tweet for this person, or it has no poll. Blocked.
        BadPoll: no such option. PollOver. VotedAlready: for another option.
    """
    tweet = guards.ensure_may_see(viewer_id=user_id, tweet_id=tweet_id)
    if tweet.retweet_of_id is not None:
        tweet = guards.ensure_may_see(viewer_id=user_id, tweet_id=tweet.retweet_of_id)
    poll = Poll.objects.filter(id=tweet.poll_id).first() if tweet.poll_id else None
    if poll is None:
        raise NotFound(_("This post has no poll."))
    if not 1 <= position <= len(poll.options):
        raise BadPoll(_("Choose one of the options."), field="option")
    if now >= poll.ends_at:
        raise PollOver(_("This poll has ended."))
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [poll.id, user_id, position, now])
        if cursor.rowcount:
            cursor.execute(_COUNT, {"at": position, "poll": poll.id})
            invalidation.announce_after_commit([("v", poll.id)])
            return
        cursor.execute(
            "select position from poll_votes where poll_id = %s and user_id = %s",
            [poll.id, user_id],
        )
        if cursor.fetchone() != (position,):
            raise VotedAlready(_("You have voted in this poll; a vote is for good."))
