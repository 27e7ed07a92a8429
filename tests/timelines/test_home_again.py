"""The home page from memory equals the one that Django makes, whatever has happened meanwhile."""

import re
import time
from types import SimpleNamespace

import httpx
import pytest
from django.contrib.sessions.models import Session

from apps.graph.services import block_user, follow_user, mute_user, unfollow_user
from apps.graph.services_words import mute_word
from apps.infra import clock
from apps.infra.stores import aioredis, cache
from apps.infra.web import compression
from apps.media.services.uploads import upload_once
from apps.notifications import queries as notifications
from apps.notifications.schemas import Unread
from apps.timelines import home_again
from apps.timelines.services.homes import rebuild_home
from apps.tweets import card_rows
from apps.tweets.models import Tweet
from apps.tweets.services import delete_tweet, like_tweet, post_tweet, retweet
from apps.tweets.services_bookmarks import add_bookmark
from apps.tweets.services_polls import checked_poll
from apps.users.models import User
from apps.users.services import set_language, set_protected, suspend_user, update_profile
from tests.browsing import field
from tests.factories import UserFactory
from tests.media.conftest import files, picture  # noqa: F401 - a fixture
from tests.trends.trending import trending

_CHANGING = re.compile(
    r'(name="csrfmiddlewaretoken" value="|name="key" value="|"X-CSRFToken": ?")[^"]+'
)


def say(author, text="Good morning.", **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how).id


class Reader:
    """Somebody's home, both ways."""

    def __init__(self, browser):
        self.browser = browser
        self.again = []

    def get(self, **headers):
        """The page as it comes; `again` has whether it came from memory."""
        made = len(self.again)
        page = self.browser._run(self.browser._client.get("/home", headers=headers))
        self.was_again = len(self.again) > made and self.again[-1]
        return page

    def both(self, **headers):
        """The page as it comes, after it was held against the one that Django makes."""
        page = self.get(**headers)
        was_again = self.was_again
        home_again._kept.clear()
        ordinary = self.get(**headers)
        assert not self.was_again
        assert plain(page) == plain(ordinary)
        self.was_again = was_again
        return page

    def settle(self):
        """Read until the page comes from memory."""
        for _ in range(6):
            self.get()
            if self.was_again:
                return
        raise AssertionError("never from memory")


def plain(page: httpx.Response):
    """All of an answer but what is another each time."""
    fixed = ("x-request-id", "date", "content-length")
    headers = [(name, text) for name, text in page.headers.multi_items() if name not in fixed]
    return page.status_code, headers, _CHANGING.sub(r"\1", page.text)


@pytest.fixture
def unheld(monkeypatch):
    """What was changed a moment ago is kept at once: nothing here waits for its five seconds."""
    monkeypatch.setattr(cache, "HOLD_SECONDS", 0.0)


@pytest.fixture
def reader(unheld, browser_as, alice, bob, carol, monkeypatch):
    """bob, whose home is full and comes from memory."""
    for who in (alice, carol):
        follow_user(follower_id=bob.id, followee_id=who.id, now=clock.now())
    for number in range(60):
        say(alice, f"{number} <b>☕</b>")
    rebuild_home(user_id=bob.id)
    found = Reader(browser_as(bob))
    real = home_again.HomeAgain._again

    async def noted(self, *args):
        page = await real(self, *args)
        found.again.append(page is not None)
        return page

    monkeypatch.setattr(home_again.HomeAgain, "_again", noted)
    time.sleep(0.01)
    found.settle()
    return found


def test_both_ways_give_the_same_page(reader):
    page = reader.both()

    assert reader.was_again
    assert page.headers["content-encoding"] in compression.ENCODERS
    assert page.text.count("<article") == 20


def test_tokens_and_keys_are_new_each_time(reader):
    found = {tuple(_token(reader.get().text)) for _ in range(3)}

    assert len(found) == 3


def _token(text):
    return re.findall(r'name="(?:csrfmiddlewaretoken|key)" value="([^"]+)"', text)[:2]


def rename(user, name):
    update_profile(user_id=user.id, name=name, bio="", location="", url="", now=clock.now())


def newest_of(alice, place=0):
    return Tweet.objects.filter(author_id=alice.id).order_by("-id")[place].id


DEEDS = {
    "deleted": lambda alice, bob: delete_tweet(
        user_id=alice.id, tweet_id=newest_of(alice, 2), now=clock.now()
    ),
    "renamed": lambda alice, bob: rename(alice, "Somebody <i>else</i>"),
    "renamed oneself": lambda alice, bob: rename(bob, "Bobby"),
    "liked": lambda alice, bob: like_tweet(
        user_id=bob.id, tweet_id=newest_of(alice), now=clock.now()
    ),
    "liked by another": lambda alice, bob: like_tweet(
        user_id=alice.id, tweet_id=newest_of(alice), now=clock.now()
    ),
    "kept": lambda alice, bob: add_bookmark(
        user_id=bob.id, tweet_id=newest_of(alice), now=clock.now()
    ),
    "passed on": lambda alice, bob: retweet(
        user_id=bob.id, tweet_id=newest_of(alice), now=clock.now()
    ),
    "muted": lambda alice, bob: mute_user(muter_id=bob.id, muted_id=alice.id, now=clock.now()),
    "blocked": lambda alice, bob: block_user(
        blocker_id=alice.id, blocked_id=bob.id, now=clock.now()
    ),
    "unfollowed": lambda alice, bob: unfollow_user(
        follower_id=bob.id, followee_id=alice.id, now=clock.now()
    ),
    "muted a word": lambda alice, bob: mute_word(
        user_id=bob.id, text="59", in_notifications=True, expires_at=None, now=clock.now()
    ),
    "protected": lambda alice, bob: set_protected(
        user_id=alice.id, protected=True, now=clock.now()
    ),
    "suspended": lambda alice, bob: suspend_user(user_id=alice.id, now=clock.now()),
    "language": lambda alice, bob: set_language(user_id=bob.id, lang="de", now=clock.now()),
    "followed": lambda alice, bob: follow_user(
        follower_id=bob.id, followee_id=UserFactory().id, now=clock.now()
    ),
}


@pytest.mark.parametrize("what", DEEDS)
def test_whatever_happens_shows_on_the_next_page(reader, alice, bob, what):
    before = plain(reader.get())
    assert reader.was_again

    DEEDS[what](alice, bob)

    after = reader.both()
    assert plain(after) != before or what == "followed"
    reader.both()


def test_what_trends_is_on_a_page_from_memory(reader):
    trending("#Tide")

    page = reader.both()

    assert reader.was_again
    assert "#Tide" in page.text.partition('<aside class="side"')[2]


def test_all_kinds_of_posts_come_from_memory_as_they_are(reader, alice, bob, carol, files):  # noqa: F811
    post = say(carol, "A plain one")
    reply = say(carol, "An answer", in_reply_to_id=newest_of(alice))
    say(carol, "A quote", quote_of_id=post)
    retweet(user_id=carol.id, tweet_id=newest_of(alice, 1), now=clock.now())
    media = upload_once(owner_id=alice.id, data=picture(), now=clock.now()).id
    with_picture = say(alice, "Look", media_ids=[media])
    say(carol, "Look there", quote_of_id=with_picture)
    rebuild_home(user_id=bob.id)

    reader.settle()
    page = reader.both()

    assert reader.was_again
    for text in ("A quote", "An answer", "Look there", f"/status/{reply}"):
        assert text in page.text
    delete_tweet(user_id=carol.id, tweet_id=post, now=clock.now())
    assert "A plain one" not in reader.both().text
    rename(alice, "Alice the second")
    assert "Alice the second" in reader.both().text


def test_a_poll_goes_the_ordinary_way(reader, alice, bob):
    say(alice, "?", poll=checked_poll(["tea", "coffee"], 5))
    rebuild_home(user_id=bob.id)

    assert "coffee" in [reader.get() for _ in range(4)][-1].text
    assert not reader.was_again


def test_what_the_browser_says_and_stores_counts(reader):
    for headers in ({"accept-language": "de"}, {"accept-encoding": "gzip"}, {"hx-request": "true"}):
        reader.both(**headers)
        reader.both()
    for name, value in (("theme", "dark"), ("lang", "de")):
        reader.browser.cookies.set(name, value, domain="testserver.local")
        reader.both()
        reader.both()
    made = len(reader.again)
    reader.browser.cookies.set("messages", "x", domain="testserver.local")
    reader.get()
    assert len(reader.again) == made


def test_a_badge_shows_at_once(reader, alice, bob, drain_outbox):
    before = reader.get().text
    assert reader.was_again
    say(UserFactory(), "Hello @bob")
    drain_outbox()
    assert frame(reader.both().text) != frame(before)


def test_nothing_but_the_badge_is_another(reader, bob):
    before = reader.get().text
    assert reader.was_again
    notifications._unread.put(bob.id, Unread(3, 0), started=time.monotonic())

    assert frame(reader.both().text) != frame(before)


def frame(text):
    return _CHANGING.sub(r"\1", text.partition('<div id="stream"')[0])


def test_a_log_out_in_another_process_holds_on_the_next_request(reader):
    key = reader.browser.cookies["sessionid"]
    (session,) = Session.objects.filter(session_key=key)

    session.delete()

    page = reader.get()
    assert page.status_code == 302
    assert page.headers["location"].startswith("/login")


def test_a_reader_who_is_suspended_is_out(reader, bob):
    suspend_user(user_id=bob.id, now=clock.now())

    assert reader.get().status_code == 302


def test_a_new_password_ends_the_page(reader, bob):
    user = User.objects.get(pk=bob.id)
    user.set_password("Another-one-1234")
    user.save()

    assert reader.get().status_code == 302


def test_without_redis_the_ordinary_way_answers(reader, monkeypatch):
    async def away(_trip):
        raise aioredis.RedisDown("away")

    monkeypatch.setattr("apps.timelines.home_read.open_home", away)
    assert reader.browser.get("/home").status_code in (200, 503)
    assert not reader.again[-1]


def test_whoever_has_another_token_posts_with_it(reader):
    page = reader.get()
    assert reader.was_again
    token = _token(page.text)[0]

    answer = reader.browser.post(
        "/compose", {"csrfmiddlewaretoken": token, "text": "By hand", "key": field(page, "key")}
    )

    assert answer.status_code == 302
    assert Tweet.objects.filter(text="By hand").exists()


def test_nobody_gets_the_page_of_another(reader, browser_as, carol):
    other = Reader(browser_as(carol))

    assert 'data-me="carol"' in other.get().text
    assert 'data-me="bob"' in reader.get().text


def test_times_pass(reader, monkeypatch):
    reader.get()
    assert reader.was_again
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 3_700)
    monkeypatch.setattr(card_rows, "time", later)

    reader.get()

    assert not reader.was_again
