"""The pages of notifications over HTTP, and the badge of the frame."""

import re

import pytest

from apps.graph.services import follow_user
from apps.infra import clock
from apps.infra.stores import aiopostgres
from apps.notifications import services
from apps.notifications.models import MutedConversation, Notification, Seen
from apps.notifications.schemas import Kind
from apps.tweets.services import like_tweet, post_tweet, retweet
from apps.users.services import set_protected
from tests.factories import UserFactory

PATHS = ["/notifications", "/notifications/mentions", "/notifications/unread"]


def say(author, text="hello", **how):
    return post_tweet(author_id=author.id, text=text, now=clock.now(), **how).id


def like(person, tweet_id):
    like_tweet(user_id=person.id, tweet_id=tweet_id, now=clock.now())


def badges(answer):
    found = re.findall(r'class="badge"[^>]*?( hidden)?>([^<]*)<', answer.text)
    return {(not hidden, number) for hidden, number in found}


@pytest.mark.parametrize("path", PATHS)
def test_visitors_are_asked_to_log_in(browser, path):
    answer = browser.get(path)

    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/login?next=%2Fnotifications")


@pytest.mark.parametrize("path", PATHS[:2])
def test_nothing_yet(browser_as, alice, path):
    answer = browser_as(alice).get(path)

    assert answer.status_code == 200
    assert 'class="empty"' in answer.text
    assert badges(answer) == {(False, "0")}


def test_everybody_sees_their_own(browser_as, alice, bob, carol, drain_outbox):
    like(bob, say(alice, "a fine thing"))
    drain_outbox()

    assert "a fine thing" in browser_as(alice).get("/notifications").text
    for other in (bob, carol):
        assert "a fine thing" not in browser_as(other).get("/notifications").text


def test_sentences(browser_as, alice, bob, carol, drain_outbox):
    dave = UserFactory(username="dave", name="<b>Dave")
    one, two, three = (say(alice, f"post {n}") for n in range(3))
    reply = say(alice, "more", in_reply_to_id=three)
    like(bob, one)
    for person in (bob, carol):
        like(person, two)
    for person in (bob, carol, dave):
        like(person, three)
    like(bob, reply)
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    follow_user(follower_id=dave.id, followee_id=alice.id, now=clock.now())
    drain_outbox()

    text = browser_as(alice).get("/notifications").text
    said = [
        " ".join(re.sub(r"<[^>]*>", " ", part).split())
        for part in re.findall(r'<p class="did">(.*?)</p>', text)
    ]
    assert said == [
        "&lt;b&gt;Dave asked to follow you",
        "Bob followed you",
        "Bob liked your reply",
        "&lt;b&gt;Dave and 2 others liked your post",
        "Carol and Bob liked your post",
        "Bob liked your post",
    ]
    assert 'formaction="/bob/follow"' in text
    assert 'href="/requests">See requests' in text


def test_the_badge_counts_until_the_page_is_opened(browser_as, alice, bob, drain_outbox):
    client = browser_as(alice)
    assert badges(client.get("/home")) == {(False, "0")}
    like(bob, say(alice))
    say(bob, "@alice")
    drain_outbox()

    assert badges(client.get("/home")) == {(True, "2")}
    assert client.get("/notifications/unread").json() == {"unread": 2, "mentions": 1}
    assert badges(client.get("/notifications/unread", htmx=True)) == {(True, "2")}
    mentions = client.get("/notifications/mentions")
    assert badges(mentions) == {(True, "2")}, "who looks at mentions has not seen the rest"
    opened = client.get("/notifications")
    assert opened.text.count("told unread") == 2
    assert badges(opened) == {(False, "0")}
    again = client.get("/notifications")
    assert again.text.count("told unread") == 0
    assert badges(client.get("/home")) == {(False, "0")}


def test_a_page_with_a_badge_costs_no_query(browser_as, alice, bob, drain_outbox, monkeypatch):
    client = browser_as(alice)
    like(bob, say(alice))
    drain_outbox()
    client.get("/about")
    asked = []
    fetch = aiopostgres.fetch

    async def counted(query, *args, **how):
        asked.append(query)
        return await fetch(query, *args, **how)

    monkeypatch.setattr(aiopostgres, "fetch", counted)

    assert badges(client.get("/about")) == {(True, "1")}
    assert [one for one in asked if "notifications" in one] == []


def test_only_mentions_are_seen_when_that_is_all(browser_as, alice, bob, drain_outbox):
    client = browser_as(alice)
    say(bob, "@alice")
    drain_outbox()
    client.get("/notifications/mentions")

    assert badges(client.get("/home")) == {(False, "0")}


def test_a_prefetch_has_seen_nothing(browser_as, alice, bob, drain_outbox):
    client = browser_as(alice)
    say(bob, "@alice")
    drain_outbox()
    client._run(client._client.get("/notifications", headers={"Sec-Purpose": "prefetch"}))

    assert badges(client.get("/home")) == {(True, "1")}


def test_older_pages(browser_as, alice, bob, drain_outbox):
    for n in range(25):
        like(bob, say(alice, f"post number {n}."))
    drain_outbox()
    client = browser_as(alice)

    first = client.get("/notifications")
    (link,) = re.findall(r'href="(/notifications\?before=\d+)"', first.text)
    second = client.get(link)
    numbers = re.findall(r"post number (\d+)\.", first.text + second.text)
    assert numbers == [str(n) for n in range(24, -1, -1)]
    assert "?before=" not in second.text.partition("<main")[2]


def test_nobody_is_told_of_likes_in_a_muted_conversation(browser_as, alice, bob, drain_outbox):
    client = browser_as(alice)
    root, other = say(bob, "who comes?"), say(alice, "elsewhere")
    mine = say(alice, "I do", in_reply_to_id=root)
    like(bob, mine)
    drain_outbox()
    path = f"/notifications/conversations/{mine}"
    assert badges(client.get("/home")) == {(True, "1")}

    client.post(path)
    assert badges(client.get("/home")) == {(False, "0")}, "what was told goes, too"
    retweet(user_id=bob.id, tweet_id=mine, now=clock.now())
    like(bob, other)
    drain_outbox()
    assert badges(client.get("/home")) == {(True, "1")}
    kept = Notification.objects.values_list("tweet_id", flat=True)
    # The one that was told before waits for the next like, or for the reader's mind to change.
    assert set(kept) == {mine, other}
    assert not Notification.objects.filter(kind=Kind.RETWEET).exists()

    client.post(path)
    retweet(user_id=UserFactory().id, tweet_id=mine, now=clock.now())
    drain_outbox()
    assert Notification.objects.filter(kind=Kind.RETWEET, tweet_id=mine).exists()


def test_a_muted_conversation_is_not_heard_of(browser_as, alice, bob, carol, drain_outbox):
    client = browser_as(alice)
    root = say(bob, "who comes?")
    first = say(carol, "@alice and me", in_reply_to_id=root)
    drain_outbox()
    path = f"/notifications/conversations/{first}"
    assert "Mute this conversation?" in client.get(path).text
    assert badges(client.get("/home")) == {(True, "1")}

    assert client.post(path).status_code == 302
    assert badges(client.get("/home")) == {(False, "0")}, "what was told goes, too"
    say(bob, "@alice now", in_reply_to_id=first)
    mine = say(alice, "another", quote_of_id=root)
    say(carol, "@alice yes", in_reply_to_id=mine)
    drain_outbox()
    page = client.get("/notifications").text
    assert "now" not in re.findall(r'<p class="text"[^>]*>(.*?)</p>', page)
    assert page.count('class="told') == 1, "another conversation is heard of"
    assert "Hear of this conversation again?" in client.get(path, htmx=True).text

    client.post(path)
    assert client.get("/notifications").text.count('class="told') == 2


def test_only_what_one_may_see_is_muted(browser_as, alice, bob, browser):
    hidden = say(bob, "mine")
    set_protected(user_id=bob.id, protected=True, now=clock.now())

    assert (
        browser_as(alice).post(f"/notifications/conversations/{hidden}", htmx=True).status_code
        == 404
    )
    assert browser_as(alice).get("/notifications/conversations/1").status_code == 404
    assert browser.get("/notifications/conversations/1").status_code == 302
    assert not MutedConversation.objects.exists()


def test_nobody_marks_back(alice):
    services.mark_seen(user_id=alice.id, up_to_id=10)
    services.mark_seen(user_id=alice.id, up_to_id=5)

    assert Seen.objects.get(user_id=alice.id).seen_id == 10


def test_staff_look_and_do_not_touch(browser_as, alice, bob, drain_outbox):
    like(bob, say(alice))
    drain_outbox()
    assert browser_as(bob).get("/admin/notifications/notification/").status_code == 302
    alice.is_staff = alice.is_superuser = True
    alice.save()
    client = browser_as(alice)

    page = client.get("/admin/notifications/notification/")
    assert page.status_code == 200
    assert str(alice.id) in page.text
    assert client.get("/admin/notifications/notification/add/").status_code == 403
