"""Completion in the compose box: people one follows first, tags of the moment."""

import pytest

from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.search import completing
from apps.tweets.services import post_tweet
from apps.users.services import set_protected, suspend_user
from tests.factories import UserFactory


@pytest.fixture(autouse=True)
def _forget():
    completing.known_tags.forget()


def _ask(browser, text):
    return browser.get("/compose/complete?q=" + text.replace("@", "%40").replace("#", "%23"))


def _values(answer):
    return [part.split('"')[0] for part in answer.text.split('data-value="')[1:]]


def test_those_one_follows_come_before_those_whom_many_follow(browser_as, bob):
    star = UserFactory.create(username="harbour", followers_count=9_000)
    friend = UserFactory.create(username="haruka", name="佐々木 遥")
    follow_user(follower_id=bob.id, followee_id=friend.id, now=clock.now())

    answer = _ask(browser_as(bob), "@har")

    assert _values(answer) == ["@haruka", f"@{star.username}"]
    assert answer.text.count("you follow") == 1
    assert "佐々木 遥" in answer.text


def test_names_of_blocked_and_suspended_people_are_not_offered(browser_as, bob):
    for name in ("hana", "hank", "hans"):
        UserFactory.create(username=name)
    people = {one: UserFactory.create(username=one) for one in ("harry", "harvey")}
    block_user(blocker_id=people["harry"].id, blocked_id=bob.id, now=clock.now())
    suspend_user(user_id=people["harvey"].id, now=clock.now())

    assert _values(_ask(browser_as(bob), "@har")) == []


@pytest.mark.parametrize("text", ["", "@", "#", "har", "@%", "@_", "@\\", "@%00x"])
def test_strange_questions_give_nothing(browser_as, bob, text):
    UserFactory.create(username="harbour")

    answer = browser_as(bob).get(f"/compose/complete?q={text}")

    assert answer.status_code == 200
    assert answer.text == ""


def test_tags_that_are_used_most_come_first_and_those_of_closed_posts_never(browser_as, alice, bob):
    for text in ("#Waves", "#walks now", "#walks again", "and #tea"):
        post_tweet(author_id=bob.id, text=text, now=clock.now())
    post_tweet(author_id=alice.id, text="#wasps", now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())

    assert _values(_ask(browser_as(bob), "#WA")) == ["#walks", "#Waves"]


def test_visitors_get_nothing(browser):
    assert "/login" in _ask(browser, "@har").headers["location"]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (":joy", "😂"), (":party", "🥳"), (":tad", "🎉"), (":thumbsup", "👍"), (":%2B1", "👍"),
        (":octo", "🐙"), (":Heart", "❤\ufe0f"), (":sleeping_face", "😴"), (":cat_face", "🐱"),
    ],
)  # fmt: skip
def test_emoji_are_found_by_what_people_call_them(browser_as, bob, text, first):
    answer = browser_as(bob).get(f"/compose/complete?q={text}")

    assert _values(answer)[0] == first
    assert len(_values(answer)) <= completing.LIMIT


def test_an_emoji_is_offered_with_its_name(browser_as, bob):
    text = _ask(browser_as(bob), ":wave").text

    assert 'data-value="👋"' in text
    assert "waving hand sign" in text


@pytest.mark.parametrize("text", [":", ":-D", ":)", ":zzzz", ":<b>"])
def test_not_every_colon_begins_an_emoji(browser_as, bob, text):
    assert _ask(browser_as(bob), text).text == ""
