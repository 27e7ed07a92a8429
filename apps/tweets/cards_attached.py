"""What hangs on the posts of a page: pictures and polls, gathered in three queries at most."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from apps.infra import clock
from apps.media import queries as media_queries
from apps.media.schemas import MediaOut, media_id_of
from apps.tweets import queries_polls
from apps.tweets.schemas import PollOut, TweetOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture on a page; `moving` is the address of an animation."""

    page_url: str
    still: str
    moving: str
    alt_text: str
    width: int
    height: int
    # A blurhash; "" for none.
    placeholder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One option of a poll; `percent` is of all votes, rounded."""

    position: int
    label: str
    votes: int
    percent: int
    is_mine: bool
    leads: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PollCard:
    """A poll for one reader: `has_results` after their vote, and for all at the end."""

    choices: tuple[Choice, ...]
    total: int
    is_open: bool
    has_results: bool
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Attached:
    """What was found for the tweets of a page."""

    media: dict[int, MediaOut]
    polls: dict[int, PollOut]
    votes: dict[int, int]

    def pictures(self, tweet: TweetOut, *, small: bool = False) -> tuple[Picture, ...]:
        """The pictures of a tweet, in order."""
        if not tweet.media_keys:
            return ()
        ids = [media_id_of(key) for key in tweet.media_keys]
        is_small = small or len(ids) > 1
        return tuple(_picture(self.media[one], is_small) for one in ids if one in self.media)

    def poll(self, tweet: TweetOut) -> PollCard | None:
        """The poll of a tweet."""
        poll = self.polls.get(tweet.poll_id or 0)
        return None if poll is None else _poll(poll, self.votes.get(poll.id))


NOTHING = Attached({}, {}, {})


async def attached(viewer_id: int | None, tweets: Iterable[TweetOut]) -> Attached:
    """What hangs on tweets that the viewer may see; costs nothing where there is nothing."""
    keys: list[str] = []
    poll_ids: list[int] = []
    for tweet in tweets:
        keys.extend(tweet.media_keys or ())
        if tweet.poll_id:
            poll_ids.append(tweet.poll_id)
    if not keys and not poll_ids:
        return NOTHING
    media = await media_queries.attached_media(map(media_id_of, keys)) if keys else {}
    polls = await queries_polls.polls_by_ids(poll_ids) if poll_ids else {}
    votes = await queries_polls.votes_of(viewer_id, polls) if polls and viewer_id else {}
    return Attached(media, polls, votes)


async def pictures_by_ids(owner_id: int, ids: Iterable[int]) -> list[tuple[int, Picture]]:
    """Uploads of one person that are ready, with their ids, small, in the given order."""
    wanted = list(ids)
    found = await media_queries.media_of(wanted) if wanted else {}
    return [
        (one, _picture(found[one], True))
        for one in wanted
        if one in found and found[one].owner_id == owner_id
    ]


def _picture(media: MediaOut, is_small: bool) -> Picture:
    still = media.preview_url if is_small else media.variants[1].url
    is_moving = media.type != media_queries.PHOTO
    return Picture(
        page_url=_here(media.url),
        still=_here(still),
        moving=_here(media.url) if is_moving else "",
        alt_text=media.alt_text,
        width=media.width,
        height=media.height,
        placeholder=media.placeholder,
    )


def _here(url: str) -> str:
    # Under whatever name people reach the site, the page may load its own pictures.
    return url.removeprefix(settings.PUBLIC_URL.rstrip("/"))


def _poll(poll: PollOut, mine: int | None) -> PollCard:
    total, most = sum(poll.votes), max(poll.votes)
    is_open = poll.is_open(clock.now())
    return PollCard(
        choices=tuple(
            Choice(
                position=place,
                label=label,
                votes=votes,
                percent=round(100 * votes / total) if total else 0,
                is_mine=place == mine,
                leads=bool(most) and votes == most,
            )
            for place, (label, votes) in enumerate(zip(poll.options, poll.votes, strict=True), 1)
        ),
        total=total,
        is_open=is_open,
        has_results=mine is not None or not is_open,
        ends_at=poll.ends_at,
    )
