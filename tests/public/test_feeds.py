"""RSS and Atom: what a visitor sees, as XML that any reader takes."""

import asyncio
import xml.etree.ElementTree as ET
from email.utils import parsedate_to_datetime

import pytest

from apps.graph.services import block_user, follow_user
from apps.infra import clock
from apps.tweets import services
from apps.users.models import User
from apps.users.services import set_protected, suspend_user
from tests.flows.naughty import BLNS, OWN, corpus
from tests.public.markup import Tags

ATOM = "{http://www.w3.org/2005/Atom}"
KINDS = ["rss", "atom"]


def post(user, text, **more):
    return services.post_tweet(author_id=user.id, text=text, now=clock.now(), **more)


def entries(answer, kind):
    """Title, address and content of each."""
    tree = ET.fromstring(answer.content)
    if kind == "rss":
        return [
            (one.findtext("title"), one.findtext("link"), one.findtext("description"))
            for one in tree.iter("item")
        ]
    return [
        (one.findtext(f"{ATOM}title"), one.findtext(f"{ATOM}id"), one.findtext(f"{ATOM}content"))
        for one in tree.iter(f"{ATOM}entry")
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_feed_has_own_posts_and_retweets_newest_first(browser, alice, bob, kind):
    first = post(alice, "first & <b>foremost</b>")
    theirs = post(bob, "of bob")
    post(alice, "an answer", in_reply_to_id=theirs.id)
    services.retweet(user_id=alice.id, tweet_id=theirs.id, now=clock.now())
    last = post(alice, "see https://example.com/a?b=1&c=2 @bob #tea")

    answer = browser.get(f"/alice/{kind}")
    found = entries(answer, kind)

    assert answer.headers["content-type"] == f"application/{kind}+xml; charset=utf-8"
    assert [title for title, _url, _content in found] == [
        "see https://example.com/a?b=1&c=2 @bob #tea",
        "@alice retweeted @bob: of bob",
        "first & <b>foremost</b>",
    ]
    assert found[0][1].endswith(f"/alice/status/{last.id}")
    assert found[2][1].endswith(f"/alice/status/{first.id}")
    assert 'href="https://example.com/a?b=1&amp;c=2"' in found[0][2]
    assert 'href="http://localhost:3000/bob"' in found[0][2]
    assert "&lt;b&gt;" in found[2][2]


def test_dates_are_those_of_the_posts(browser, alice):
    made = post(alice, "now")

    (item,) = ET.fromstring(browser.get("/alice/rss").content).iter("item")

    written = parsedate_to_datetime(item.findtext("pubDate", ""))
    assert int(written.timestamp()) == int(made.created_at.timestamp())


@pytest.mark.parametrize("kind", KINDS)
def test_an_unchanged_feed_is_not_sent_twice(browser, alice, kind):
    post(alice, "one")
    etag = browser.get(f"/alice/{kind}").headers["etag"]

    def ask(given):
        browser._client.headers["if-none-match"] = given
        return browser.get(f"/alice/{kind}")

    assert (ask(etag).status_code, ask(etag).content) == (304, b"")
    assert ask(f'"other", {etag}').status_code == 304
    post(alice, "two")
    assert ask(etag).status_code == 200


def test_who_has_it_does_not_decide_for_who_has_not(browser, loop, alice):
    post(alice, "one")
    tag = {"if-none-match": browser.get("/alice/rss").headers["etag"]}

    async def all_at_once():
        asked = [browser._client.get("/alice/rss", headers=one) for one in (tag, tag, {}, tag)]
        return [one.status_code for one in await asyncio.gather(*asked)]

    assert loop.run_until_complete(all_at_once()) == [304, 304, 200, 304]


@pytest.mark.parametrize("kind", KINDS)
def test_what_visitors_may_not_see_is_not_there_for_anybody(
    browser, browser_as, alice, bob, carol, kind
):
    post(alice, "quiet")
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    suspend_user(user_id=carol.id, now=clock.now())

    for reader in (browser, browser_as(bob), browser_as(alice)):
        assert reader.get(f"/alice/{kind}").status_code == 404
        assert reader.get(f"/carol/{kind}").status_code == 404
        assert reader.get(f"/nobody_here/{kind}").status_code == 404


def test_a_feed_is_the_same_for_everybody(browser, browser_as, alice, bob):
    post(alice, "hello")
    block_user(blocker_id=alice.id, blocked_id=bob.id, now=clock.now())

    assert browser.get("/alice/rss").content == browser_as(bob).get("/alice/rss").content


def test_a_deleted_post_leaves_at_once(browser, alice):
    made = post(alice, "gone soon")
    assert b"gone soon" in browser.get("/alice/rss").content

    services.delete_tweet(user_id=alice.id, tweet_id=made.id, now=clock.now())

    assert b"gone soon" not in browser.get("/alice/rss").content


def test_feeds_are_told_on_the_profile_of_who_has_them(browser, alice):
    assert 'href="/alice/rss"' in browser.get("/alice").text
    set_protected(user_id=alice.id, protected=True, now=clock.now())

    page = browser.get("/alice").text

    assert "/alice/rss" not in page
    assert "og:title" not in page
    assert 'content="noindex"' in page


def strings():
    return [*OWN, *(corpus() if BLNS.exists() else [])]


@pytest.mark.slow
def test_any_text_is_valid_xml_and_no_markup(browser, alice):
    """As posts, names and bios; an XML parser reads back what was written, as far as XML can."""
    kept = 0
    for text in strings():
        try:
            post(alice, text)
        except Exception as refusal:
            assert getattr(refusal, "status", 500) == 400, text  # noqa: PT017
            continue
        User.objects.filter(id=alice.id).update(name=text[:50].replace("\x00", "") or "x")
        kept += 1
        for kind in KINDS:
            title, _url, content = entries(browser.get(f"/alice/{kind}"), kind)[0]
            assert title
            html = Tags(content)
            assert {tag for tag, _ in html.tags} <= {"p", "a", "br", "span"}, text
            names = {name for _tag, one in html.tags for name in one}
            assert names <= {"dir", "class", "href", "rel"}, text
    assert kept > 20
