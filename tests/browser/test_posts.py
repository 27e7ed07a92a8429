"""What a post opens and what the compose box offers, by mouse and keyboard."""

import pytest

from tests.browser.test_accessible import _complaints, axe  # noqa: F401 - a fixture
from tests.media.conftest import picture

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def _file(name, size):
    return {"name": name, "mimeType": "image/jpeg", "buffer": picture(size=size)}


def test_a_menu_opens_walks_and_closes_by_keyboard(tab, site):
    page = tab("norafeld")
    more = page.locator("#stream .menu > a").first
    more.focus()
    page.keyboard.press("Enter")
    page.locator("#stream .menu.open .mi").first.wait_for()
    assert more.get_attribute("aria-expanded") == "true"

    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Quote"
    page.keyboard.press("Escape")

    assert page.locator("#stream .pop").count() == 0
    assert page.evaluate("document.activeElement.matches('[data-menu]')")
    assert page.url.endswith("/home")


def test_retweet_or_quote_is_asked_and_the_key_retweets_at_once(tab, site):
    page = tab("amarad")
    page.goto(f"/marenvoss/status/{site.scene.conversation.id}", wait_until="networkidle")
    page.locator(".focal .act.rt").click()
    page.locator(".focal .of-act").get_by_role("link", name="Quote").click()
    page.locator("#sheet[open] .quote").get_by_text("mudflat").wait_for()
    page.keyboard.press("Escape")

    page.locator(".focal").focus()
    with page.expect_response("**/retweet"):
        page.keyboard.press("t")
    page.locator(".focal .act.rt[aria-pressed=true]").wait_for()
    with page.expect_response("**/unretweet"):
        page.locator(".focal .act.rt").click()
    page.locator(".focal .act.rt[aria-pressed=false]").wait_for()


def test_a_bookmark_answers_at_once_and_the_key_works(tab, site):
    page = tab("olub")
    page.keyboard.press("j")
    with page.expect_response("**/bookmark"):
        page.keyboard.press("b")
    page.get_by_text("Saved to your bookmarks.").wait_for()
    first = page.locator("#stream article").first
    assert first.locator(".bm").get_attribute("aria-pressed") == "true"

    page.route("**/unbookmark", lambda route: route.abort())
    first.locator(".bm").click()
    page.get_by_text("That did not go through.").wait_for()
    assert first.locator(".bm").get_attribute("aria-pressed") == "true"
    tab.complaints.clear()


def test_pictures_open_in_a_box_and_arrows_go_through_them(tab, site, axe):  # noqa: F811
    page = tab("norafeld")
    page.goto("/dmitris", wait_until="networkidle")
    link = page.locator(".pics.p3 .pic > a").first
    link.click()
    page.locator(".light[open] figcaption").get_by_text("1 / 3").wait_for()
    assert _complaints(page, axe, "picture box") == []

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.locator(".light figcaption").get_by_text("3 / 3").wait_for()
    assert page.locator(".light img").get_attribute("alt") == "Two colours, as on a test sheet"
    page.keyboard.press("Escape")

    assert page.locator(".light[open]").count() == 0
    assert page.evaluate("document.activeElement.matches('.pic > a')")
    page.locator(".alt summary").first.click()
    page.locator(".alt[open] p").first.wait_for()
    assert page.url.endswith("/dmitris")


def test_names_are_completed_while_one_writes(tab, site):
    page = tab("norafeld")
    page.keyboard.press("n")
    box = page.locator("#sheet[open] [name=text]")
    box.press_sequentially("Printed by @haru")
    page.locator("#sheet .complete [aria-selected=true]").get_by_text("haruka").wait_for()
    assert box.get_attribute("aria-activedescendant") == "complete-1"
    box.press("Tab")

    assert box.input_value() == "Printed by @haruka_kappan "
    box.press_sequentially("and @pan")
    page.locator("#sheet .complete [role=option]").nth(1).wait_for()
    box.press("Escape")
    assert page.locator(".complete").count() == 0
    assert page.locator("#sheet[open]").count() == 1
    box.press_sequentially("ce at 10:30 :tad")
    page.locator("#sheet .complete [aria-selected=true]").get_by_text("party popper").wait_for()
    box.press("Enter")
    assert box.input_value() == "Printed by @haruka_kappan and @pance at 10:30 🎉 "
    box.fill("")


def test_chosen_pictures_are_shown_described_and_taken_out_again(tab, site, axe):  # noqa: F811
    page = tab("jonasl")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add pictures").click()
    chooser.value.set_files([_file("a.jpg", (320, 200)), _file("b.jpg", (200, 320))])
    page.locator(".shots li").nth(1).wait_for()
    assert page.locator("[data-ask]").is_disabled()
    assert _complaints(page, axe, "pictures chosen") == []

    page.get_by_label("Description", exact=True).nth(1).fill("the tall one")
    page.get_by_role("button", name="Remove this picture").first.click()
    assert page.locator(".shots li").count() == 1
    page.locator(".write .btn").click()

    image = page.locator("#stream .tw .pic img").first
    image.wait_for()
    assert image.get_attribute("alt") == "the tall one"
    assert page.locator("#stream article").first.locator(".pic").count() == 1
    assert page.locator(".shots li").count() == 0


def test_what_is_no_picture_is_refused_before_it_is_sent(tab, site):
    page = tab("jonasl")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add pictures").click()
    chooser.value.set_files({"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"})

    page.get_by_text("Only pictures can be added").wait_for()
    assert page.locator(".shots li").count() == 0


def test_pictures_are_dropped_and_pasted(tab, site):
    page = tab("jonasl")
    for name in ("paste", "drop"):
        page.evaluate(
            """async (name) => {
              const canvas = document.createElement("canvas");
              canvas.width = canvas.height = 40;
              const bits = await new Promise((done) => canvas.toBlob(done, "image/png"));
              const data = new DataTransfer();
              data.items.add(new File([bits], "a.png", { type: "image/png" }));
              const how = { bubbles: true, cancelable: true };
              const event = name === "paste"
                ? new ClipboardEvent(name, { ...how, clipboardData: data })
                : new DragEvent(name, { ...how, dataTransfer: data });
              document.querySelector(".write textarea").dispatchEvent(event);
            }""",
            name,
        )
    page.locator(".shots li").nth(1).wait_for()


def test_a_list_is_made_and_filled_from_a_profile(tab, site):
    page = tab("pan_tomas")
    page.goto("/lists/new")
    page.get_by_label("Name").fill("Bakers")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("List saved.").wait_for()

    page.goto("/panarriaga")
    page.locator(".prof summary").click()
    page.get_by_role("link", name="Put @panarriaga on a list").click()
    page.locator("#sheet[open]").get_by_label("Bakers").check()
    page.locator("#sheet").get_by_role("button", name="Save").click()
    page.get_by_text("Your lists are saved.").wait_for()
    page.goto("/lists")
    page.get_by_role("link", name="Bakers").first.click()
    page.get_by_text("Primera hornada").wait_for()


def test_a_mute_is_undone_from_its_message(tab, site):
    page = tab("haruka_kappan")
    page.goto("/ines28", wait_until="networkidle")
    page.locator("#stream .menu > a").first.click()
    page.locator(".menu.open").get_by_role("button", name="Mute @ines28").click()
    page.get_by_text("You will not see @ines28 for now.").wait_for()
    with page.expect_response("**/unmute"):
        page.get_by_role("button", name="Undo").click()
    page.get_by_text("You see @ines28 again.").wait_for()
    assert page.url.endswith("/ines28")
