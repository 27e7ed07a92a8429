"""How important a request is when not all can be answered, and what it is for.

Known by method, path and whether it says who asks: whoever is sent away is to cost nothing.
"""

from apps.infra.resilience import brownout
from apps.infra.resilience.admission import Level
from apps.infra.resilience.brownout import Feature
from apps.infra.web.live import PATH as LIVE_PATH

STATIC = "/static/"
# What protects people and what operators need is sent away last.
_PROTECTS = (
    "/block", "/blocking", "/unblock", "/mute", "/muting", "/unmute", "/delete", "/report",
    "/hidden", "/hide",
)  # fmt: skip
_PROTECT = frozenset({"/logout", "/oauth2/revoke"})
_OPERATES = "/admin/"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
# Machines that watch, streams that are open for hours, and files, which cost next to nothing.
_FREE = frozenset({"/healthz", "/readyz", "/metrics", LIVE_PATH})
_FREE_BELOW = (STATIC, "/2/tweets/search/stream", "/2/tweets/sample/stream")

# What nobody comes for: beside pages, and for other sites.
_EXTRAS = frozenset({"/compose/complete", "/who-to-follow", "/oembed", "/sitemap.xml"})
_EXTRAS_BELOW, _EXTRAS_END = "/sitemap/", ("/rss", "/atom")
_SEARCHES = frozenset({"/search", "/explore"})
_SEARCHES_BELOW = "/hashtag/"
# The way in, and what explains the house.
_WAY_IN = frozenset({
    "/", "/login", "/signup", "/reset", "/about", "/rules", "/terms", "/status", "/offline",
    "/robots.txt", "/favicon.ico", "/manifest.webmanifest", "/sw.js", "/docs/api",
})  # fmt: skip
# Applications say who asks in other ways than sessions.
_WAY_IN_BELOW = ("/2/", "/1.1/", "/oauth", "/i/oauth2/", "/media/", "/reset/", "/language/")
# Whoever blocks somebody has to get in first.
_LOG_INS = frozenset({
    "/login", "/2/oauth2/token", "/oauth2/token", "/oauth2/invalidate_token",
    "/oauth/request_token", "/oauth/access_token", "/i/oauth2/authorize", "/oauth/authorize",
    "/oauth/authenticate",
})  # fmt: skip
_UPLOADS = (
    "/2/media/upload", "/1.1/media/upload.json", "/settings/pictures", "/settings/archive/upload",
)  # fmt: skip


def level_of(method: str, path: str, is_known: bool) -> Level | None:
    """How important a request is; None: it is let in always."""
    if method in _READS:
        if path in _FREE or path.startswith(_FREE_BELOW):
            return None
        if path.startswith(_OPERATES):
            return Level.CRITICAL
        return Level.READ if is_known else Level.GUEST
    if method == "DELETE" or path in _PROTECT or path.startswith(_OPERATES):
        return Level.CRITICAL
    return Level.CRITICAL if path.endswith(_PROTECTS) else Level.WRITE


def feature_of(method: str, path: str, is_known: bool) -> Feature | None:
    """What a request is for; None: it is never left out."""
    level = level_of(method, path, is_known)
    if path.startswith(_OPERATES) or path == "/status" or (level is None and path != LIVE_PATH):
        return None
    if method in _READS:
        return _reading(path, is_known=is_known)
    if level is Level.CRITICAL or path in _LOG_INS:
        return brownout.ALL
    return brownout.UPLOADS if path.startswith(_UPLOADS) else brownout.CHANGES


def _reading(path: str, *, is_known: bool) -> Feature:
    if path in _EXTRAS or path.startswith(_EXTRAS_BELOW) or path.endswith(_EXTRAS_END):
        return brownout.EXTRAS
    if is_known or path in _WAY_IN or path.startswith(_WAY_IN_BELOW):
        return brownout.ALL
    if path in _SEARCHES or path.startswith(_SEARCHES_BELOW):
        return brownout.GUEST_SEARCH
    return brownout.GUEST_PAGES
