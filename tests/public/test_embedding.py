"""oEmbed: a post as a quotation elsewhere."""

import json
from urllib.parse import quote

import pytest

from apps.graph.services import follow_user
from apps.infra import clock
from apps.tweets import services
from apps.users.services import set_protected, suspend_user
from tests.flows.naughty import BLNS, OWN, corpus
from tests.public.markup import Tags

SITE = "http://localhost:3000"
MAY_STAND = {"blockquote", "p", "a", "bdi", "br", "span"}


def post(user, text, **more):
    return services.post_tweet(author_id=user.id, text=text, now=clock.now(), **more)


def ask(browser, url, more=""):
    return browser.get(f"/oembed?url={quote(url, safe='')}{more}")


def test_a_post_becomes_a_quotation(browser, alice):
    made = post(alice, "tea & <b>cake</b> @bob\nhttps://example.com")

    answer = ask(browser, f"{SITE}/alice/status/{made.id}")
    found = answer.json()
    html = Tags(found["html"])

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert (found["version"], found["type"], found["provider_name"]) == (
        "1.0", "rich", "TwitterLite",
    )  # fmt: skip
    assert found["url"] == f"{SITE}/alice/status/{made.id}"
    assert found["author_url"] == f"{SITE}/alice"
    assert "tea & <b>cake</b> @bob" in html.text
    assert {tag for tag, _ in html.tags} <= MAY_STAND
    assert all(
        one["href"].startswith(("http://", "https://")) for tag, one in html.tags if tag == "a"
    )


def test_the_page_says_where_to_ask(browser, alice):
    made = post(alice, "hello")
    page = browser.get(f"/alice/status/{made.id}").text

    link = Tags(page.partition("</head>")[0]).tags
    (href,) = [
        one["href"] for tag, one in link
        if tag == "link" and one.get("type") == "application/json+oembed"
    ]  # fmt: skip

    assert browser.get(href.removeprefix(SITE)).json()["author_name"] == alice.name


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/oembed", 400), ("/oembed?url=nonsense", 404), ("/oembed?url=http://[bad", 400),
        ("/oembed?url=https://elsewhere.example/alice/status/1", 404),
        (f"/oembed?url={SITE}/alice", 404), (f"/oembed?url={SITE}/alice/status/1", 404),
        (f"/oembed?url={SITE}/alice/status/99999999999999999999999", 404),
        ("/oembed?url=javascript://localhost:3000/alice/status/1", 404),
        (f"/oembed?url={SITE}/alice/status/1&format=xml", 501),
        (f"/oembed?url={SITE}/alice/status/1&maxwidth=wide", 400),
    ],
)  # fmt: skip
def test_what_cannot_be_embedded_says_why(browser, alice, path, status):
    answer = browser.get(path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize(("asked", "given"), [("", 550), ("300", 300), ("1", 220), ("9999", 550)])
def test_the_width_stays_within_what_looks_right(browser, alice, asked, given):
    made = post(alice, "wide")

    answer = ask(browser, f"{SITE}/i/status/{made.id}", f"&maxwidth={asked}")

    assert answer.json()["width"] == given


def test_only_what_everybody_may_see(browser, browser_as, alice, bob, carol):
    quiet, gone, late = post(alice, "quiet"), post(bob, "gone"), post(carol, "late")
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    set_protected(user_id=alice.id, protected=True, now=clock.now())
    services.delete_tweet(user_id=bob.id, tweet_id=gone.id, now=clock.now())
    suspend_user(user_id=carol.id, now=clock.now())

    for reader in (browser, browser_as(bob), browser_as(alice)):
        for made in (quiet, gone, late):
            assert ask(reader, f"{SITE}/i/status/{made.id}").status_code == 404
    page = browser_as(alice).get(f"/alice/status/{quiet.id}").text
    assert "oembed" not in page
    assert "og:title" not in page


def strings():
    return [*OWN, *(corpus() if BLNS.exists() else [])]


@pytest.mark.slow
def test_no_text_becomes_markup(browser, alice):
    """In the quotation, and in what the page's head says of the post."""
    kept = 0
    for text in strings():
        try:
            made = post(alice, text)
        except Exception as refusal:
            assert getattr(refusal, "status", 500) == 400, text  # noqa: PT017
            continue
        kept += 1
        found = json.loads(ask(browser, f"{SITE}/i/status/{made.id}").content)
        html = Tags(found["html"])
        assert {tag for tag, _ in html.tags} <= MAY_STAND, text
        names = {name for _tag, one in html.tags for name in one}
        assert names <= {"class", "lang", "dir", "href", "rel"}, text
        head = browser.get(f"/alice/status/{made.id}").text.partition("</head>")[0]
        tags = Tags(head).tags
        scripts = [one for tag, one in tags if tag == "script"]
        assert all(one["src"].startswith("/static/") for one in scripts), text
        assert {tag for tag, _ in tags} <= {"html", "head", "meta", "title", "link", "script"}, text
        (told,) = [one["content"] for tag, one in tags if one.get("property") == "og:description"]
        # White space around words means nothing there.
        words, said = told.removesuffix("\u2026").split(), " ".join(text.split())
        assert " ".join(words) == said[: len(" ".join(words))] or "\ufffd" in told, text
    assert kept > 20
