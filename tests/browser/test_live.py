"""Pages that move by themselves: pill, counters, older posts on the way down, lost connections.

A relay and workers run beside the site, so what one browser does comes to the other the real way.
"""

import re

import pytest
from django.db import connections

from apps.infra import clock
from apps.tweets.services import post_tweet
from apps.users.models import User
from tests.spine import Spine

pytestmark = [pytest.mark.browser, pytest.mark.slow]
READER, WRITER = "norafeld", "marenvoss"
OLD_POSTS = 45


@pytest.fixture(scope="module")
def lively(site, django_db_blocker, tmp_path_factory):
    """The site with a relay and workers, and with enough posts for three pages."""
    with django_db_blocker.unblock():
        author = User.objects.get(username=WRITER)
        for number in range(OLD_POSTS):
            post_tweet(author_id=author.pk, text=f"Older {number}.", now=clock.now())
        connections.close_all()
        spine = Spine(
            directory=tmp_path_factory.mktemp("spine"), settings_module="twitterlite.settings.test"
        )
    try:
        spine.heal()
        spine.wait_until_drained()
        yield site
    finally:
        spine.stop()


def write(page, text):
    box = page.locator("form.write.inline textarea")
    box.fill(text)
    box.press("Control+Enter")
    page.get_by_text("Your post is out.").first.wait_for()


def ids(page):
    return page.eval_on_selector_all(
        "#stream article", "all => all.map(one => one.dataset.e || one.id)"
    )


def test_a_post_in_one_browser_shows_its_pill_in_the_other(lively, tab):
    reader, writer = tab(READER), tab(WRITER)
    reader.mouse.wheel(0, 600)
    reader.wait_for_function("() => scrollY > 300")
    place, before = reader.evaluate("scrollY"), ids(reader)

    write(writer, "Fresh from the second browser.")

    pill = reader.locator("#pill")
    pill.get_by_text("1 new post", exact=True).wait_for()
    assert pill.locator("svg.av").count() == 1
    assert ids(reader)[: len(before)] == before
    assert reader.evaluate("scrollY") == place

    write(writer, "And one more.")
    pill.get_by_text("2 new posts", exact=True).wait_for()
    reader.keyboard.press(".")

    reader.locator("#stream article").first.get_by_text("And one more.").wait_for()
    assert pill.is_hidden()
    now = ids(reader)
    assert now[2 : 2 + len(before)] == before
    assert len(set(now)) == len(now)
    assert reader.evaluate("scrollY") == 0


def test_a_like_moves_the_number_on_the_page_of_another(lively, tab):
    reader, writer = tab(READER), tab(WRITER)
    write(writer, "Something to like.")
    reader.locator("#pill").wait_for()
    reader.locator("#pill").click()
    mine = reader.locator("#stream article").filter(has_text="Something to like.")
    mine.wait_for()
    number = mine.locator(".like .num")
    assert number.inner_text() == ""

    writer.locator("#stream article").filter(has_text="Something to like.").locator(".like").click()

    reader.wait_for_function(
        "() => [...document.querySelectorAll('#stream article')].some(one =>"
        " one.textContent.includes('Something to like.')"
        " && one.querySelector('.like .num').textContent === '1')"
    )


def test_a_like_moves_the_words_on_the_page_of_the_post(lively, tab):
    reader, writer = tab(READER), tab(WRITER)
    write(writer, "Something to look at alone.")
    post = writer.locator("#stream article").filter(has_text="Something to look at alone.")
    reader.goto(post.locator(".when").get_attribute("href"))
    reader.locator(".focal hr").wait_for(state="attached")

    post.locator(".like").click()

    reader.locator(".focal .counts").get_by_text("1 like", exact=True).wait_for()


def test_older_posts_come_on_the_way_down_none_twice_and_back_keeps_the_place(lively, tab):
    page = tab(READER)
    for _ in range(30):
        page.mouse.wheel(0, 3_000)
        page.wait_for_timeout(50)
        if len(ids(page)) > OLD_POSTS:
            break
    found = ids(page)
    assert len(found) > OLD_POSTS
    assert len(set(found)) == len(found)
    post = page.locator("#stream article").nth(30)
    post.scroll_into_view_if_needed()
    place = page.evaluate("scrollY")

    post.locator(".when").click()
    page.wait_for_url(re.compile(r"/status/"))
    page.go_back()

    page.wait_for_function("place => Math.abs(scrollY - place) < 200", arg=place)
    assert len(ids(page)) > 30


def test_a_lost_connection_is_said_and_what_was_missed_is_told(lively, tab):
    reader, writer = tab(READER), tab(WRITER)
    reader.context.set_offline(True)
    reader.locator("#live").wait_for()
    write(writer, "While nobody listened.")

    reader.context.set_offline(False)

    reader.locator("#pill").get_by_text("1 new post", exact=True).wait_for(timeout=60_000)
    assert reader.locator("#live").is_hidden()
    # What Chromium says of a connection that is cut.
    tab.complaints[:] = [one for one in tab.complaints if "ERR_" not in one]


def test_two_tabs_of_one_person_both_hear(lively, tab):
    first, writer = tab(READER), tab(WRITER)
    second = first.context.new_page()
    second.goto("/home")

    write(writer, "To both.")

    for page in (first, second):
        page.locator("#pill").get_by_text("1 new post", exact=True).wait_for()


def test_from_sign_up_to_the_pill_of_a_follower(lively, tab):
    newcomer, reader = tab(), tab(READER)
    newcomer.goto("/signup")
    newcomer.fill("[name=name]", "Fresh Ink")
    newcomer.fill("[name=username]", "freshink")
    newcomer.fill("[name=password]", "a first password 1")
    newcomer.click("main button")
    newcomer.wait_for_url("**/home")
    reader.goto("/freshink")
    reader.locator(".prof .fo button").click()
    reader.locator(".prof .fo .undo").wait_for()
    reader.goto("/home")
    reader.locator("#stream").wait_for()

    write(newcomer, "My very first post.")
    reader.locator("#pill").get_by_text("1 new post", exact=True).wait_for(timeout=60_000)
    reader.locator("#pill").click()

    reader.locator("#stream article").first.get_by_text("My very first post.").wait_for()


def test_two_tabs_share_likes_and_the_log_out(lively, tab):
    first = tab("jonasl")
    first.context.add_init_script(
        "window.sources = []; const Plain = EventSource; window.EventSource = class extends Plain"
        " { constructor(...all) { super(...all); sources.push(this); } };"
    )
    second = first.context.new_page()
    for page in (first, second):
        page.goto("/jonasl/with_replies")
        page.wait_for_function("() => sources.some((one) => one.readyState === 1)")
    mine, other = (
        page.locator("article").filter(has_text="Same here.") for page in (first, second)
    )
    mine.locator(".like").click()
    other.locator(".like .num").get_by_text("1", exact=True).wait_for()

    first.locator(".rail .me summary").click()
    first.get_by_role("button", name="Log out").click()
    first.get_by_text("That is the idea.").wait_for()

    second.wait_for_function("() => sources.every((one) => one.readyState === 2)")
    assert second.locator("#live").is_hidden()


def test_without_scripts_a_link_refreshes_and_another_leads_on(lively, tab):
    page = tab(READER, javascript=False)

    page.get_by_label("Refresh").click()
    page.wait_for_url("**/home")
    page.get_by_text("Older posts").click()

    page.wait_for_url("**/home?before=*")
    assert page.locator("#pill").is_hidden()
