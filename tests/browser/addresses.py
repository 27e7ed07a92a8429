"""Every address of the site that a person can open, and a world in which each shows something.

A route that is neither in PAGES nor, with its reason, in NO_PAGES fails `test_every_page`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.tokens import default_token_generator
from django.urls import URLPattern, URLResolver, get_resolver

from apps.archives.models import ArchiveImport
from apps.graph import services as graph
from apps.graph import services_lists, services_words
from apps.infra import clock
from apps.search.services_saved import save_search
from apps.tweets import services as tweets
from apps.tweets import services_drafts, services_edits, services_scheduled
from apps.tweets.services_bookmarks import add_bookmark
from apps.users import services_apps, services_oauth1
from tests.browser.scene import Scene
from tests.spine import drain_committed
from tests.trends.trending import trending
from tests.users.oauth_clients import BACK, App

READER = "norafeld"
# Routes of programs and of staff: their own tests walk them.
PROGRAMS = ("2/", "1.1/", "oauth2/", "admin/", "metrics", "healthz", "readyz")
_STATUS = "<username:username>/status/<id:tweet_id>"
# Targets of forms: a GET is answered 405.
FORMS = {
    "logout",
    "settings/apps/<int:application_id>/revoke",
    "settings/security/devices/<int:device_id>/end", "settings/security/others/end",
    "developer/apps/<int:application_id>/keys/<slug:kind>",
    "lists/<id:list_id>/follow", "lists/<id:list_id>/unfollow", "lists/<id:list_id>/pin",
    "lists/<id:list_id>/unpin", "lists/<id:list_id>/members/add",
    "lists/<id:list_id>/members/<username:username>/remove",
    "settings/muted-words/<id:word_id>/remove", "settings/archive/upload",
    "scheduled/<id:post_id>/now", "drafts/save", "drafts/<id:draft_id>/delete",
    "search/save", "search/saved/<id:search_id>/remove",
    "requests/<username:username>/accept", "requests/<username:username>/reject",
    "<username:username>/follow", "<username:username>/unfollow", "<username:username>/unblock",
    "<username:username>/mute", "<username:username>/unmute",
    *(
        f"{_STATUS}/{deed}"
        for deed in (
            "like", "unlike", "retweet", "unretweet", "bookmark", "unbookmark", "pin", "unpin",
            "hide", "unhide", "vote",
        )
    ),
}  # fmt: skip
# Of an import of an archive, with something in each part.
REPORT = {
    "declared": 1_830,
    "counts": {"stored": 1_827, "replies": 900, "retweets": 14, "pictures": 3},
    "exceptions": {"taken": {"count": 3, "ids": ["826354801738969088", "5", "6"]}},
    "remarks": {"retweet_as_text": {"count": 14, "ids": ["1363888529034665986"] * 14}},
    "others": {"followers": 405, "likes": 8},
}
NO_PAGES = {
    "settings": "leads to settings/profile",
    "language/<slug:language>": "leads back",
    "oauth/request_token": "for programs",
    "oauth/access_token": "for programs",
    "media/<int:media_id>/<str:key>/<str:name>": "a file",
    "compose/complete": "a part of a page",
    "settings/archive/<id:import_id>": "a part of a page",
    "search/saved": "a part of a page",
    "notifications/unread": "a part of a page",
    "oembed": "JSON",
    "sitemap.xml": "for search engines",
    "sitemap/<slug:name>.xml": "for search engines",
    "robots.txt": "for search engines",
    "favicon.ico": "a picture",
    "manifest.webmanifest": "for browsers",
    "sw.js": "a script",
    "<username:username>/rss": "a feed",
    "<username:username>/atom": "a feed",
}


@dataclass(frozen=True)
class Page:
    """One address to open: by the reader or by a visitor, and with which status it answers."""

    route: str
    address: str
    is_member: bool = True
    status: int = 200

    def __str__(self) -> str:
        return self.address if self.is_member else f"visitor's {self.address}"


def routes() -> list[str]:
    """The routes of the site's pages, as their patterns are written."""
    found = _walked(get_resolver().url_patterns, "")
    return [one for one in found if not one.startswith(PROGRAMS)]


def _walked(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _walked(one.url_patterns, route)
        else:
            yield route


@dataclass
class Rooms:
    """What stands in addresses: ids and tokens."""

    focal: int
    own_post: int
    list_id: int
    scheduled: int
    import_id: int
    application_id: int
    consent: str
    request_token: str
    reset: str

    def filled(self, route: str) -> str:
        """The address of a route, with the scene's things in its holes."""
        holes = {
            "<username:username>": "marenvoss" if "status" in route else "ines28",
            "<id:tweet_id>": str(self.focal),
            "<id:list_id>": str(self.list_id),
            "<id:post_id>": str(self.scheduled),
            "<id:draft_id>": "1",
            "<int:device_id>": "1",
            "<id:word_id>": "1",
            "<id:import_id>": str(self.import_id),
            "<id:search_id>": "1",
            "<int:application_id>": str(self.application_id),
            "<slug:kind>": "bearer",
            "<str:tag>": "FieldNotes",
        }
        for hole, value in holes.items():
            route = route.replace(hole, value)
        return f"/{route}"


def furnish(scene: Scene) -> Rooms:
    """Give the reader of a scene lists, bookmarks, notifications, an application and the rest."""
    people, now = scene.people, clock.now()
    nora = people[READER]
    focal = scene.conversation.id
    made = services_lists.create_list(
        owner_id=nora.id, name="Printers", description="Ink and paper", now=now
    )
    for name in ("jonasl", "haruka_kappan"):
        services_lists.add_member(
            user_id=nora.id, list_id=made.id, member_id=people[name].id, now=now
        )
    services_lists.follow_list(user_id=people["olub"].id, list_id=made.id, now=now)
    for key in ("focal", "sky", "poem"):
        add_bookmark(user_id=nora.id, tweet_id=scene.posts[key].id, now=now)
    services_words.mute_word(user_id=nora.id, text="the finale", now=now)
    save_search(user_id=nora.id, query="mudflat", now=now)
    graph.mute_user(muter_id=nora.id, muted_id=people["dmitris"].id, now=now)
    own = tweets.post_tweet(author_id=nora.id, text="Ink is dry by noon. #FieldNotes", now=now)
    services_edits.edit_tweet(
        user_id=nora.id, tweet_id=own.id, text="Ink is dry by eleven. #FieldNotes", now=now
    )
    for name in ("jonasl", "olub"):
        tweets.like_tweet(user_id=people[name].id, tweet_id=own.id, now=now)
    tweets.retweet(user_id=people["olub"].id, tweet_id=focal, now=now)
    tweets.post_tweet(
        author_id=people["olub"].id, text="@norafeld how long by noon?", in_reply_to_id=own.id,
        now=now,
    )  # fmt: skip
    tweets.post_tweet(
        author_id=people["olub"].id, text="This.", quote_of_id=focal, now=now - timedelta(hours=1)
    )
    later = services_scheduled.schedule_post(
        author_id=nora.id, text="The second sheet is dry. #FieldNotes",
        due_at=now + timedelta(days=1), now=now,
    )  # fmt: skip
    services_drafts.save_draft(
        author_id=nora.id, key="sheet", texts=["Notes on paper:", "first, it breathes"], now=now
    )
    drain_committed()
    trending(
        "#" + "LongestTagOfTheWholeIsland" * 2, "#秋の朝", "#ترجمة", "Great Barrier Reef", "#Ferry",
        "#FieldNotes", voices=7,
    )  # fmt: skip
    return _with_keys(scene, focal, own.id, made.id, later.id)


def _with_keys(scene: Scene, focal: int, own_post: int, list_id: int, scheduled: int) -> Rooms:
    """An application that asks the reader in, and a letter to somebody without a password."""
    now, nora, forgetful = clock.now(), scene.people[READER], scene.people["amarad"]
    keys = services_apps.create_application(
        owner_id=nora.id, name="Press notes", now=now, redirect_uris=BACK
    )
    token, _ = services_oauth1.begin(
        application_id=keys.application_id, redirect_uris=(BACK,), callback=None, now=now
    )
    archive = ArchiveImport.objects.create(
        user_id=nora.id, name="twitter-2022-11-01.zip", state="done", report=REPORT,
        finished_at=now,
    )  # fmt: skip
    letter = f"{forgetful.id}/{default_token_generator.make_token(forgetful)}"
    return Rooms(
        focal=focal, own_post=own_post, list_id=list_id, scheduled=scheduled,
        application_id=keys.application_id, import_id=archive.id,
        consent=App(keys, None).url(), request_token=token, reset=letter,  # type: ignore[arg-type]
    )  # fmt: skip


def pages(rooms: Rooms) -> list[Page]:
    """All of them, each route at least once."""
    return [*_of_members(rooms), *_of_visitors(rooms)]


def _of_members(rooms: Rooms) -> Iterator[Page]:
    plain = (
        "home", "public", "about", "rules", "terms", "status", "offline", "docs/api",
        "notifications", "notifications/mentions", "notifications/conversations/<id:tweet_id>",
        "bookmarks", "bookmarks/clear", "compose", "drafts", "scheduled", "scheduled/<id:post_id>",
        "scheduled/<id:post_id>/delete", "search", "explore", "hashtag/<str:tag>",
        "who-to-follow", "requests", "lists", "lists/followed", "lists/memberships", "lists/new",
        "lists/<id:list_id>", "lists/<id:list_id>/edit", "lists/<id:list_id>/delete",
        "lists/<id:list_id>/members", "lists/<id:list_id>/followers",
        "settings/profile", "settings/privacy", "settings/appearance", "settings/language",
        "settings/email", "settings/security", "settings/password", "settings/apps",
        "settings/pictures", "settings/blocked",
        "settings/time-zone",
        "settings/muted", "settings/muted-words", "settings/archive",
        "settings/archive/<id:import_id>/undo",
        "developer/apps", "developer/apps/new",
        "developer/apps/<int:application_id>", "developer/apps/<int:application_id>/delete",
        "<username:username>", "<username:username>/with_replies", "<username:username>/media",
        "<username:username>/likes", "<username:username>/followers",
        "<username:username>/followers_you_follow", "<username:username>/following",
        "<username:username>/lists", "<username:username>/lists/choose",
        "<username:username>/block", _STATUS,
        *(f"{_STATUS}/{one}" for one in ("likes", "retweets", "quotes", "report", "menu", "why")),
    )  # fmt: skip
    for route in plain:
        yield Page(route, rooms.filled(route))
    for deed in ("delete", "edit", "history"):
        yield Page(f"{_STATUS}/{deed}", f"/{READER}/status/{rooms.own_post}/{deed}")
    yield Page("i/oauth2/authorize", rooms.consent)
    for name in ("authorize", "authenticate"):
        yield Page(f"oauth/{name}", f"/oauth/{name}?oauth_token={rooms.request_token}")
    yield Page("settings/email/confirm", "/settings/email/confirm?token=x", status=400)
    # The same places with something in them, or with nothing.
    for address in (
        f"/{READER}", "/quietbird", "/dmitris", "/dmitris/media", "/quietbird/likes",
        "/search?q=mudflat", "/search?q=ines&f=people", f"/compose?reply_to={rooms.focal}",
        f"/compose?quote={rooms.focal}", f"/{READER}/status/{rooms.own_post}",
    ):  # fmt: skip
        yield Page("", address)
    yield Page("", "/not/there", status=404)
    yield Page("", "/nobody_of_this_name", status=404)


def _of_visitors(rooms: Rooms) -> Iterator[Page]:
    for route in (
        "", "login", "signup", "reset", "public", "about", "search", "explore",
        "<username:username>", "<username:username>/followers",
        "lists/<id:list_id>", "hashtag/<str:tag>", _STATUS,
    ):  # fmt: skip
        yield Page(route, rooms.filled(route), is_member=False)
    yield Page("reset/<id:user_id>/<slug:token>", f"/reset/{rooms.reset}", is_member=False)
    yield Page("", "/reset/1/no-such-token", is_member=False, status=400)
    yield Page("", "/quietbird", is_member=False)
    yield Page("", "/not/there", is_member=False, status=404)
