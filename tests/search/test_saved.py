"""Saved searches: kept, found again, taken back, and nobody else's."""

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from django.db import connections

from apps.infra import clock
from apps.infra.errors import NotFound
from apps.search import services_saved
from apps.search.models import SavedSearch
from apps.search.services_saved import BadSearch, TooManySearches, remove_search, save_search

QUERY = 'tide "high water" -rain from:alice #Küste'


def keep(user, query=QUERY):
    return save_search(user_id=user.id, query=query, now=clock.now())


def kept(user):
    return list(SavedSearch.objects.filter(user_id=user.id).values_list("query", flat=True))


def toast(answer):
    said = answer.headers.get("HX-Trigger-After-Swap") or answer.headers["HX-Trigger"]
    return json.loads(said)["toast"]


def button(page):
    """The target of the button that saves or removes what the page searches for."""
    return page.split('class="fo"><button')[1].split('formaction="')[1].split('"')[0]


def test_a_search_is_saved_from_its_page_and_found_under_the_empty_box(browser_as, bob):
    browser = browser_as(bob)
    page = browser.get(f"/search?q={quote(QUERY)}").text
    assert 'aria-pressed="false" aria-label="Save this search"' in page

    answer = browser.post(button(page).replace("&amp;", "&"), htmx=True)

    assert 'aria-pressed="true"' in answer.text
    assert toast(answer)["text"] == "Search saved."
    assert kept(bob) == [QUERY]
    assert 'aria-pressed="true"' in browser.get(f"/search?q={quote(QUERY)}").text
    assert 'aria-pressed="false"' in browser.get("/search?q=tide").text
    link = f'href="/search?q={quote(QUERY, safe="")}"'
    assert link in browser.get("/search/saved", htmx=True).text
    assert link in browser.get("/search").text
    assert browser.get("/search/saved").headers["location"] == "/search"
    # Not where one has searched for something.
    assert "Saved searches" not in browser.get("/search?q=tide").text


def test_what_is_removed_can_be_brought_back(browser_as, bob):
    browser, number = browser_as(bob), keep(bob)

    answer = browser.post(f"/search/saved/{number}/remove", {"row": "1"}, htmx=True)
    assert (answer.status_code, answer.text) == (200, "")
    assert kept(bob) == []

    back = browser.post(toast(answer)["undo"], htmx=True)
    assert back.headers["HX-Refresh"] == "true"
    assert kept(bob) == [QUERY]


def test_what_is_saved_can_be_taken_back(browser_as, bob):
    browser = browser_as(bob)
    answer = browser.post(f"/search/save?q={quote(QUERY)}", htmx=True)

    back = browser.post(toast(answer)["undo"], htmx=True)

    assert back.headers["HX-Refresh"] == "true"
    assert kept(bob) == []


def test_it_works_without_scripts(browser_as, bob):
    browser = browser_as(bob)
    back = {"next": "/search?q=tide"}

    answer = browser.post("/search/save?q=tide", back)
    assert (answer.status_code, answer.headers["location"]) == (302, "/search?q=tide")
    page = browser.get("/search?q=tide").text
    assert "Search saved." in page

    answer = browser.post(button(page), back)
    assert answer.headers["location"] == "/search?q=tide"
    assert kept(bob) == []


def test_a_search_is_saved_once(bob):
    first = keep(bob)

    assert keep(bob, f"  {QUERY} ") == first
    assert kept(bob) == [QUERY]


@pytest.mark.parametrize(
    "query", ["", "  ", "from:", "(tide", "tide fron:alice", "a\x00b", "x" * 513, "!!", "\ud800"]
)
def test_what_is_no_query_is_not_saved(bob, query):
    with pytest.raises(BadSearch):
        keep(bob, query)

    assert kept(bob) == []


@pytest.mark.parametrize("query", ["", "from:", "%00", "x" * 600, "%ff%fe"])
def test_a_made_up_address_is_refused_with_words(browser_as, bob, query):
    answer = browser_as(bob).post(f"/search/save?q={query}", htmx=True)

    assert answer.status_code == 400 if query != "%ff%fe" else answer.status_code in {200, 400}
    assert toast(answer)["error"] is (answer.status_code == 400)


def test_the_limit_says_what_to_do(browser_as, bob):
    for number in range(services_saved.MAX_SAVED):
        keep(bob, f"tide{number}")

    answer = browser_as(bob).post("/search/save?q=ebb", htmx=True)

    assert answer.status_code == 409
    assert toast(answer)["text"] == "25 saved searches is the limit. Remove one first."
    # What is kept already is no more than there was.
    assert keep(bob, "tide3") == SavedSearch.objects.get(user_id=bob.id, query="tide3").id
    assert len(kept(bob)) == 25


def test_many_at_once_are_no_more_than_the_limit(bob, monkeypatch):
    monkeypatch.setattr(services_saved, "MAX_SAVED", 3)

    def save(number):
        try:
            keep(bob, f"tide{number}")
        except TooManySearches:
            return 0
        finally:
            connections.close_all()
        return 1

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(save, range(12))) == 3
    assert len(kept(bob)) == 3


def test_searches_of_others_are_not_there(browser_as, browser, alice, bob):
    number = keep(alice)
    other = browser_as(bob)

    assert other.post(f"/search/saved/{number}/remove", htmx=True).status_code == 404
    with pytest.raises(NotFound):
        remove_search(user_id=bob.id, search_id=number, now=clock.now())
    for page in ("/search", f"/search?q={quote(QUERY)}"):
        assert "/search/saved/" not in other.get(page).text
    assert "high" not in other.get("/search/saved", htmx=True).text
    assert kept(alice) == [QUERY]
    # Somebody may keep the same, and it is their own.
    assert keep(bob) != number
    browser.get("/login")
    for path in ("/search/save?q=tide", f"/search/saved/{number}/remove"):
        assert "/login" in browser.post(path).headers["location"]
    assert "/login" in browser.get("/search/saved").headers["location"]
    assert "data-kept" not in browser.get("/search").text


def test_markup_in_a_query_is_shown_and_not_obeyed(browser_as, bob):
    keep(bob, '<b>tide</b> "<i>"')
    browser = browser_as(bob)

    for page in (browser.get("/search").text, browser.get("/search/saved", htmx=True).text):
        assert "&lt;b&gt;tide" in page
        assert "<b>tide" not in page
