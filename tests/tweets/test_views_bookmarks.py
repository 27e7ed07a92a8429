"""The page of bookmarks and the button, with and without JavaScript."""

from apps.graph.services import block_user
from apps.infra import clock
from apps.tweets import services
from apps.tweets.models import Bookmark, Tweet
from apps.tweets.services_bookmarks import add_bookmark, remove_all_bookmarks
from apps.users.services import set_protected


def _post(author, text="hello", **how):
    return services.post_tweet(author_id=author.id, text=text, now=clock.now(), **how)


def _url(author, tweet, verb=""):
    return f"/{author.username}/status/{tweet.id}" + (f"/{verb}" if verb else "")


def _keep(user, *tweets):
    for tweet in tweets:
        add_bookmark(user_id=user.id, tweet_id=tweet.id, now=clock.now())


def test_a_post_is_kept_and_let_go_without_javascript(browser_as, alice, bob):
    post, browser = _post(alice, "worth it"), browser_as(bob)
    assert "Nothing saved yet" in browser.get("/bookmarks").text

    there = browser.post(_url(alice, post, "bookmark"), {"next": "/alice"}, follow=True)
    assert "Saved to your bookmarks." in there.text
    assert "worth it" in browser.get("/bookmarks").text

    browser.post(_url(alice, post, "unbookmark"), {"next": "/bookmarks"})
    assert "Nothing saved yet" in browser.get("/bookmarks").text


def test_with_htmx_the_row_comes_back_and_the_message_leads_to_the_page(browser_as, alice, bob):
    post = _post(alice)

    pressed = browser_as(bob).post(_url(alice, post, "bookmark"), htmx=True)

    assert 'class="acts"' in pressed.text
    assert f'formaction="{_url(alice, post, "unbookmark")}" aria-pressed="true"' in pressed.text
    assert "/bookmarks" in pressed.headers["HX-Trigger-After-Swap"]


def test_kept_last_comes_first_page_by_page(browser_as, alice, bob):
    posts = [_post(alice, f"number {n}.") for n in range(25)]
    _keep(bob, *posts)
    browser = browser_as(bob)

    first = browser.get("/bookmarks").text
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = browser.get(older).text

    assert first.index("number 24.") < first.index("number 23.")
    assert first.count("<article") == 20
    assert second.count("<article") == 5
    assert "number 0." in second


def test_nobody_sees_what_somebody_else_keeps(browser_as, browser, alice, bob, carol):
    _keep(bob, _post(alice, "a secret love"))

    assert "a secret love" not in browser_as(carol).get("/bookmarks").text
    assert "a secret love" not in browser_as(alice).get("/bookmarks").text
    assert browser.get("/bookmarks").headers["location"] == "/login?next=%2Fbookmarks"


def test_what_is_gone_or_closed_meanwhile_is_left_out(browser_as, alice, bob, carol):
    deleted, blocked, closed = (
        _post(alice, "deleted."),
        _post(alice, "open."),
        _post(carol, "shut."),
    )
    _keep(bob, deleted, blocked, closed)
    browser = browser_as(bob)
    services.delete_tweet(user_id=alice.id, tweet_id=deleted.id, now=clock.now())
    set_protected(user_id=carol.id, protected=True, now=clock.now())

    page = browser.get("/bookmarks").text
    assert "deleted." not in page
    assert "shut." not in page
    assert "open." in page

    block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())
    assert "open." not in browser.get("/bookmarks").text
    refused = browser.post(_url(alice, blocked, "bookmark"), htmx=True)
    assert refused.status_code == 403


def test_all_go_after_a_question_and_only_ones_own(browser_as, alice, bob, carol):
    posts = [_post(alice, f"{n}") for n in range(3)]
    _keep(bob, *posts)
    _keep(carol, posts[0])
    browser = browser_as(bob)

    assert "Remove all bookmarks?" in browser.get("/bookmarks/clear").text
    assert Bookmark.objects.count() == 4
    done = browser.post("/bookmarks/clear", {"next": "/bookmarks"}, follow=True)

    assert "3 bookmarks removed." in done.text
    assert [one.user_id for one in Bookmark.objects.all()] == [carol.id]
    counts = Tweet.objects.order_by("id").values_list("bookmark_count", flat=True)
    assert list(counts) == [1, 0, 0]


def test_more_than_one_transaction_takes_takes_them_all(monkeypatch, alice, bob):
    monkeypatch.setattr("apps.tweets.services_bookmarks.BATCH", 2)
    _keep(bob, *[_post(alice, f"{n}") for n in range(5)])

    assert remove_all_bookmarks(user_id=bob.id, now=clock.now()) == 5
    assert not Bookmark.objects.exists()
