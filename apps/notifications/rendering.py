"""Rows of the page of notifications: the sentence, the faces, what it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.graph.people import Person, persons
from apps.infra.web import text
from apps.notifications.schemas import MAX_COUNT, SINGLES, Kind, NotificationOut
from apps.tweets.cards import Card, cards
from apps.tweets.schemas import TweetOut
from apps.users.schemas import UserOut

MAX_FACES = 5
# So many new followers are offered to be followed back in the row itself.
MAX_OFFERED = 2
_PAIR = 2

# By kind and by what it happened to: of one person, of two, of more.
_SENTENCES: dict[tuple[Kind, str], tuple[Any, Any, Any]] = {
    (Kind.LIKE, "post"): (
        _("{first} liked your post"),
        _("{first} and {second} liked your post"),
        _("{first} and {others} liked your post"),
    ),
    (Kind.LIKE, "reply"): (
        _("{first} liked your reply"),
        _("{first} and {second} liked your reply"),
        _("{first} and {others} liked your reply"),
    ),
    (Kind.LIKE, "picture"): (
        _("{first} liked your picture"),
        _("{first} and {second} liked your picture"),
        _("{first} and {others} liked your picture"),
    ),
    (Kind.RETWEET, "post"): (
        _("{first} retweeted your post"),
        _("{first} and {second} retweeted your post"),
        _("{first} and {others} retweeted your post"),
    ),
    (Kind.RETWEET, "reply"): (
        _("{first} retweeted your reply"),
        _("{first} and {second} retweeted your reply"),
        _("{first} and {others} retweeted your reply"),
    ),
    (Kind.RETWEET, "picture"): (
        _("{first} retweeted your picture"),
        _("{first} and {second} retweeted your picture"),
        _("{first} and {others} retweeted your picture"),
    ),
    (Kind.FOLLOW, ""): (
        _("{first} followed you"),
        _("{first} and {second} followed you"),
        _("{first} and {others} followed you"),
    ),
    (Kind.REQUEST, ""): (
        _("{first} asked to follow you"),
        _("{first} and {second} asked to follow you"),
        _("{first} and {others} asked to follow you"),
    ),
}
_ICONS = {
    Kind.LIKE: "heart-on",
    Kind.RETWEET: "arrow-path-rounded-square",
    Kind.FOLLOW: "user-plus-on",
    Kind.REQUEST: "lock-closed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row. `card` is the post that speaks, or the own one that something happened to."""

    item: NotificationOut
    card: Card | None
    offered: tuple[Person, ...] = ()

    @property
    def is_post(self) -> bool:
        """Whether the row is somebody's post."""
        return self.item.kind in SINGLES

    @property
    def is_request(self) -> bool:
        """Whether somebody waits for an answer."""
        return self.item.kind == Kind.REQUEST

    @property
    def tint(self) -> str:
        """The class of the row's plate."""
        return self.item.kind.label

    @property
    def icon(self) -> str:
        """What the plate shows."""
        return _ICONS[self.item.kind]

    @property
    def url(self) -> str:
        """Where the row leads."""
        if self.card is not None:
            return self.card.url
        return "/requests" if self.is_request else f"/{self.item.people[0].username}"

    @property
    def faces(self) -> tuple[UserOut, ...]:
        """Whose pictures are shown."""
        return self.item.people[:MAX_FACES]

    @property
    def more(self) -> str:
        """How many there are beside the faces; empty for none."""
        n = self.item.count - len(self.faces)
        return f"+{_number(self.item, n)}" if n > 0 else ""

    @property
    def thumbnail(self) -> str:
        """The first picture of the post."""
        return self.card.pictures[0].still if self.card and self.card.pictures else ""

    @property
    def sentence(self) -> SafeString:
        """Who did what."""
        first, count = self.item.people[0], self.item.count
        one, two, many = _SENTENCES[self.item.kind, _thing(self.item.tweet)]
        if count == 1:
            return format_html(str(one), first=_name(first))
        if count == _PAIR and len(self.item.people) == _PAIR:
            return format_html(str(two), first=_name(first), second=_name(self.item.people[1]))
        others = ngettext("%(n)s other", "%(n)s others", count - 1)
        shown = format_html("<b>{}</b>", others % {"n": _number(self.item, count - 1)})
        return format_html(str(many), first=_name(first), others=shown)


def _thing(tweet: TweetOut | None) -> str:
    if tweet is None:
        return ""
    if tweet.in_reply_to_id is not None:
        return "reply"
    return "picture" if tweet.media_keys else "post"


def _name(user: UserOut) -> SafeString:
    return format_html(
        '<a class="nm" href="/{}"><bdi>{}</bdi></a>', user.username, user.name or user.username
    )


def _number(item: NotificationOut, n: int) -> str:
    return text.compact(n) + ("+" if item.count >= MAX_COUNT else "")


async def lines(*, viewer_id: int, items: Sequence[NotificationOut]) -> list[Line]:
    """Rows of notifications, in their order."""
    tweets = {item.tweet.id: item.tweet for item in items if item.tweet is not None}
    made = await cards(viewer_id=viewer_id, tweets=list(tweets.values()))
    by_id = {card.tweet.id: card for card in made}
    new = [
        user
        for item in items
        if item.kind == Kind.FOLLOW and item.count <= MAX_OFFERED
        for user in item.people
    ]
    known = await persons(viewer_id=viewer_id, users=new) if new else []
    to_offer = {
        one.user.id: one for one in known if not (one.relation.following or one.relation.requested)
    }
    return [
        Line(
            item=item,
            card=by_id.get(item.tweet.id) if item.tweet is not None else None,
            offered=tuple(
                to_offer[user.id]
                for user in item.people
                if item.kind == Kind.FOLLOW and item.count <= MAX_OFFERED and user.id in to_offer
            ),
        )
        for item in items
        if item.tweet is None or item.tweet.id in by_id
    ]
