"""Sitemaps: an index, the accounts that most people follow, and the newest posts of each day.

All of it is bounded, and comes in parts as it is read: neither memory nor one statement grows with
the site.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape  # nosec B406

from apps.infra import clock, ids
from apps.infra.stores.id_queries import IdQuery
from apps.public.addresses import site
from apps.tweets import queries as tweet_queries
from apps.tweets.visibility import visible_by_ids
from apps.users import queries as user_queries

DAYS = 7
MAX_PEOPLE = 2_000
MAX_POSTS_OF_DAY = 2_000
STEP = 200
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def index() -> bytes:
    """What maps there are."""
    today = clock.now().astimezone(UTC).date()
    names = ["pages", "people"]
    names += [f"posts-{today - timedelta(days=back):%Y%m%d}" for back in range(DAYS)]
    maps = "".join(f"<sitemap><loc>{site()}/sitemap/{one}.xml</loc></sitemap>" for one in names)
    return f"{HEAD}<sitemapindex {SPACE}>{maps}</sitemapindex>\n".encode()


def day_of(text: str) -> datetime | None:
    """The beginning of a day that the index names, None for any other."""
    try:
        day = datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    now = clock.now()
    return day if day <= now and now - day < timedelta(days=DAYS + 1) else None


async def pages() -> AsyncIterator[bytes]:
    """The site's own pages."""
    yield _begin()
    for path in ("/", "/public", "/about", "/rules", "/terms", "/docs/api"):
        yield _url(path)
    yield _END


async def people() -> AsyncIterator[bytes]:
    """Public accounts, most followed first."""
    yield _begin()
    found = await user_queries.most_followed(limit=MAX_PEOPLE, without=[], but=IdQuery.of([]))
    for start in range(0, len(found), STEP):
        part = found[start : start + STEP]
        yield b"".join(_url(f"/{user.username}") for user in part)
    yield _END


async def posts(day: datetime) -> AsyncIterator[bytes]:
    """The newest public posts of one day, newest first."""
    yield _begin()
    oldest = ids.at_ms(clock.to_ms(day))
    before = ids.at_ms(clock.to_ms(day + timedelta(days=1)))
    for _step in range(MAX_POSTS_OF_DAY // STEP):
        found = await tweet_queries.newest_public_ids(before_id=before, limit=STEP)
        inside = [one for one in found if one >= oldest]
        tweets = await visible_by_ids(viewer_id=None, ids=inside, surface="lookup")
        users = await user_queries.users_by_ids({one.author_id for one in tweets})
        yield b"".join(
            _url(f"/{users[one.author_id].username}/status/{one.id}", one.created_at)
            for one in tweets
            if one.author_id in users
        )
        if len(inside) < STEP:
            break
        before = inside[-1]
    yield _END


_END = b"</urlset>\n"


def _begin() -> bytes:
    return f"{HEAD}<urlset {SPACE}>".encode()


def _url(path: str, changed_at: datetime | None = None) -> bytes:
    changed = f"<lastmod>{changed_at:%Y-%m-%dT%H:%M:%SZ}</lastmod>" if changed_at else ""
    return f"<url><loc>{escape(site() + path)}</loc>{changed}</url>".encode()
