"""What a person does, with keys and mouse, with and without JavaScript.

One site serves all tests of this module, in any order: each leaves what the others look at alone.
"""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def _focal(site):
    return f"/marenvoss/status/{site.scene.conversation.id}"


def test_a_post_from_home_appears_at_the_top_and_the_box_is_empty_again(tab, site):
    page = tab("norafeld")
    box = page.locator("form.write.inline textarea")
    box.fill("Proof is back <b>from</b> Kanazawa.")
    box.press("Control+Enter")

    first = page.locator("#stream article").first
    first.get_by_text("Proof is back <b>from</b> Kanazawa.").wait_for()
    page.get_by_text("Your post is out.").wait_for()
    assert box.input_value() == ""
    assert page.url.endswith("/home")


def test_impatient_sending_posts_once(tab, site):
    page = tab("norafeld")
    box = page.locator("form.write.inline textarea")
    box.fill("Only once, please.")
    page.evaluate(
        "() => { const form = document.querySelector('.write');"
        " form.requestSubmit(); form.requestSubmit(); form.requestSubmit(); }"
    )
    page.get_by_text("Your post is out.").wait_for()
    page.reload()

    assert page.get_by_text("Only once, please.").count() == 1


def test_a_text_that_is_too_long_stays_and_the_ring_says_by_how_much(tab, site):
    page = tab("norafeld")
    asked = []
    page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[1]))
    box = page.locator("form.write.inline textarea")
    box.fill("x" * 287)

    assert page.locator(".write .left").inner_text() == "-7"
    assert page.locator(".write .btn").get_attribute("aria-disabled") == "true"
    with page.expect_event("requestfinished", lambda r: r.url.endswith("/about?keys")):
        box.press("Control+Enter")
        # Whatever the form asked for would be asked for before this.
        page.locator("#main h1").click()
        page.keyboard.press("?")
    assert "compose" not in asked
    assert box.input_value() == "x" * 287


def test_the_ring_weighs_addresses_emoji_and_east_asian_scripts_as_the_server_does(tab, site):
    page = tab("norafeld")
    box = page.locator("form.write.inline textarea")
    box.fill("日" * 129 + " 👨‍👩‍👧‍👦")
    assert page.locator(".write .left").inner_text() == "19"

    with page.expect_response(lambda answer: "tlds" in answer.url):
        box.fill("x" * 238 + " https://example.com/" + "y" * 400)

    page.locator(".write .left").get_by_text("18", exact=True).wait_for()
    assert page.locator(".write .btn").get_attribute("aria-disabled") == "false"
    box.fill("")


def test_a_post_that_does_not_reach_the_server_keeps_its_text(tab, site):
    page = tab("norafeld")
    page.route("**/compose", lambda route: route.abort())
    box = page.locator("form.write.inline textarea")
    box.fill("Are you there?")
    box.press("Control+Enter")

    page.get_by_text("Not sent. Your text is safe.").wait_for()
    assert box.input_value() == "Are you there?"
    page.unroute("**/compose")
    page.get_by_role("button", name="Retry").click()
    page.get_by_text("Your post is out.").wait_for()
    # Chromium tells the console of the request that the test refused.
    tab.complaints.clear()


def test_like_answers_at_once_and_holds_after_a_reload(tab, site):
    page = tab("norafeld")
    post = page.locator("article", has_text="Site canteen").first
    button = post.locator(".like")
    assert button.get_attribute("aria-pressed") == "false"
    before = int(button.locator(".num").inner_text())

    with page.expect_response("**/like"):
        button.click()
    post.locator(".like[aria-pressed=true]").wait_for()
    assert int(button.locator(".num").inner_text()) == before + 1
    page.reload()
    assert button.get_attribute("aria-pressed") == "true"

    with page.expect_response("**/unlike"):
        button.click()
    post.locator(".like[aria-pressed=false]").wait_for()


def test_a_like_that_fails_is_taken_back_with_a_message(tab, site):
    page = tab("norafeld")
    page.route("**/like", lambda route: route.abort())
    button = page.locator("article", has_text="Kerning is").first.locator(".like")
    button.click()

    page.get_by_text("That did not go through.").wait_for()
    assert button.get_attribute("aria-pressed") == "false"
    tab.complaints.clear()


def test_follow_and_unfollow_change_the_button_alone(tab, site):
    page = tab("norafeld")
    page.goto("/ines28")
    page.get_by_role("button", name="Follow @ines28").first.click()
    page.locator(".prof").get_by_role("button", name="Following @ines28: unfollow").wait_for()
    page.locator(".prof").get_by_role("button", name="Following @ines28: unfollow").click()
    page.locator(".prof").get_by_role("button", name="Follow @ines28", exact=True).wait_for()
    assert page.url.endswith("/ines28")


def test_keys_walk_like_reply_and_close(tab, site):
    page = tab("olub")
    page.locator("#main h1").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator("#stream article").nth(1)
    assert page.evaluate("document.activeElement.id") == second.get_attribute("id")

    page.keyboard.press("l")
    second.locator(".like[aria-pressed=true]").wait_for()
    page.keyboard.press("k")
    page.keyboard.press("r")
    page.locator("#sheet[open] [name=text]").wait_for()
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.keyboard.press("Escape")
    page.locator("#sheet:not([open])").wait_for(state="attached")
    page.keyboard.press("?")
    page.locator("#sheet[open]").get_by_text("next and previous post").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/olub")


def test_a_reply_from_the_dialog_stands_under_its_post(tab, site):
    page = tab("norafeld")
    page.goto(_focal(site))
    page.locator(".focal .act").first.click()
    page.locator("#sheet[open] [name=text]").fill("I want to hear that.")
    page.locator("#sheet .btn").click()

    page.locator("#replies").get_by_text("I want to hear that.").wait_for()
    page.locator("#sheet:not([open])").wait_for(state="attached")


def test_delete_asks_in_a_dialog_and_then_it_is_gone(tab, site):
    page = tab("norafeld")
    box = page.locator("form.write.inline textarea")
    box.fill("A slip of the pen.")
    box.press("Control+Enter")
    mine = page.locator("#stream article").first
    mine.get_by_text("A slip of the pen.").wait_for()
    mine.locator(".menu > a").click()
    mine.get_by_role("link", name="Delete").click()
    page.locator("#sheet[open]").get_by_text("Delete this post?").wait_for()
    page.locator("#sheet").get_by_role("button", name="Delete").click()

    page.get_by_text("Post deleted.").wait_for()
    assert page.get_by_text("A slip of the pen.").count() == 0


def test_everything_works_without_javascript(tab, site):
    page = tab("pan_tomas", javascript=False)
    page.locator("form.write.inline textarea").fill("By hand.")
    page.locator("form.write.inline .btn").click()
    page.locator("#stream").get_by_text("By hand.").wait_for()

    liked = page.locator("#stream article").nth(2)
    liked.locator(".like").click()
    page.get_by_text("You like this post.").wait_for()
    assert (
        page.locator("#stream article").nth(2).locator(".like").get_attribute("aria-pressed")
        == "true"
    )

    mine = page.locator("#stream article").first
    mine.locator(".menu > a").click()
    page.locator("#main").get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("Post deleted.").wait_for()

    page.goto("/amarad")
    page.locator(".prof").get_by_role("button", name="Follow @amarad").click()
    page.get_by_text("You follow @amarad.").wait_for()
    page.locator(".rail .menu summary").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_text("That is the idea.").wait_for()


def test_the_theme_chosen_holds_against_the_device(tab, site):
    page = tab("norafeld", theme="light")
    page.goto("/settings/appearance")
    page.get_by_text("Dark", exact=True).click()
    page.get_by_role("button", name="Save changes").click()
    page.get_by_text("Changes saved.").wait_for()

    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(11, 17, 17)"
