"""The tabs of search: what is ranked how, and what none of them shows."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.media.services.uploads import upload_once
from apps.search import top
from apps.tweets.services import delete_tweet, like_tweet, post_tweet, retweet
from apps.users.services import set_protected, suspend_user
from tests.factories import UserFactory
from tests.media.conftest import files, picture  # noqa: F401 - a fixture
from tests.search.test_plain import TWEET

RECENT = "/2/tweets/search/recent"


def say(author, text, **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how).id


@pytest.fixture
def ranked(api_as, bob):
    """The ids of a query in the order of relevancy, all pages of ten."""

    def ask(query):
        client, found = api_as(bob), []
        token: dict[str, str] = {}
        while True:
            asked = urlencode(
                {"query": query, "sort_order": "relevancy", "max_results": "10"} | token
            )
            answer = client.get(f"{RECENT}?{asked}").json()
            found += [int(one["id"]) for one in answer.get("data", [])]
            if "next_token" not in answer["meta"]:
                return found
            token = {"next_token": answer["meta"]["next_token"]}

    return ask


def test_what_people_like_and_pass_on_stands_above_what_is_newer(
    ranked, alice, bob, carol, drain_outbox
):
    quiet, liked, passed_on, new = (say(alice, f"wave {number}") for number in range(4))
    like_tweet(user_id=bob.id, tweet_id=liked, now=clock.now())
    for reader in (bob, carol):
        retweet(user_id=reader.id, tweet_id=passed_on, now=clock.now())
    drain_outbox()

    assert ranked("wave -is:retweet") == [passed_on, liked, new, quiet]


def test_a_day_counts_as_much_as_twice_as_many():
    now, quiet = clock.now(), replace(TWEET, reply_count=0, retweet_count=0, quote_count=0)
    new = replace(quiet, created_at=now, like_count=7)
    old = replace(quiet, created_at=now - timedelta(days=1), like_count=15)
    older = replace(quiet, created_at=now - timedelta(days=2), like_count=30)

    assert top.score(new) == pytest.approx(top.score(old))
    assert top.score(older) < top.score(old)


def test_pages_neither_repeat_nor_skip_while_others_post(
    api_as, alice, bob, drain_outbox, monkeypatch
):
    posts = [say(alice, f"wave {number}") for number in range(25)]
    for tweet_id in posts[::5]:
        like_tweet(user_id=bob.id, tweet_id=tweet_id, now=clock.now())
    drain_outbox()
    client, seen, token = api_as(bob), [], ""
    for page in range(3):
        answer = client.get(
            f"{RECENT}?query=wave&sort_order=relevancy&max_results=10{token}"
        ).json()
        ids = [int(one["id"]) for one in answer["data"]]
        assert int(answer["meta"]["newest_id"]) == max(ids)
        assert int(answer["meta"]["oldest_id"]) == min(ids)
        seen += ids
        token = f"&next_token={answer['meta'].get('next_token')}"
        say(alice, f"wave meanwhile {page}")
        drain_outbox()

    assert token == "&next_token=None"
    assert seen[:5] == posts[::5][::-1]
    assert sorted(seen) == posts


def test_so_many_of_the_newest_are_ranked(ranked, alice, bob, drain_outbox, monkeypatch):
    monkeypatch.setattr(top, "CANDIDATES", 15)
    posts = [say(alice, f"wave {number}") for number in range(20)]
    like_tweet(user_id=bob.id, tweet_id=posts[0], now=clock.now())
    drain_outbox()

    assert ranked("wave") == posts[5:][::-1]


@pytest.mark.parametrize("rank", ["-1", "x", "9" * 30, "²", "401"])
def test_a_made_up_place_is_no_error(browser, alice, drain_outbox, rank):
    say(alice, "salt wind")
    drain_outbox()

    assert browser.get(f"/search?{urlencode({'q': 'wind', 'rank': rank})}").status_code == 200


@pytest.mark.usefixtures("files")
def test_the_tabs_of_the_page(browser, alice, bob, drain_outbox):
    liked = say(alice, "wave first")
    say(alice, "wave second")
    media = upload_once(owner_id=alice.id, data=picture(), now=clock.now())
    say(alice, "wave with a picture", media_ids=[media.id])
    like_tweet(user_id=bob.id, tweet_id=liked, now=clock.now())
    drain_outbox()

    def order(shelf):
        page = browser.get(f"/search?q=wave{shelf}").text
        words = ["first", "second", "with a picture"]
        places = {one: page.find(f"wave</mark> {one}") for one in words}
        return sorted((one for one in words if places[one] >= 0), key=places.__getitem__)

    assert order("") == order("&f=top") == order("&f=nonsense") == [
        "first", "with a picture", "second",
    ]  # fmt: skip
    assert order("&f=live") == ["with a picture", "second", "first"]
    assert order("&f=media") == ["with a picture"]
    assert "No pictures or videos found" in browser.get("/search?q=calm&f=media").text


def test_people_are_a_tab_with_pages(browser, world):
    for number in range(25):
        UserFactory(username=f"walker{number:02d}")

    def middle(page):
        return page.split('id="stream"')[1].split("<aside")[0]

    first = browser.get("/search?q=walk&f=user").text
    assert first.count('href="/walker') >= 20
    following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = browser.get(following.replace("&amp;", "&")).text

    names = [f"@walker{number:02d}" for number in range(25)]
    assert all((name in middle(first)) != (name in middle(second)) for name in names)
    assert "Nobody found" in browser.get("/search?q=xyzzy&f=user").text


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("how", ["blocked", "protected", "deleted", "suspended"])
@pytest.mark.parametrize(
    "path", ["/search?q=heron&f=top", "/search?q=heron&f=live", "/search?q=heron&f=media",
             f"{RECENT}?query=heron&sort_order=relevancy", f"{RECENT}?query=heron"],
)  # fmt: skip
def test_no_tab_shows_what_one_may_not_see(
    browser_as,
    api_as,
    alice,
    bob,
    drain_outbox,
    how,
    path,
):
    media = upload_once(owner_id=alice.id, data=picture(), now=clock.now())
    tweet_id = say(alice, "heron canary", media_ids=[media.id])
    drain_outbox()
    reader = api_as(bob) if path.startswith("/2/") else browser_as(bob)
    assert b"canary" in reader.get(path).content

    if how == "blocked":
        block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())
    elif how == "protected":
        set_protected(user_id=alice.id, protected=True, now=clock.now())
    elif how == "deleted":
        delete_tweet(user_id=alice.id, tweet_id=tweet_id, now=clock.now())
    else:
        suspend_user(user_id=alice.id, now=clock.now())

    assert b"canary" not in reader.get(path).content


def test_a_follower_finds_what_is_protected(browser_as, alice, bob, drain_outbox):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    say(alice, "heron canary")
    drain_outbox()

    assert "canary" in browser_as(bob).get("/search?q=heron").text
