"""What the demo world has beyond rows of text: pictures, a poll, bookmarks, lists."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.graph import services_lists as lists
from apps.infra import clock, ids
from apps.media.services import attaching, uploads
from apps.ops.demo import pictures
from apps.tweets import services as tweets
from apps.tweets import services_bookmarks as bookmarks
from apps.tweets import services_import as tweet_imports
from apps.tweets import services_pinned as pins
from apps.tweets import services_polls as polls
from apps.tweets.services_import import LikeRow, TweetRow

Drawn = Callable[[random.Random], bytes]
READER = "alice"
_RANDOM_BITS = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A post with something on it. `liked` by how many; pictures as (drawing, what it shows)."""

    by: str
    minutes: int
    text: str
    liked: int
    pictures: tuple[tuple[Drawn, str], ...] = ()
    poll: tuple[str, ...] = ()
    lang: str = "en"
    is_kept: bool = False
    is_pinned: bool = False


POSTS = (
    Post(
        by="priya_nightsky",
        minutes=18,
        liked=57,
        is_kept=True,
        text="Four hours, one tripod, two thermoses of chai. The dome at Kavalur went quiet at 3"
        " and the whole band came out. #NightSky",
        pictures=(
            (pictures.night_sky, "The Milky Way over dark hills, with a white observatory dome."),
        ),
    ),
    Post(
        by="adaeze_builds",
        minutes=41,
        liked=26,
        text="Site canteen is choosing Friday’s lunch by poll again. Democracy is slow but it is"
        " delicious.",
        poll=("Jollof, the smoky kind", "Ofada and ayamase", "Pounded yam, egusi"),
    ),
    Post(
        by="ines_azulejo",
        lang="pt",
        minutes=52,
        liked=44,
        is_kept=True,
        text="Dois painéis para a mesma escada. O cliente escolhe um, eu fico com saudades do"
        " outro. #azulejos",
        pictures=(
            (pictures.tiles, "Blue and white tiles in rings and stars."),
            (pictures.tiles, "The same wall with another pattern of tiles."),
        ),
    ),
    Post(
        by="alice",
        minutes=95,
        liked=31,
        is_pinned=True,
        text="Proofs of the harbour map are back. The sea is exactly blue enough.",
        pictures=((pictures.harbour_map, "A map of a harbour with depths in steps of blue."),),
    ),
    Post(
        by="joan_ferry",
        minutes=112,
        liked=38,
        is_kept=True,
        text="Flat calm, low sun, eleven passengers and a dog. If the timetable were a poem it"
        " would be this one.",
        pictures=((pictures.ferry, "A small ferry with a red funnel under a low sun."),),
    ),
)
LISTS = {
    "By the water": (
        "Harbours, reefs, ferries and whoever lives on them.",
        ("joan_ferry", "nikos_kaiki", "tala_reef", "mateus_onda", "hanna_ice"),
    ),
    "Night shift": (
        "Awake when the rest of us are not.",
        ("priya_nightsky", "nighttrain", "jonasbrandt", "opentunnel"),
    ),
}


def furnish(
    *, people: dict[str, int], followers: dict[str, list[int]], now: datetime, dice: random.Random
) -> list[int]:
    """Add all of it, in the caller's transaction; the ids of the posts.

    Args:
        people: ids by user name.
        followers: of the authors, by user name: those who like and vote.
    """
    reader = people[READER]
    made = []
    for post in POSTS:
        author = people[post.by]
        then = now - timedelta(minutes=post.minutes)
        tweet_id = _post(post, author, then, dice)
        crowd = [one for one in followers[post.by] if one != author]
        dice.shuffle(crowd)
        _like(tweet_id, author, crowd[: post.liked], now)
        if post.poll:
            _vote(tweet_id, [reader, *crowd[:40]], len(post.poll), now, dice)
        if post.is_kept:
            bookmarks.add_bookmark(user_id=reader, tweet_id=tweet_id, now=now)
        if post.is_pinned:
            pins.pin_tweet(user_id=author, tweet_id=tweet_id, now=now)
        made.append(tweet_id)
    _lists(reader, people, now)
    return made


def _post(post: Post, author: int, then: datetime, dice: random.Random) -> int:
    """Store a post with the id of its time."""
    tweet_id = ids.at_ms(clock.to_ms(then)) | dice.getrandbits(_RANDOM_BITS)
    media_ids = []
    for draw, shows in post.pictures:
        up = uploads.upload_once(owner_id=author, data=draw(dice), now=then)
        uploads.set_alt_text(media_id=up.id, owner_id=author, text=shows, now=then)
        media_ids.append(up.id)
    keys = poll_id = None
    if media_ids:
        keys = attaching.attach(media_ids=media_ids, owner_id=author, tweet_id=tweet_id, now=then)
    if post.poll:
        poll = polls.checked_poll(post.poll, 6 * 60)
        poll_id = polls.make_poll(tweet_id=tweet_id, new=poll, now=then)
    row = TweetRow(
        id=tweet_id,
        author_id=author,
        text=post.text,
        created_at=then,
        lang=post.lang,
        source="TwitterLite Web",
        media_keys=tuple(keys or ()),
        poll_id=poll_id,
    )
    tweet_imports.import_tweets(rows=[row])
    return tweet_id


def _like(tweet_id: int, author_id: int, likers: list[int], now: datetime) -> None:
    """All but the last in one go, which tells nobody; the last one is news, of them all."""
    tweet_imports.import_likes(
        rows=[
            LikeRow(id=ids.next_id(), user_id=user_id, tweet_id=tweet_id, author_id=author_id)
            for user_id in likers[:-1]
        ]
    )
    for user_id in likers[-1:]:
        tweets.like_tweet(user_id=user_id, tweet_id=tweet_id, now=now)


def _vote(
    tweet_id: int, voters: Iterable[int], options: int, now: datetime, dice: random.Random
) -> None:
    """The reader, who comes first, is with the majority."""
    for number, user_id in enumerate(dict.fromkeys(voters)):
        position = min(int(dice.random() ** 2.6 * options) + 1, options) if number else 1
        polls.vote(user_id=user_id, tweet_id=tweet_id, position=position, now=now)


def _lists(owner: int, people: dict[str, int], now: datetime) -> None:
    for name, (description, members) in LISTS.items():
        made = lists.create_list(owner_id=owner, name=name, now=now, description=description)
        for member in members:
            lists.add_member(user_id=owner, list_id=made.id, member_id=people[member], now=now)
