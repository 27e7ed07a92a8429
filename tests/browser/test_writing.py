"""The compose box: drafts, threads and times, with scripts."""

import json
import urllib.parse

import pytest

from tests.browser.test_accessible import _complaints, axe  # noqa: F401 - a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def test_what_is_written_is_kept_after_a_pause_and_goes_with_the_post(tab, site):
    page, saves = tab("olub"), []
    page.on("request", lambda one: saves.append(one) if "/drafts/save" in one.url else None)
    page.goto("/home", wait_until="networkidle")
    area = page.locator("main .write [name=text]")
    with page.expect_response("**/drafts/save") as kept:
        area.press_sequentially("A sheet that nobody has seen", delay=15)
    assert kept.value.status == 204
    assert len(saves) == 1, "not one for each key"

    other = tab("olub")
    other.goto("/drafts", wait_until="networkidle")
    other.locator(".waits").get_by_text("A sheet that nobody has seen").wait_for()
    other.get_by_role("link", name="Continue").click()
    box = other.locator("#sheet[open] [name=text]")
    assert box.input_value() == "A sheet that nobody has seen"

    page.locator("main .write .btn").first.click()
    page.locator("#stream article").first.get_by_text("A sheet that nobody").wait_for()
    page.wait_for_timeout(3_500)
    other.goto("/drafts", wait_until="networkidle")
    other.get_by_text("No drafts").wait_for()


def test_what_is_left_is_kept_when_one_goes_away(tab, site):
    page = tab("norafeld")
    page.goto("/compose", wait_until="networkidle")
    page.locator(".write [name=text]").fill("Begun and left")
    page.evaluate(
        "Object.defineProperty(document, 'visibilityState', {value: 'hidden'});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.wait_for_timeout(300)

    page.goto("/drafts", wait_until="networkidle")
    page.locator(".waits").get_by_text("Begun and left").wait_for()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("No drafts").wait_for()


def test_a_thread_grows_while_one_writes(tab, site, axe):  # noqa: F811
    page = tab("norafeld")
    page.goto("/compose", wait_until="networkidle")
    page.locator(".write [name=text]").fill("One of five")
    page.get_by_role("button", name="Add to a thread").click()
    for number in range(2, 6):
        page.locator(".write [name=more]:visible").last.fill(f"{number} of five")
    assert page.locator(".write [name=more]").count() == 5
    assert page.locator(".write [name=more]:visible").count() == 5
    assert _complaints(page, axe, "thread") == []
    page.locator(".write [name=more]").nth(1).fill("x" * 281)
    assert page.locator(".write .btn").first.get_attribute("aria-disabled") == "true"
    page.locator(".write [name=more]").nth(1).fill("3 of five")
    page.locator(".write .btn").first.click()
    page.get_by_text("Your post is out.").wait_for()

    page.goto("/norafeld", wait_until="networkidle")
    page.locator("#stream").get_by_text("One of five").wait_for()
    page.goto("/norafeld/with_replies", wait_until="networkidle")
    page.locator("#stream").get_by_text("5 of five").wait_for()


def test_a_time_is_meant_in_the_zone_of_the_computer(tab, site, chromium, axe):  # noqa: F811
    context = chromium.new_context(
        base_url=site.url, timezone_id="Asia/Tokyo", reduced_motion="reduce"
    )
    cookies = tab("norafeld").context.cookies()
    context.add_cookies([one for one in cookies if one["name"] != "zone"])
    page = context.new_page()
    page.goto("/home", wait_until="networkidle")
    zone = next(one for one in context.cookies() if one["name"] == "zone")
    assert urllib.parse.unquote(zone["value"]) == "Asia/Tokyo"

    page.locator("main .write [name=text]").fill("Later")
    page.get_by_role("link", name="Write a thread, or for later").click()
    box = page.locator("#sheet[open] .write")
    box.get_by_role("button", name="Schedule", exact=True).click()
    assert box.locator("[name=text]").input_value() == "Later", "what was begun goes along"
    assert page.locator("main .write [name=text]").input_value() == ""
    box.locator("[name=at]").fill("2027-01-05T07:30")
    assert _complaints(page, axe, "schedule") == []
    box.locator(".btn").first.click()
    page.get_by_text("Scheduled for 5 Jan 2027, 07:30 (Asia/Tokyo).").wait_for()
    page.goto("/scheduled", wait_until="networkidle")
    due = page.locator(".waits", has_text="Later").locator("time").get_attribute("datetime")
    assert due is not None
    assert due.startswith("2027-01-04T22:30")
    context.close()


def test_a_post_is_edited_in_the_dialog(tab, site, axe):  # noqa: F811
    page = tab("olub")
    page.goto("/home", wait_until="networkidle")
    page.locator("main .write [name=text]").fill("Teh ink")
    page.locator("main .write .btn").first.click()
    card = page.locator("#stream article", has_text="Teh ink").first
    card.wait_for()
    card.locator("[data-menu]").click()
    card.get_by_role("link", name="Edit", exact=True).click()
    box = page.locator("#sheet[open] [name=text]")
    box.wait_for()
    assert _complaints(page, axe, "edit") == []
    box.fill("The ink")
    page.locator("#sheet[open] .btn").click()
    page.get_by_text("Your post is changed.").wait_for()
    card = page.locator("#stream article", has_text="The ink").first
    card.get_by_role("link", name="Edited").click()
    page.get_by_text("Teh ink").wait_for()
    assert _complaints(page, axe, "history") == []
    assert json.loads(page.evaluate("JSON.stringify(location.pathname)")).endswith("/history")
