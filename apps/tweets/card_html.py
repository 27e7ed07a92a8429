"""Cards as HTML, kept: a page of posts is a join of pieces that are there already.

What a card shows is the same for all readers who did the same with the post (nothing, mostly), so
a piece is made once for each such kind of reader, language and place. It belongs to the very card
it was made of: a post that was liked, an author who was renamed, a quote that was deleted give an
unequal card, and its piece is made anew. Nothing here can be stale but the time that has passed,
and that is known beforehand.
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from html import unescape

from django.conf import settings
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from apps.infra import clock
from apps.infra.stores.cache import LocalCache
from apps.tweets.cards import Card
from apps.tweets.text.highlights import hit_highlight

MAX_KEPT = 10_000
# Kinds of readers and places of one post.
MAX_VARIANTS = 12
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_TEXT = re.compile('<p class="text"[^>]*>')
_TAG = re.compile("<[^>]*>")
_Variant = tuple[object, ...]
_Piece = tuple[Card, float, SafeString]

_kept: LocalCache[int, dict[_Variant, _Piece]] = LocalCache(
    "t", max_items=MAX_KEPT, name="card_html"
)


def card_html(
    card: Card, *, is_member: bool, ancestor: bool = False, pinned: bool = False
) -> SafeString:
    """A card by `tweets/card.html`.

    Args:
        is_member: whether somebody who is logged in reads.
        ancestor: it stands above the post that a page is about.
    """
    return _piece(card, is_member, ancestor, pinned)[1]


def lasting_html(card: Card) -> tuple[float, SafeString]:
    """A card for a member, and until when (`time.monotonic()`) it stays right."""
    return _piece(card, True, False, False)


def _piece(card: Card, is_member: bool, ancestor: bool, pinned: bool) -> tuple[float, SafeString]:
    if card.poll is not None or settings.DEBUG:
        # Everybody sees their own vote, and the end comes on time; and whoever edits a template
        # sees that.
        return 0.0, _made(card, is_member, ancestor, pinned)
    tweet_id, now = card.tweet.id, time.monotonic()
    variant = (
        get_language(), is_member, card.liked, card.retweeted, card.bookmarked, ancestor, pinned,
        card.mine, card.is_thread_author, card.retweeted_by and card.retweeted_by.id,
    )  # fmt: skip
    pieces = _kept.get(tweet_id)
    if pieces is not None:
        piece = pieces.get(variant)
        if piece is not None and now < piece[1] and piece[0] == card:
            return piece[1:]
    html = _made(card, is_member, ancestor, pinned)
    if pieces is None or len(pieces) >= MAX_VARIANTS:
        pieces = {}
        _kept.put(tweet_id, pieces, started=now)
    piece = pieces[variant] = (card, now + _fresh_seconds(card), html)
    return piece[1:]


def cards_html(cards: Iterable[Card], *, is_member: bool) -> SafeString:
    """Cards one after the other."""
    pieces = [card_html(card, is_member=is_member) for card in cards]
    return mark_safe("".join(pieces))  # noqa: S308 (pieces are)


def with_hits(html: SafeString, places: Callable[[str], Sequence[tuple[int, int]]]) -> SafeString:
    """A card with marks in its own text; a quoted one stays as it is.

    Args:
        places: half-open places in a text as it is read, in order and apart.
    """
    begin = _TEXT.search(html)
    if begin is None:
        return html
    # Text is escaped: the first end is its own.
    end = html.index("</p>", begin.end())
    text = html[begin.end() : end]
    hits = places(unescape(_TAG.sub("", text)))
    marked = hit_highlight(text, hits, tag="mark")
    return mark_safe(html[: begin.end()] + marked + html[end:])  # noqa: S308 (both were)


def _made(card: Card, is_member: bool, ancestor: bool, pinned: bool) -> SafeString:
    context = {"card": card, "viewer": is_member, "ancestor": ancestor, "pinned": pinned}
    return mark_safe(get_template("tweets/card.html").render(context))  # noqa: S308 (a template's)


def _fresh_seconds(card: Card) -> float:
    """How long the times on a card stay right."""
    times = [card.tweet.created_at]
    if card.quote is not None:
        times.append(card.quote.tweet.created_at)
    now = clock.now()
    return min(_to_next_step(one, now) for one in times)


def _to_next_step(moment: datetime, now: datetime) -> float:
    """Seconds until `text.ago` says something else."""
    past = (now - moment).total_seconds()
    step = _MINUTE if past < _HOUR else _HOUR
    return step - past % step if past < _DAY else _HOUR
