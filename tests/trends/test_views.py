"""Explore, the panel beside every page, and what both cost."""

import pytest

from apps.infra import clock
from apps.infra.stores import aioredis
from apps.infra.web import panels
from apps.trends import queries, services
from apps.trends.models import TrendRule
from tests.trends.trending import trending


def test_explore_lists_what_trends_and_leads_to_the_posts(browser, world):
    trending("#HighTide", "Big Wave", voices=6)

    page = browser.get("/explore")

    assert page.status_code == 200
    assert page.text.index("#HighTide") < page.text.index("Big Wave")
    assert 'href="/hashtag/HighTide"' in page.text
    assert 'href="/search?q=%22Big+Wave%22"' in page.text
    assert "7 posts" in page.text
    assert '<svg class="curve"' in page.text
    assert "style=" not in page.text.partition("<ol")[2].partition("</ol>")[0]


def test_before_anything_trends_it_is_said(browser, world):
    assert "Nothing stands out right now" in browser.get("/explore").text
    assert "Nothing stands out right now" in browser.get("/public").text


def test_the_list_of_the_own_language(browser, browser_as, bob):
    trending("#Sturm", lang="de")
    trending("#Storm", lang="en")

    assert "#Sturm" in browser.get("/explore").text
    page = browser.get("/explore?in=own").text.partition("<aside")[0]
    assert "#Storm" in page
    assert "#Sturm" not in page


@pytest.mark.parametrize("path", ["/public", "/home", "/bob", "/search?q=tea", "/notifications"])
def test_the_top_stands_beside_every_page(browser_as, bob, path):
    trending(*(f"#Tag{letter}" for letter in "ABCDEFG"))
    visitor = browser_as(bob)

    # The second home page comes from memory.
    for _ in range(2):
        page = visitor.get(path).text
        side = page.partition('<aside class="side"')[2]
        assert "#TagA" in side
        assert "#TagE" in side
        assert "#TagF" not in side


def test_a_home_page_from_memory_shows_the_newest_trends(browser_as, bob):
    visitor = browser_as(bob)
    assert "#Fresh" not in visitor.get("/home").text
    trending("#Fresh")

    assert "#Fresh" in visitor.get("/home").text


def test_names_are_text(browser, world):
    trending('<b>"#x"</b> &amp;')

    page = browser.get("/explore").text
    assert "<b>&quot;" not in page
    assert "&lt;b&gt;&quot;#x&quot;&lt;/b&gt; &amp;amp;" in page


def test_pages_read_the_lists_once_a_second(run, world, monkeypatch):
    trending("#Tide")
    asked = []
    real = aioredis.client

    def noted(*how):
        asked.append(1)
        return real(*how)

    monkeypatch.setattr(aioredis, "client", noted)

    for _ in range(5):
        run(queries.refresh())
    assert asked == [1]
    queries.shelf.until = 0
    for _ in range(5):
        run(queries.refresh())
    assert asked == [1, 1]


def test_pages_cost_no_query_for_it(browser, world, django_assert_num_queries):
    trending("#Tide")
    browser.get("/explore")

    with django_assert_num_queries(0):
        assert "#Tide" in browser.get("/explore").text


def test_without_redis_the_panel_shows_what_it_knows(run, world, monkeypatch):
    trending("#Tide")
    run(queries.refresh())
    known = queries.shelf.lists
    assert known

    def away(*_instance):
        raise aioredis.RedisDown("away")

    monkeypatch.setattr(aioredis, "client", away)
    queries.shelf.until = 0
    run(queries.refresh())
    assert queries.shelf.lists is known


def test_a_panel_that_fails_is_left_out(browser, world, monkeypatch):
    class Broken:
        async def refresh(self):
            pass

        def html(self, language):
            raise ValueError(language)

    monkeypatch.setattr(panels, "beside_page", [Broken(), *panels.beside_page])

    assert "Nothing stands out" in browser.get("/public").text


def test_staff_block_words_in_the_admin_and_others_do_not(browser_as, alice, bob):
    trending("#Ugly")
    alice.is_staff = alice.is_superuser = True
    alice.save()
    bob.is_staff = True
    bob.save()

    assert browser_as(bob).get("/admin/trends/trendrule/").status_code == 403
    staff = browser_as(alice)
    form = {"word": "Ugly", "kind": "blocked", "note": ""}
    staff.get("/admin/trends/trendrule/add/")
    answer = staff.post("/admin/trends/trendrule/add/", form)

    assert answer.status_code == 302, answer.text
    assert TrendRule.objects.get().key == "ugly"
    assert services.roll_up(now=clock.now())[""] == []
