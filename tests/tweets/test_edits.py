"""Edits: for half an hour, five times, seen everywhere at once, and never in secret."""

from datetime import timedelta

import pytest

from apps.graph.services import block_user, follow_user
from apps.infra import clock, ids
from apps.infra.errors import Forbidden, NotFound
from apps.infra.eventlog.replay import replay
from apps.notifications.models import Notification
from apps.notifications.schemas import Kind
from apps.notifications.services import mark_seen
from apps.timelines.services.homes import rebuild_home
from apps.trends import services as trend_services
from apps.trends.schemas import EVERYWHERE
from apps.tweets.models import Mention, Tweet, TweetVersion
from apps.tweets.services import (
    TweetEmpty,
    TweetTooLong,
    delete_tweet,
    hide_tweet,
    post_tweet,
    retweet,
)
from apps.tweets.services_edits import EditedMeanwhile, NotEditable, edit_tweet
from apps.tweets.services_polls import NewPoll
from apps.users.services import set_protected
from tests.browsing import field
from tests.factories import UserFactory
from tests.tweets.test_scheduled import together


def say(author, text="hello", **how):
    how.setdefault("now", clock.now())
    return post_tweet(author_id=author.id, text=text, **how)


def edit(author, tweet, text, **how):
    how.setdefault("now", clock.now())
    return edit_tweet(user_id=author.id, tweet_id=tweet.id, text=text, **how)


def texts(tweet):
    found = TweetVersion.objects.filter(tweet_id=tweet.id).order_by("number")
    return list(found.values_list("text", flat=True))


def test_an_edit_keeps_the_id_and_what_hangs_on_it(alice, bob):
    poll = NewPoll(options=("yes", "no"), duration_minutes=60)
    first = say(bob, "tea?")
    tweet = say(alice, "fvie", in_reply_to_id=first.id, poll=poll)

    out = edit(alice, tweet, "five")

    row = Tweet.objects.get(id=tweet.id)
    assert (row.text, row.poll_id, row.in_reply_to_id) == ("five", out.poll_id, first.id)
    assert row.poll_id is not None
    assert len(row.edit_times or ()) == 1
    (version,) = TweetVersion.objects.all()
    assert (version.number, version.text, version.created_at) == (1, "fvie", tweet.created_at)
    assert Tweet.objects.get(id=first.id).reply_count == 1


def test_it_may_be_done_for_half_an_hour(alice):
    tweet = say(alice)
    end = tweet.created_at + timedelta(minutes=30)

    edit(alice, tweet, "in time", now=end - timedelta(milliseconds=1))
    with pytest.raises(NotEditable, match="30 minutes"):
        edit(alice, tweet, "too late", now=end)
    assert Tweet.objects.get().text == "in time"


def test_it_may_be_done_five_times(alice):
    tweet = say(alice, "0")
    for number in range(1, 6):
        edit(alice, tweet, str(number))

    with pytest.raises(NotEditable, match="5 times"):
        edit(alice, tweet, "6")
    assert texts(tweet) == ["0", "1", "2", "3", "4"]


def test_the_same_text_is_no_edit(alice):
    tweet = say(alice)

    assert edit(alice, tweet, "hello").edit_times is None
    assert texts(tweet) == []


def test_a_text_is_held_to_the_same_rules(alice):
    tweet = say(alice)

    for error, text in ((TweetEmpty, " "), (TweetTooLong, "x" * 281)):
        with pytest.raises(error):
            edit(alice, tweet, text)
    assert texts(tweet) == []


def test_only_its_author_may_and_only_while_it_is_there(alice, bob):
    tweet, hidden, gone = say(alice), say(alice), say(alice)
    again = retweet(user_id=alice.id, tweet_id=say(bob).id, now=clock.now())
    hide_tweet(tweet_id=hidden.id, now=clock.now())
    delete_tweet(user_id=alice.id, tweet_id=gone.id, now=clock.now())

    with pytest.raises(Forbidden):
        edit(bob, tweet, "x")
    for one in (hidden, gone):
        with pytest.raises(NotFound):
            edit(alice, one, "x")
    with pytest.raises(NotEditable):
        edit(alice, again, "x")
    assert not TweetVersion.objects.exists()


def test_the_history_goes_with_the_post(alice):
    tweet = say(alice, "a secret")
    edit(alice, tweet, "no secret")

    delete_tweet(user_id=alice.id, tweet_id=tweet.id, now=clock.now())

    assert not TweetVersion.objects.exists()


# ── Two at once ──────────────────────────────────────────────────────────────


def test_of_two_edits_of_one_version_one_is_told(alice):
    for _ in range(5):
        tweet = say(alice, "0")
        came = together(
            lambda t=tweet: edit(alice, t, "one", seen_edits=0),
            lambda t=tweet: edit(alice, t, "two", seen_edits=0),
        )
        refused = [one for one in came if isinstance(one, EditedMeanwhile)]
        assert len(refused) == 1, came
        assert texts(tweet) == ["0"]


def test_edits_that_look_at_no_version_come_one_after_the_other(alice):
    tweet = say(alice, "0")

    together(*(lambda n=n: edit(alice, tweet, str(n)) for n in range(1, 5)))

    row = Tweet.objects.get()
    assert len(row.edit_times or ()) == 4
    assert sorted([*texts(tweet), row.text]) == ["0", "1", "2", "3", "4"]


def test_an_edit_and_a_delete_leave_nothing(alice):
    for _ in range(8):
        tweet = say(alice, "0")
        together(
            lambda t=tweet: edit(alice, t, "1"),
            lambda t=tweet: delete_tweet(user_id=alice.id, tweet_id=t.id, now=clock.now()),
        )
        assert texts(tweet) == []
        assert Tweet.objects.get(id=tweet.id).deleted_at is not None


# ── Everywhere at once ───────────────────────────────────────────────────────


def test_the_next_read_of_every_kind_shows_it(api_as, browser_as, alice, bob, drain_outbox):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    tweet = say(alice, "the oldword #oldtag @nobody1")
    say(bob, "look", quote_of_id=tweet.id)
    retweet(user_id=bob.id, tweet_id=tweet.id, now=clock.now())
    drain_outbox()
    rebuild_home(user_id=bob.id)
    client, browser = api_as(bob), browser_as(bob)
    fields = "tweet.fields=entities,edit_controls&expansions=referenced_tweets.id"
    asked = [
        f"/2/tweets/{tweet.id}?{fields}", f"/2/users/{alice.id}/tweets?{fields}",
        f"/2/users/{bob.id}/tweets?{fields}",
        f"/2/users/{bob.id}/timelines/reverse_chronological?{fields}",
        f"/2/tweets/{tweet.id}/quote_tweets?{fields}",
    ]  # fmt: skip
    pages = ["/home", "/alice", "/bob", f"/alice/status/{tweet.id}", "/alice/rss", "/alice/atom"]

    def everything():
        return {
            **{path: client.get(path).content.decode() for path in asked},
            **{path: browser.get(path).text for path in pages},
        }

    for _ in range(2):
        before = everything()
    assert all("oldword" in text for text in before.values())

    edit(alice, tweet, "the newword #newtag @alice")

    after = everything()
    assert {path for path, text in after.items() if "oldword" in text or "oldtag" in text} == set()
    assert all("newword" in text for text in after.values())
    data = client.get(f"/2/tweets/{tweet.id}?{fields}").json()["data"]
    assert [one["tag"] for one in data["entities"]["hashtags"]] == ["newtag"]
    assert data["edit_controls"]["edits_remaining"] == 4
    assert data["edit_history_tweet_ids"] == [str(tweet.id)]
    for path in ("/home", "/alice", f"/alice/status/{tweet.id}"):
        assert f'href="/alice/status/{tweet.id}/history"' in after[path], path


def found(client, word):
    answer = client.get(f"/2/tweets/search/recent?query={word}").json()
    return [one["id"] for one in answer.get("data", [])]


def test_the_next_search_finds_it_no_more_by_what_it_said(api_as, browser_as, alice, bob,
                                                         drain_outbox):  # fmt: skip
    tweet = say(alice, "the oldword is here")
    again = retweet(user_id=bob.id, tweet_id=tweet.id, now=clock.now())
    drain_outbox()
    client, browser = api_as(bob), browser_as(bob)
    assert found(client, "oldword") == [str(again.id), str(tweet.id)]
    assert found(client, "from:bob%20-newword") == [str(again.id)]

    edit(alice, tweet, "the newword is here")

    # The index has not heard of it yet.
    assert found(client, "oldword") == found(client, "from:bob%20-newword") == []
    for kind in ("", "&f=live"):
        assert f"t{tweet.id}" not in browser.get(f"/search?q=oldword{kind}").text
    drain_outbox()
    assert found(client, "oldword") == []
    assert found(client, "newword") == [str(again.id), str(tweet.id)]


def test_who_is_named_by_an_edit_is_told_and_nobody_twice(api_as, alice, bob, carol, drain_outbox):
    tweet = say(alice, "@bob look")
    drain_outbox()
    later = ids.next_id()
    mark_seen(user_id=carol.id, up_to_id=later)

    edit(alice, tweet, "@bob @carol look", now=clock.now() + timedelta(seconds=1))
    drain_outbox()
    edit(alice, tweet, "@carol look", now=clock.now() + timedelta(seconds=2))
    drain_outbox()
    edit(alice, tweet, "@bob @carol look!", now=clock.now() + timedelta(seconds=3))
    drain_outbox()

    told = Notification.objects.order_by("recipient_id").values_list("recipient_id", "kind")
    assert list(told) == [(bob.id, Kind.MENTION), (carol.id, Kind.MENTION)]
    # Though the post is older than what she has seen.
    assert Notification.objects.get(recipient_id=carol.id).id > later


def test_who_is_named_no_more_does_not_find_it_among_mentions(api_as, alice, bob, drain_outbox):
    tweet = say(alice, "@bob look")
    answer = say(alice, "@bob yes", in_reply_to_id=say(bob).id)
    drain_outbox()
    for one in (tweet, answer):
        edit(alice, one, "look at that")
    drain_outbox()

    # What answers him stays.
    assert list(Mention.objects.values_list("user_id", "tweet_id")) == [(bob.id, answer.id)]
    data = api_as(bob).get(f"/2/users/{bob.id}/mentions").json()["data"]
    assert [one["id"] for one in data] == [str(answer.id)]


def test_trends_count_what_it_says_and_no_more_what_it_said(world, drain_outbox):
    began = clock.now() - timedelta(days=400)
    first = ids.at_ms(clock.to_ms(began))
    crowd = [UserFactory(id=first + number, created_at=began) for number in range(4)]

    def listed():
        drain_outbox()
        lists = trend_services.roll_up(now=clock.now())
        return {one.name: one.count for one in lists.get(EVERYWHERE, ())}

    tweets = [say(one, f"{one.username} sees #Smoke") for one in crowd]
    assert listed() == {"#Smoke": 4}

    edit(crowd[0], tweets[0], "it was #Fog")
    assert listed() == {"#Smoke": 3}
    edit(crowd[0], tweets[0], "it was #Smoke after all")
    edit(crowd[0], tweets[0], "it was #Smoke, indeed")
    assert listed() == {"#Smoke": 4}
    for one, tweet in zip(crowd[1:], tweets[1:], strict=True):
        edit(one, tweet, f"{one.username} sees #Fog")
    assert listed() == {"#Fog": 3}
    replay(subscriber_name="trends", since=clock.now() - timedelta(minutes=10))
    assert listed() == {"#Fog": 3}


def test_an_edit_that_could_not_be_told_is_told_by_the_event_log(api_as, alice, drain_outbox,
                                                                 monkeypatch):  # fmt: skip
    tweet = say(alice, "old")
    client = api_as(alice)
    assert client.get(f"/2/tweets/{tweet.id}").json()["data"]["text"] == "old"
    with monkeypatch.context() as deaf:
        deaf.setattr("apps.infra.stores.invalidation.announce", lambda *_a, **_k: None)
        edit(alice, tweet, "new")
    drain_outbox()

    assert client.get(f"/2/tweets/{tweet.id}").json()["data"]["text"] == "new"


# ── The API ──────────────────────────────────────────────────────────────────


def send(client, tweet_id, text, **more):
    body = {"text": text, "edit_options": {"previous_post_id": str(tweet_id)}, **more}
    return client.post("/2/tweets", body)


def test_the_api_edits_in_the_words_of_x(api_as, alice, bob):
    tweet = say(alice)

    answer = send(api_as(alice), tweet.id, "hello again")

    assert answer.status_code == 201
    wanted = {"id": str(tweet.id), "text": "hello again", "edit_history_tweet_ids": [str(tweet.id)]}
    assert answer.json() == {"data": wanted}
    assert Tweet.objects.count() == 1
    assert send(api_as(bob), tweet.id, "mine").status_code == 403
    assert send(api_as(alice), 1, "x").status_code == 404
    refused = send(api_as(alice), tweet.id, "x", quote_tweet_id=str(tweet.id))
    assert refused.status_code == 400
    assert refused.json()["code"] == "not_editable"


def test_the_api_tells_what_it_said(api_as, alice, bob):
    tweet, plain = say(alice, "1"), say(alice, "plain")
    for text in ("2", "3"):
        edit(alice, tweet, text)
    client = api_as(bob)

    told = client.get(f"/2/tweets/{tweet.id}/edit_history").json()
    assert [(one["version"], one["text"]) for one in told["data"]] == [
        (3, "3"), (2, "2"), (1, "1"),
    ]  # fmt: skip
    (only,) = client.get(f"/2/tweets/{plain.id}/edit_history").json()["data"]
    assert only["text"] == "plain"


@pytest.mark.parametrize("deed", ["protect", "block", "delete", "hide"])
def test_who_may_not_see_the_post_sees_none_of_its_versions(
    api_as, browser_as, browser, alice, bob, deed
):
    tweet = say(alice, "a secretword")
    edit(alice, tweet, "nothing")
    client, reader = api_as(bob), browser_as(bob)
    page, path = f"/alice/status/{tweet.id}/history", f"/2/tweets/{tweet.id}/edit_history"
    assert "secretword" in client.get(path).content.decode()
    assert "secretword" in reader.get(page).text
    assert "secretword" in browser.get(page).text

    now = clock.now()
    if deed == "protect":
        set_protected(user_id=alice.id, protected=True, now=now)
    elif deed == "block":
        block_user(blocker_id=alice.id, blocked_id=bob.id, now=now)
    elif deed == "delete":
        delete_tweet(user_id=alice.id, tweet_id=tweet.id, now=now)
    else:
        hide_tweet(tweet_id=tweet.id, now=now)

    assert "secretword" not in client.get(path).content.decode()
    assert reader.get(page).status_code == 404
    assert deed == "block" or browser.get(page).status_code == 404


# ── The pages ────────────────────────────────────────────────────────────────


def test_a_post_is_edited_on_its_page_without_javascript(browser_as, alice):
    tweet = say(alice, "teh")
    browser, url = browser_as(alice), f"/alice/status/{tweet.id}"
    assert f'href="{url}/edit"' in browser.get(f"{url}/menu").text
    page = browser.get(f"{url}/edit").text
    assert ">teh</textarea>" in page
    seen = field(browser.get(f"{url}/edit"), "seen")

    answer = browser.post(f"{url}/edit", {"text": "the\r\nend", "seen": seen, "next": url})

    assert answer.headers["location"] == url
    assert Tweet.objects.get().text == "the\nend"
    assert ">Edited</a>" in browser.get(url).text
    history = browser.get(f"{url}/history").text
    assert history.index("end") < history.index("teh")
    again = browser.post(f"{url}/edit", {"text": "other", "seen": seen})
    assert again.status_code == 409
    assert ">other</textarea>" in again.text
    assert "edited elsewhere meanwhile" in again.text


def test_what_cannot_be_edited_offers_no_edit(browser_as, alice, bob):
    old = say(alice, now=clock.now() - timedelta(hours=1))
    others = say(bob)
    browser = browser_as(alice)

    for author, tweet in (("alice", old), ("bob", others)):
        url = f"/{author}/status/{tweet.id}"
        assert f"{url}/edit" not in browser.get(f"{url}/menu").text
        assert browser.get(f"{url}/edit").status_code in {400, 403}
        browser.post(f"{url}/edit", {"text": "x"})
    assert not TweetVersion.objects.exists()


def test_markup_in_an_old_version_is_shown_and_not_obeyed(browser_as, alice):
    tweet = say(alice, "<img src=x onerror=alert(1)>")
    edit(alice, tweet, "<script>alert(2)</script>")

    page = browser_as(alice).get(f"/alice/status/{tweet.id}/history").text

    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "&lt;img src=x" in page
