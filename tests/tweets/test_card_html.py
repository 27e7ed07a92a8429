"""Kept pieces of pages: never older than what they show, never anybody else's."""

import re

import pytest
from django.middleware import csrf

from apps.infra import clock
from apps.infra.web import shells
from apps.tweets import card_html
from apps.tweets.services import delete_tweet, like_tweet, post_tweet, retweet
from apps.users.services import update_profile
from tests.factories import UserFactory


def say(author, text="Good morning.", **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how).id


def rename(user, name):
    update_profile(user_id=user.id, name=name, bio="", location="", url="", now=clock.now())


@pytest.fixture
def made(monkeypatch):
    """How often a card was made and not taken from what is kept."""
    calls = []
    real = card_html._made

    def counted(card, *where):
        calls.append(card)
        return real(card, *where)

    monkeypatch.setattr(card_html, "_made", counted)
    return calls


def articles(page):
    return re.findall(r"<article.*?</article>", page.text, re.DOTALL)


def test_a_card_is_made_once_for_all_readers(made, browser_as, alice, bob, carol):
    say(alice)
    first = articles(browser_as(bob).get("/public"))
    count = len(made)

    second = articles(browser_as(carol).get("/public"))

    assert first == second
    assert len(made) == count == 1


def test_visitors_and_members_get_other_cards(browser, browser_as, alice, bob):
    say(alice)
    mine, visitors = browser_as(bob).get("/public"), browser.get("/public")

    assert "/login?next=" not in articles(mine)[0]
    assert "/login?next=" in articles(visitors)[0]


def test_a_like_shows_to_the_one_as_theirs_and_to_the_other_as_a_number(
    browser_as, alice, bob, carol
):
    post = say(alice)
    bobs, carols = browser_as(bob), browser_as(carol)
    bobs.get("/public")
    carols.get("/public")

    like_tweet(user_id=bob.id, tweet_id=post, now=clock.now())

    liked, plain = articles(bobs.get("/public"))[0], articles(carols.get("/public"))[0]
    assert f"/status/{post}/unlike" in liked
    assert f"/status/{post}/like" in plain
    assert all(re.search(r'"num">1</span>', one) for one in (liked, plain))


def test_a_new_name_shows_at_once(browser_as, alice, bob):
    say(alice)
    browser = browser_as(bob)
    browser.get("/public")

    rename(alice, "Alice <b>the Second</b>")

    assert "Alice &lt;b&gt;the Second&lt;/b&gt;" in articles(browser.get("/public"))[0]


def test_a_deleted_quote_goes_at_once(browser_as, alice, bob):
    quoted = say(alice, "the words")
    say(alice, "look", quote_of_id=quoted)
    browser = browser_as(bob)
    assert "the words" in articles(browser.get("/public"))[0]

    delete_tweet(user_id=alice.id, tweet_id=quoted, now=clock.now())

    assert "the words" not in articles(browser.get("/public"))[0]


def test_time_passes(browser_as, alice, bob, monkeypatch):
    say(alice)
    browser = browser_as(bob)
    assert ">now</time>" in articles(browser.get("/public"))[0]
    monkeypatch.setattr(card_html, "_fresh_seconds", lambda card: -1.0)
    card_html._kept.clear()

    assert ">now</time>" in articles(browser.get("/public"))[0]
    assert ">now</time>" in articles(browser.get("/public"))[0]


@pytest.mark.parametrize(
    ("past", "expected"),
    [(0, 60), (59, 1), (61, 59), (3_599, 1), (3_600, 3_600), (5_400, 1_800), (90_000, 3_600)],
)
def test_until_when_a_time_is_right(past, expected):
    from datetime import timedelta

    now = clock.now()

    assert card_html._to_next_step(now - timedelta(seconds=past), now) == pytest.approx(expected)


def test_one_post_keeps_a_bounded_number_of_pieces(browser_as, alice, bob, monkeypatch):
    monkeypatch.setattr(card_html, "MAX_VARIANTS", 2)
    post = say(alice)
    people = [UserFactory(username=f"who{n}") for n in range(5)]
    for one in people:
        retweet(user_id=one.id, tweet_id=post, now=clock.now())
        browser_as(bob).get(f"/who{people.index(one)}")

    kept = card_html._kept.get(post)
    assert kept is not None
    assert len(kept) <= 2


class TestShell:
    def test_two_requests_have_two_tokens_and_two_keys(self, browser_as, bob):
        browser = browser_as(bob)
        first, second = (browser.get("/home").text for _ in range(2))

        for name in ("csrfmiddlewaretoken", "key"):
            values = re.findall(rf'name="{name}" value="([^"]+)"', first + second)
            assert len(set(values)) == 2

    def test_the_kept_page_equals_the_made_one(self, browser_as, alice, bob, monkeypatch):
        say(bob, "one <i>two</i>")
        browser = browser_as(bob)
        kept = [browser.get("/home").text for _ in range(2)][1]
        monkeypatch.setattr("apps.infra.web.pages._has_messages", lambda request: True)

        made = browser.get("/home").text

        token = r'(name="(?:csrfmiddlewaretoken|key)" value=")[^"]+'
        assert re.sub(token, r"\1", kept) == re.sub(token, r"\1", made)

    def test_forms_of_a_kept_page_work(self, browser_as, bob):
        browser = browser_as(bob)
        page = [browser.get("/home").text for _ in range(2)][1]
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page))

        answer = browser.post("/compose", {"text": "Hello", "csrfmiddlewaretoken": token})

        assert answer.status_code == 302

    def test_theme_and_name_show_at_once(self, browser_as, bob):
        browser = browser_as(bob)
        browser.get("/home")
        browser.cookies.set("theme", "dark")
        rename(bob, "Robert")

        page = browser.get("/home").text

        assert 'data-theme="dark"' in page
        assert '<bdi class="nm">Robert</bdi>' in page

    def test_nobody_sees_the_page_of_another(self, browser_as, alice, bob):
        bobs, alices = browser_as(bob), browser_as(alice)
        bobs.get("/home")

        assert f'data-me="{alice.username}"' in alices.get("/home").text
        assert f'data-me="{bob.username}"' in bobs.get("/home").text

    def test_what_a_form_said_shows_once(self, browser_as, bob):
        browser = browser_as(bob)
        browser.get("/home")
        browser.post("/compose", {"text": "", "next": "/home"})
        browser.post("/nobody_here/follow", {"next": "/home"})

        said, silent = browser.get("/home").text, browser.get("/home").text

        assert 'class="toast' in said
        assert 'class="toast' not in silent

    def test_a_token_is_what_django_takes_for_one(self, rf):
        request = rf.get("/")
        request.META["CSRF_COOKIE"] = "aZ09" * 8
        tokens = {shells._token(request) for _ in range(100)}

        assert len(tokens) == 100
        matches = vars(csrf)["_does_token_match"]
        assert all(matches(token, "aZ09" * 8) for token in tokens)
        assert not any(matches(token, "bZ09" * 8) for token in tokens)
