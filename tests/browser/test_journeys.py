"""Whole ways through the site: by keyboard alone, without scripts, and when it says no."""

import threading
import time

import pytest
from django.db import connections

from apps.infra.resilience import ratelimit, rules
from apps.infra.stores import redis
from apps.infra.web import addresses
from apps.users.models import User
from tests.factories import PASSWORD
from tests.media.conftest import picture
from tests.spine import drain_committed

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
PICTURE = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture(size=(320, 200))}


@pytest.fixture
def elsewhere(site, django_db_blocker):
    """Do something beside the browser: in a thread without an event loop."""

    def work(deed):
        def run():
            with django_db_blocker.unblock():
                deed()
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    return work


def tab_to(page, place, limit=60):
    """Press Tab until the focus is there."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate("place => document.activeElement.matches(place)", place):
            return
    raise AssertionError(f"Tab does not lead to {place}")


def test_by_keyboard_alone(tab, site):
    page = tab()
    page.goto("/")
    tab_to(page, "a[href='/login']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")
    tab_to(page, "[name=username]")
    page.keyboard.type("adaeze_builds")
    tab_to(page, "[name=password]")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/home")

    page.keyboard.press("n")
    page.locator("#sheet[open] [name=text]:focus").wait_for()
    page.keyboard.type("No mouse was moved.")
    page.keyboard.press("Control+Enter")
    first = page.locator("#stream article").first
    first.get_by_text("No mouse was moved.").wait_for()
    page.locator("#sheet:not([open])").wait_for(state="attached")

    focused = "document.activeElement.id"
    own = first.get_attribute("id")
    page.keyboard.press("j")
    assert page.evaluate(focused) == own
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate(focused) == own
    with page.expect_event("requestfinished", lambda one: one.url.endswith("/like")):
        page.keyboard.press("l")
    first.locator(".like[aria-pressed=true]:not(.pop)").wait_for()
    assert page.evaluate(focused) == own
    page.keyboard.press("r")
    page.locator("#sheet[open] [name=text]:focus").wait_for()
    page.keyboard.type("Nor for the answer.")
    page.keyboard.press("Control+Enter")
    page.locator("#sheet:not([open])").wait_for(state="attached")
    page.get_by_text("Your reply is out.").or_(
        page.get_by_text("Your post is out.")
    ).first.wait_for()

    page.wait_for_function("id => document.activeElement.id === id", arg=own)
    page.keyboard.press("Enter")
    page.wait_for_url("**/adaeze_builds/status/*")
    page.locator("#replies").get_by_text("Nor for the answer.").wait_for()
    tab_to(page, "[data-back]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/home")
    page.keyboard.press("?")
    page.locator("#sheet[open]").get_by_text("next and previous post").wait_for()
    page.keyboard.press("Escape")
    page.locator("#sheet:not([open])").wait_for(state="attached")


def test_without_scripts_from_sign_up_to_log_out(tab, site, elsewhere):
    page = tab(javascript=False)
    _fill_sign_up(page, "Plain Jane")
    page.click("main button")
    page.wait_for_url("**/home")

    page.click("form.write .extra.pictures summary")
    page.set_input_files("[name=picture1]", PICTURE)
    page.fill("[name=alt1]", "gold over navy")
    page.fill("form.write textarea", "A zeppelin over the harbour.")
    page.click("form.write .btn")
    mine = page.locator("#stream article").first
    mine.get_by_text("A zeppelin").wait_for()
    assert mine.locator(".pic img").get_attribute("alt") == "gold over navy"

    page.goto("/ines28")
    page.click(".prof .fo button")
    page.get_by_text("You follow @ines28.").wait_for()
    page.locator("#stream .like").first.click()
    page.get_by_text("You like this post.").wait_for()
    page.goto(f"/marenvoss/status/{site.scene.conversation.id}")
    page.fill("form.write textarea", "Without a script, too.")
    page.click("form.write .btn")
    page.goto(f"/marenvoss/status/{site.scene.conversation.id}")
    page.locator("#replies").get_by_text("Without a script, too.").wait_for()

    elsewhere(drain_committed)
    page.goto("/search")
    page.fill("main [name=q]", "zeppelin")
    page.press("main [name=q]", "Enter")
    page.locator("#stream").get_by_text("A zeppelin").wait_for()
    page.goto("/public")
    newest = page.locator("#stream article").first.get_attribute("id")
    page.click(".older a[rel=next]")
    page.wait_for_url("**/public?before=*")
    assert page.locator("main .older").count() == 1
    assert page.locator(f"[id='{newest}']").count() == 0

    page.goto("/settings/profile")
    page.fill("[name=bio]", "No script needed.")
    page.click("main .form .btn:not(.ghost)")
    page.get_by_text("Changes saved.").wait_for()
    page.goto("/plainjane")
    page.get_by_text("No script needed.").wait_for()
    _log_out(page)

    page.goto("/login")
    page.fill("[name=username]", "ines28")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/home")
    page.click(".rail [href='/notifications']")
    page.locator(".told").get_by_text("Plain Jane").first.wait_for()
    _log_out(page)


def _fill_sign_up(page, name):
    page.goto("/signup")
    page.fill("[name=name]", name)
    page.fill("[name=username]", name.replace(" ", "").lower())
    page.fill("[name=password]", "nothing moves here 1")


def _log_out(page):
    page.click(".rail .me summary")
    page.get_by_role("button", name="Log out").click()
    page.get_by_text("That is the idea.").wait_for()
    page.goto("/home")
    assert "/login" in page.url


def test_a_post_that_is_refused_keeps_its_text(tab, site):
    page = tab("dmitris")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add pictures").click()
    chooser.value.set_files({**PICTURE, "buffer": b"\xff\xd8\xff no picture"})
    page.locator(".shots li").wait_for()
    box = page.locator("form.write textarea")
    box.fill("With a picture that is none.")
    page.click("form.write .send .btn")

    page.locator("form.write .err").wait_for()
    assert box.input_value() == "With a picture that is none."
    # Chromium tells the console of the answer's status.
    tab.complaints[:] = [one for one in tab.complaints if "422" not in one]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_post_to_a_server_in_trouble_keeps_its_text(tab, site, status):
    page = tab("dmitris")
    page.route("**/compose", lambda route: route.fulfill(status=status, body="no"))
    box = page.locator("form.write textarea")
    box.fill("Say it once more.")
    box.press("Control+Enter")

    page.get_by_text("Not sent. Your text is safe.").wait_for()
    assert box.input_value() == "Say it once more."
    tab.complaints[:] = [one for one in tab.complaints if str(status) not in one]


def test_without_scripts_a_text_that_is_too_long_is_kept(tab, site):
    page = tab("dmitris", javascript=False)
    page.fill("form.write textarea", "x" * 300)
    page.click("form.write .send .btn")

    page.locator("form.write .err").wait_for()
    assert page.locator("form.write [name=text]").input_value() == "x" * 300
    tab.complaints[:] = [one for one in tab.complaints if "400" not in one]


def test_too_many_at_once_is_said_and_what_was_typed_stays(tab, site, elsewhere):
    one = ratelimit.allowance(rules.SIGNUP.name)
    bucket = one.bucket("i" + addresses.network_of("127.0.0.1"))
    is_over = threading.Event()

    def keep_empty():
        # It fills at once here: limits are very wide.
        while not is_over.is_set():
            full_at = int((time.time() + bucket.window_seconds) * 1_000_000)
            redis.state(0).set(bucket.key, full_at, ex=600)

    page = tab()
    _fill_sign_up(page, "One Too Many")
    emptying = threading.Thread(target=keep_empty)
    emptying.start()
    try:
        with page.expect_response("**/signup") as answer:
            page.click("main button")
    finally:
        is_over.set()
        emptying.join()

    assert answer.value.status == 429
    assert int(answer.value.headers["retry-after"]) > 0
    page.locator(".formerr[role=alert]").wait_for()
    assert page.input_value("[name=name]") == "One Too Many"
    elsewhere(lambda: redis.state(0).delete(bucket.key))
    tab.complaints[:] = [one for one in tab.complaints if "429" not in one]


def test_in_arabic_names_handles_and_dates_stand_alone(tab, site):
    page = tab("norafeld", width=390)
    page.goto("/language/ar?next=/home")
    for path in (
        "/home",
        f"/marenvoss/status/{site.scene.conversation.id}",
        "/marenvoss/followers",
    ):
        page.goto(path)
        loose = page.evaluate(
            """() => [...document.querySelectorAll("main .h, main .at, main time, main .nm")]
                .filter((one) => one.textContent.trim() && one.offsetParent)
                .filter((one) => !/isolate|plaintext/.test(getComputedStyle(one).unicodeBidi)
                    && !one.closest("bdi, [dir]:not(html)") && !one.querySelector("bdi, [dir]")
                    && one.children.length + one.parentElement.childNodes.length > 1)
                .map((one) => one.outerHTML.slice(0, 160))"""
        )
        assert loose == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_admin_works_under_its_policy(tab, site, elsewhere):
    nora = User.objects.filter(username="norafeld")
    elsewhere(lambda: nora.update(is_staff=True, is_superuser=True))
    try:
        page = tab("norafeld")
        answer = page.goto("/admin/users/user/")
        page.fill("input[name=q]", "quietbird")
        page.press("input[name=q]", "Enter")
        page.wait_for_url("**q=quietbird**")

        assert "'none'" in answer.headers["content-security-policy"]
        assert page.locator("#result_list tbody tr").count() == 1
        # Alpine has taken over what was hidden until then.
        page.wait_for_function("!document.querySelector('[x-cloak]')")
    finally:
        elsewhere(lambda: nora.update(is_staff=False, is_superuser=False))
