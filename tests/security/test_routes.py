"""Every route of the site and of the admin, taken from the routes themselves: who may open it, and
that no form is obeyed which another site has sent. A route that nobody thought of fails here."""

import re
from typing import Any

import httpx
import pytest
from django.urls import get_resolver

from apps.archives.models import ArchiveImport
from apps.graph.services_lists import create_list
from apps.infra import clock
from apps.tweets.services import post_tweet
from apps.users.models import User
from apps.users.permissions import OPERATIONS
from apps.users.services_apps import create_application
from tests.browser.addresses import _STATUS, _walked, routes
from tests.browsing import Browser
from tests.factories import UserFactory

# Everybody may open these, also who is not logged in.
OPEN = {
    "", "about", "docs/api", "explore", "hashtag/<str:tag>", "language/<slug:language>", "login",
    "signup", "reset", "reset/<id:user_id>/<slug:token>", "search", "public", "status", "rules",
    "terms", "offline", "robots.txt", "favicon.ico", "manifest.webmanifest", "sw.js", "oembed",
    "sitemap.xml", "sitemap/<slug:name>.xml", "lists/<id:list_id>", "lists/<id:list_id>/members",
    "lists/<id:list_id>/followers", "media/<int:media_id>/<str:key>/<str:name>",
    "<username:username>", "<username:username>/with_replies", "<username:username>/media",
    "<username:username>/likes", "<username:username>/followers", "<username:username>/following",
    "<username:username>/lists", "<username:username>/rss", "<username:username>/atom",
    _STATUS, f"{_STATUS}/history", f"{_STATUS}/retweets", f"{_STATUS}/quotes",
}  # fmt: skip
# What visitors may send.
OPEN_FORMS = {"login", "signup", "reset", "reset/<id:user_id>/<slug:token>"}
# Asked by programs, which show a secret or a signature and no cookie; and files.
PROGRAMS = {
    "oauth/request_token", "oauth/access_token", "media/<int:media_id>/<str:key>/<str:name>",
}  # fmt: skip
# These look at the application's request first, and then who is there: tests/users.
CONSENT = {"i/oauth2/authorize", "oauth/authorize", "oauth/authenticate"}
# Leads to the settings, which ask.
LEADS_ON = {"settings"}
ADMIN = [one for one in _walked(get_resolver().url_patterns, "") if one.startswith("admin/")]
FORM = "application/x-www-form-urlencoded"


class Place:
    """Somebody's things, to stand in addresses."""

    def __init__(self, bob: Any, api: Any) -> None:
        now = clock.now()
        keys = create_application(owner_id=bob.id, name="Bob's", now=now)
        archive = ArchiveImport.objects.create(user_id=bob.id, name="a.zip", state="done")
        self._holes = {
            "username": "bob",
            "tweet_id": post_tweet(author_id=bob.id, text="hello", now=now).id,
            "list_id": create_list(owner_id=bob.id, name="Bob's", now=now).id,
            "application_id": keys.application_id, "user_id": bob.id, "word_id": 1, "search_id": 1,
            "post_id": 1, "draft_id": 1, "device_id": 1,
            "kind": "bearer", "tag": "tea", "token": "x-y", "language": "de",
            "name": "users", "media_id": 1, "key": "a" * 32, "import_id": archive.id,
        }  # fmt: skip

    def __call__(self, route: str) -> str:
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda hole: str(self._holes[hole[1]]), route)


@pytest.fixture
def place(bob: Any, api: Any) -> Place:
    return Place(bob, api)


def ask(browser: Browser, method: str, path: str, **how: Any) -> httpx.Response:
    answer: httpx.Response = browser._run(browser._client.request(method, path, **how))
    return answer


def outcome(answer: httpx.Response) -> str:
    """Whether a door is open, for this reader."""
    if answer.headers.get("location", "").startswith("/login"):
        return "log in"
    return {403: "refused", 404: "nothing", 405: "no page"}.get(answer.status_code, "open")


def test_visitors_open_what_is_for_everybody_and_nothing_else(browser, place):
    found = {one: outcome(ask(browser, "GET", place(one))) for one in routes()}

    is_open = {one for one, came in found.items() if came in {"open", "nothing"}}
    assert is_open - OPEN - PROGRAMS - CONSENT - LEADS_ON == set()
    assert OPEN - is_open == set()


def test_what_visitors_send_is_taken_where_it_is_meant_to_be(browser, place):
    browser.get("/login")
    token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    found = {
        one: outcome(ask(browser, "POST", place(one), data=token))
        for one in routes()
        if one not in PROGRAMS
    }

    taken = {one for one, came in found.items() if came == "open"}
    reads = {one for one in taken if one in OPEN} - OPEN_FORMS
    assert taken - reads - OPEN_FORMS - CONSENT - LEADS_ON == set()


def test_no_form_of_another_site_is_obeyed(browser_as, alice, place):
    browser = browser_as(alice)
    token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    foreign = {"origin": "https://evil.example"}
    came = {
        one: ask(browser, "POST", place(one), data={}).status_code
        for one in routes()
        if one not in PROGRAMS
    }
    for path in ("/compose", "/settings/email", "/logout"):
        came[f"{path} from elsewhere"] = ask(
            browser, "POST", path, data=token, headers=foreign
        ).status_code

    assert {one: status for one, status in came.items() if status != 403} == {}
    assert browser.get("/home").status_code == 200


def test_a_cookie_alone_opens_nothing_of_the_api(browser_as, alice):
    browser = browser_as(alice)
    came = {}
    for name in OPERATIONS:
        method, path = name.split(" ")
        path = re.sub(r"\{\w+\}", str(alice.id), path)
        came[name] = ask(browser, method, path, json={} if method != "GET" else None).status_code

    # What is not offered says so to everybody.
    assert {one for one, status in came.items() if status not in {401, 404}} == set()
    assert came["POST /2/tweets"] == came["GET /2/users/me"] == 401


def test_things_of_others_are_not_there(browser_as, alice, place):
    browser = browser_as(alice)
    owned = [one for one in routes() if "<int:application_id>" in one or "<id:import_id>" in one]
    assert len(owned) >= 6

    for route in owned:
        answers = {ask(browser, "GET", place(route)).status_code}
        answers.add(browser.post(place(route), htmx=True).status_code)
        # Taking back what was never granted does nothing.
        assert answers <= {404, 405} or "revoke" in route, (route, answers)


def test_the_admin_is_closed_to_members_and_to_staff_without_rights(browser_as, alice):
    member = browser_as(alice)
    clerk = browser_as(UserFactory(username="clerk", is_staff=True))
    assert len(ADMIN) > 40
    # Of everybody of the staff, with what they may see; to log out is anybody's.
    own = {"admin/", "admin/login/", "admin/jsi18n/", "admin/autocomplete/", "admin/search/"}
    own |= {one for one in ADMIN if "password" in one}

    for route in ADMIN:
        if route == "admin/logout/":
            continue
        path = "/" + re.sub(r"<[^>]+>|\(\?P<.*", str(alice.id), route)
        closed = ask(member, "GET", path)
        assert closed.status_code in {302, 403}, (route, closed.status_code)
        assert "/admin/login/" in closed.headers.get("location", "/admin/login/"), route
        sent = member.post(path)
        assert sent.status_code in {302, 403}, (route, sent.status_code)
        if route not in own:
            assert ask(clerk, "GET", path).status_code in {302, 403, 404}, route
    assert User.objects.get(id=alice.id).suspended_at is None
