"""An account's posts as RSS 2.0 and as Atom, written by hand: a few elements, everything escaped.

A feed is what a visitor sees on the profile: own posts and retweets, no replies. It is the same for
everybody, so it may be cached, and its ETag is a digest of its bytes.
"""

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr  # nosec B406

from django.utils.html import escape as escape_html

from apps.public.addresses import absolute, linked, plain, site, title_of
from apps.tweets.cards import Card
from apps.users.schemas import UserOut

XML = '<?xml version="1.0" encoding="utf-8"?>\n'


def rss(user: UserOut, cards: Sequence[Card]) -> bytes:
    """RSS 2.0."""
    home = f"{site()}/{user.username}"
    parts = [
        XML,
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>',
        _element("title", _name(user)),
        _element("link", home),
        f'<atom:link href={quoteattr(f"{home}/rss")} rel="self" type="application/rss+xml"/>',
        _element("description", user.bio or f"Posts of @{user.username}."),
        _element("lastBuildDate", format_datetime(_changed_at(user, cards), usegmt=True)),
        _element("generator", "TwitterLite"),
    ]
    for card in cards:
        url = absolute(card.url)
        parts += [
            "<item>",
            _element("title", _title(card)),
            _element("link", url),
            f'<guid isPermaLink="true">{escape(url)}</guid>',
            _element("pubDate", format_datetime(card.tweet.created_at, usegmt=True)),
            _element("dc:creator", f"@{card.author.username}"),
            _element("description", _content(card)),
            "</item>",
        ]
    return "".join([*parts, "</channel></rss>\n"]).encode()


def atom(user: UserOut, cards: Sequence[Card]) -> bytes:
    """Atom 1.0 (RFC 4287)."""
    home = f"{site()}/{user.username}"
    parts = [
        XML,
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        _element("id", home),
        _element("title", _name(user)),
        _element("subtitle", user.bio) if user.bio else "",
        f"<link href={quoteattr(home)}/>",
        f'<link href={quoteattr(f"{home}/atom")} rel="self" type="application/atom+xml"/>',
        _element("updated", _changed_at(user, cards).isoformat()),
        _author(user),
        _element("generator", "TwitterLite"),
    ]
    for card in cards:
        url, written_at = absolute(card.url), card.tweet.created_at.isoformat()
        parts += [
            "<entry>",
            _element("id", url),
            _element("title", _title(card)),
            f"<link href={quoteattr(url)}/>",
            _element("published", written_at),
            _element("updated", _written_last(card).isoformat()),
            _author(card.author),
            f'<content type="html">{escape(plain(_content(card)))}</content>',
            "</entry>",
        ]
    return "".join([*parts, "</feed>\n"]).encode()


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(plain(text))}</{name}>"


def _name(user: UserOut) -> str:
    return f"{user.name or user.username} (@{user.username})"


def _author(user: UserOut) -> str:
    name, home = user.name or user.username, f"{site()}/{user.username}"
    return f"<author>{_element('name', name)}{_element('uri', home)}</author>"


def _changed_at(user: UserOut, cards: Sequence[Card]) -> datetime:
    """Nothing of the clock: an unchanged feed has unchanged bytes."""
    return max(map(_written_last, cards), default=user.created_at)


def _written_last(card: Card) -> datetime:
    return card.tweet.edit_times[-1] if card.tweet.edit_times else card.tweet.created_at


def _title(card: Card) -> str:
    by = card.retweeted_by
    passed_on = f"@{by.username} retweeted @{card.author.username}: " if by else ""
    return passed_on + title_of(card)


def _content(card: Card) -> str:
    """The post as HTML."""
    parts = [f'<p dir="auto">{linked(card.tweet.text)}</p>'.replace("\n", "<br>")]
    parts += [
        f'<p><img src="{escape_html(absolute(one.still))}" alt="{escape_html(one.alt_text)}"'
        f' width="{one.width}" height="{one.height}"></p>'
        for one in card.pictures
    ]
    if card.poll is not None:
        options = "".join(f"<li>{escape_html(one.label)}</li>" for one in card.poll.choices)
        parts.append(f"<ul>{options}</ul>")
    if card.quote is not None:
        quote = card.quote
        parts.append(
            f'<blockquote><p dir="auto">{linked(quote.tweet.text)}</p>'
            f'<p><a href="{escape_html(absolute(quote.url))}">@{quote.author.username}</a></p>'
            "</blockquote>"
        )
    return "".join(parts)
