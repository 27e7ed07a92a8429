"""Drafts: kept by themselves, bounded, for oneself alone, gone with the post that they become."""

import pytest

from apps.infra import clock
from apps.tweets import services_drafts
from apps.tweets.models import Draft, ScheduledPost, Tweet
from apps.tweets.services import post_tweet
from apps.tweets.services_composing import send
from apps.tweets.services_drafts import BadDraft, TooManyDrafts, save_draft
from tests.browsing import field
from tests.tweets.test_scheduled import HOUR, together


def save(author, *texts, key="k", **how):
    return save_draft(author_id=author.id, key=key, texts=texts, now=clock.now(), **how)


def kept():
    return [one.texts for one in Draft.objects.order_by("id")]


def test_a_form_has_one_draft_with_what_it_holds_last(alice):
    save(alice, "t")
    save(alice, "tea", "and then?", " ", "more", " ")
    save(alice, "another", key="other")

    assert kept() == [["tea", "and then?", "", "more"], ["another"]]


def test_it_may_be_longer_than_a_post(alice):
    save(alice, "x" * 4_000)

    assert len(kept()[0][0]) == 4_000


def test_a_form_without_words_keeps_nothing(alice):
    assert not save(alice, " ")
    assert save(alice, "words")
    assert not save(alice, "", "")
    assert kept() == []


@pytest.mark.parametrize(
    ("texts", "key"),
    [(["x" * 4_001], "k"), (["x"] * 26, "k"), (["a\x00b"], "k"), (["\ud800"], "k"), (["x"], ""),
     (["x"], "k" * 65), (["x"], "\x00")],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(alice, texts, key):
    with pytest.raises(BadDraft):
        save(alice, *texts, key=key)
    assert kept() == []


def test_one_person_has_so_many(alice, bob, monkeypatch):
    monkeypatch.setattr(services_drafts, "MAX_DRAFTS", 2)
    for key in ("1", "2"):
        save(alice, "x", key=key)

    with pytest.raises(TooManyDrafts):
        save(alice, "x", key="3")
    save(alice, "changed", key="2")
    save(bob, "x", key="3")
    assert kept() == [["x"], ["changed"], ["x"]]


def test_it_goes_with_the_post_and_does_not_come_back(alice):
    save(alice, "tea")
    save(alice, "other", key="other")

    send(author_id=alice.id, texts=["tea!"], key="k", now=clock.now())

    assert kept() == [["other"]]
    # What was on its way comes late.
    assert not save(alice, "tea")
    assert kept() == [["other"]]


def test_it_goes_with_a_post_that_waits(alice):
    save(alice, "tea")
    send(author_id=alice.id, texts=["tea!"], key="k", now=clock.now(),
         due_at=clock.now() + HOUR)  # fmt: skip

    assert kept() == []
    assert ScheduledPost.objects.count() == 1


def test_it_stays_where_the_post_is_refused(browser_as, alice):
    save(alice, "x" * 281)
    answer = browser_as(alice).post("/compose", {"text": "x" * 281, "key": "k"})

    assert answer.status_code == 400
    assert kept() == [["x" * 281]]


def test_a_save_beside_the_post_leaves_nothing(alice):
    for number in range(12):
        key = f"key {number}"
        save(alice, "te", key=key)
        together(
            lambda key=key: send(author_id=alice.id, texts=["tea"], key=key, now=clock.now()),
            lambda key=key: save(alice, "tea", key=key),
            lambda key=key: save(alice, "tea ", key=key),
        )
        assert kept() == []
    assert Tweet.objects.count() == 12


# ── The pages ────────────────────────────────────────────────────────────────


def test_the_form_is_kept_and_continued_on_another_device(browser_as, alice, bob):
    said = post_tweet(author_id=bob.id, text="tea?", now=clock.now())
    phone, desk = browser_as(alice), browser_as(alice)
    form = {"key": "k", "text": "yes,\r\nand", "more": ["then", ""], "reply_to": str(said.id)}

    answer = phone.post("/drafts/save", form, htmx=True)

    assert (answer.status_code, answer.content) == (204, b"")
    (draft,) = Draft.objects.all()
    assert f"/compose?draft={draft.id}" in desk.get("/drafts").text
    page = desk.get(f"/compose?draft={draft.id}")
    assert ">yes,\nand</textarea>" in page.text
    assert ">then</textarea>" in page.text
    assert field(page, "reply_to") == str(said.id)
    assert field(page, "key") == "k"
    desk.post("/compose", {"key": "k", "text": "yes", "reply_to": str(said.id)})
    assert kept() == []
    assert Tweet.objects.get(author_id=alice.id).in_reply_to_id == said.id


def test_without_javascript_a_button_saves(browser_as, alice):
    browser = browser_as(alice)
    page = browser.get("/compose")
    assert 'formaction="/drafts/save"' in page.text
    answer = browser.post("/drafts/save", {"text": "later", "key": field(page, "key")}, follow=True)

    assert "Draft saved." in answer.text
    assert kept() == [["later"]]


def test_it_is_deleted_from_the_list(browser_as, alice):
    save(alice, "tea")
    browser = browser_as(alice)

    answer = browser.post(f"/drafts/{Draft.objects.get().id}/delete", follow=True)

    assert "Draft deleted." in answer.text
    assert kept() == []
    assert "No drafts" in browser.get("/drafts").text


def test_drafts_of_others_are_not_there(browser_as, alice, bob):
    save(alice, "a secret")
    browser, draft = browser_as(bob), Draft.objects.get()

    assert "secret" not in browser.get("/drafts").text
    assert "secret" not in browser.get(f"/compose?draft={draft.id}").text
    browser.post(f"/drafts/{draft.id}/delete")
    # The same key in another's form is another draft.
    save(bob, "mine")
    assert kept() == [["a secret"], ["mine"]]


def test_markup_in_a_draft_is_shown_and_not_obeyed(browser_as, alice):
    save(alice, "</textarea><script>alert(1)</script>")
    browser = browser_as(alice)

    for path in ("/drafts", f"/compose?draft={Draft.objects.get().id}"):
        assert "<script>alert" not in browser.get(path).text
