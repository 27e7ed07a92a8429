"""Maps for crawlers, what a browser installs, the pages of the house, and what they say when an
engine is down."""

import json
import xml.etree.ElementTree as ET

import pytest

from apps.infra import clock
from apps.infra.errors import Unavailable
from apps.infra.stores import aiopostgres
from apps.infra.telemetry.health import Finding
from apps.public import condition, maps
from apps.tweets import services
from apps.users.services import set_protected, suspend_user
from tests.factories import UserFactory

SPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
HOUSE = ["/rules", "/terms", "/status", "/about", "/offline"]


def places(answer):
    assert answer.status_code == 200
    return [one.text for one in ET.fromstring(answer.content).iter(f"{SPACE}loc")]


def post(user, text="hello"):
    return services.post_tweet(author_id=user.id, text=text, now=clock.now())


def test_the_maps_lead_to_what_visitors_may_see(browser, alice, bob, carol):
    shown, hidden, gone, late = post(alice), post(bob), post(alice), post(carol)
    set_protected(user_id=bob.id, protected=True, now=clock.now())
    services.delete_tweet(user_id=alice.id, tweet_id=gone.id, now=clock.now())
    suspend_user(user_id=carol.id, now=clock.now())

    index = places(browser.get("/sitemap.xml"))
    found = [place for one in index for place in places(browser.get(one.split("3000", 1)[1]))]

    assert f"http://localhost:3000/alice/status/{shown.id}" in found
    assert "http://localhost:3000/alice" in found
    assert "http://localhost:3000/rules" in found
    unseen = {str(hidden.id), str(gone.id), str(late.id), "bob", "carol"}
    assert [one for one in found if one.rpartition("/")[2] in unseen] == []
    assert len(found) == len(set(found))


def test_every_page_of_the_map_opens(browser, alice):
    for place in places(browser.get("/sitemap/pages.xml")):
        assert browser.get(place.split("3000", 1)[1] or "/").status_code == 200, place


def test_a_map_is_bounded(browser, alice, monkeypatch):
    monkeypatch.setattr(maps, "STEP", 2)
    monkeypatch.setattr(maps, "MAX_POSTS_OF_DAY", 4)
    monkeypatch.setattr(maps, "MAX_PEOPLE", 3)
    made = [post(alice, str(n)).id for n in range(7)]
    UserFactory.create_batch(5)

    today = f"{clock.now():%Y%m%d}"
    found = places(browser.get(f"/sitemap/posts-{today}.xml"))

    assert [int(one.rpartition("/")[2]) for one in found] == made[:2:-1]
    assert len(places(browser.get("/sitemap/people.xml"))) == 3


@pytest.mark.parametrize("name", ["posts-20100101", "posts-x", "posts-99990101", "else", "posts"])
def test_maps_that_the_index_does_not_name_are_not_there(browser, name):
    assert browser.get(f"/sitemap/{name}.xml").status_code == 404


def test_crawlers_are_told_what_to_leave_alone(browser):
    text = browser.get("/robots.txt").text

    assert "Disallow: /settings/" in text
    assert "Sitemap: http://localhost:3000/sitemap.xml" in text


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("ar", "rtl"), ("de", "ltr")])
def test_the_manifest_names_icons_that_are_there(browser, language, direction):
    browser._client.headers["accept-language"] = language

    found = browser.get("/manifest.webmanifest").json()

    assert (found["lang"], found["dir"]) == (language, direction)
    for icon in found["icons"]:
        assert browser.get(icon["src"]).headers["content-type"] == "image/png"
    assert browser.get("/favicon.ico", follow=True).headers["content-type"] == "image/png"


def test_the_service_worker_keeps_nothing_of_anybody(browser, browser_as, alice):
    script = browser.get("/sw.js")
    kept = json.loads(script.text.partition("const KEEP = ")[2].partition(";\n")[0])

    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == "no-cache"
    assert script.text == browser_as(alice).get("/sw.js").text
    for address in kept["kept"]:
        assert address == "/offline" or address.startswith("/static/")
        assert browser.get(address).status_code == 200
    # What is fetched with cookies is the page of nobody all the same.
    assert "alice" not in browser_as(alice).get("/offline").text


@pytest.mark.parametrize("path", HOUSE)
def test_the_pages_of_the_house_are_for_everybody(browser, browser_as, alice, path):
    assert browser.get(path).status_code == 200
    assert browser_as(alice).get(path).status_code == 200


@pytest.fixture
def without_postgresql(monkeypatch):
    """As it is when PostgreSQL does not answer."""

    async def fails(*_given, **_more):
        raise Unavailable("The database does not answer.", retry_after_seconds=2)

    monkeypatch.setattr(aiopostgres, "fetch", fails)


@pytest.mark.parametrize("path", ["/rules", "/terms", "/offline"])
def test_they_open_while_the_database_is_down(browser, without_postgresql, path):
    browser.cookies.set("sessionid", "a" * 32)

    assert browser.get(path).status_code == 200


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_an_outage_has_a_page_in_every_language(browser, without_postgresql, language):
    browser._client.headers["accept-language"] = language

    answer = browser.get("/alice")

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert f'<html lang="{language}"' in answer.text


STATES = {
    "ok": Finding("postgres", 3.0, ""),
    "slow": Finding("postgres", 1_500.0, ""),
    "down": Finding("postgres", 2_000.0, 'connection to "10.0.0.7" failed: secret detail'),
}


@pytest.mark.parametrize("state", STATES)
def test_the_status_page_is_honest_and_keeps_secrets(browser, monkeypatch, state):
    async def found():
        return [STATES[state], Finding("redis_state_0", 1.0, ""), Finding("redis_state_1", 1.0, "")]

    monkeypatch.setattr(condition, "check_all", found)
    condition.forget()

    answer = browser.get("/status")
    condition.forget()

    assert answer.status_code == 200
    assert f'class="condition {state}"' in answer.text
    assert answer.text.count("Timelines") == 1
    for secret in ("10.0.0.7", "secret", "postgres", "redis"):
        assert secret not in answer.text.partition("<main")[2]


def test_many_who_ask_for_the_status_are_one_check(browser, monkeypatch):
    asked = []

    async def found():
        asked.append(1)
        return [STATES["ok"]]

    monkeypatch.setattr(condition, "check_all", found)
    condition.forget()

    for _ in range(5):
        browser.get("/status")
    condition.forget()

    assert len(asked) == 1


def test_a_visitor_reads_what_is_public(browser, api_as, alice):
    client = api_as(alice)
    made = client.post("/2/tweets", {"text": "a cup of #tea"}).json()["data"]["id"]
    shelf = client.post("/2/lists", {"name": "Teas"}).json()["data"]["id"]
    hidden = client.post("/2/lists", {"name": "Mine", "private": True}).json()["data"]["id"]

    for path in ("/alice", f"/alice/status/{made}", "/hashtag/tea", "/search?q=tea", "/explore",
                 "/public", f"/lists/{shelf}", "/alice/lists", "/alice/followers"):  # fmt: skip
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert '<form id="act"' not in answer.text
    assert browser.get(f"/lists/{hidden}").status_code == 404
    assert (
        'rel="canonical" href="http://localhost:3000/hashtag/tea"'
        in browser.get("/hashtag/tea").text
    )
    assert 'content="noindex"' in browser.get("/search?q=tea").text


def test_looking_around_sets_no_cookie(browser, api_as, alice):
    """As the landing page says."""
    made = api_as(alice).post("/2/tweets", {"text": "hello"}).json()["data"]["id"]

    for path in ("/", "/public", "/alice", f"/alice/status/{made}", "/search?q=hello",
                 "/explore", *HOUSE, "/not/there", "/alice/rss", "/manifest.webmanifest",
                 "/sw.js"):  # fmt: skip
        assert "set-cookie" not in browser.get(path).headers, path
    assert len(browser.cookies) == 0
