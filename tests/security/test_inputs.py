"""What comes in: members that nobody asked for, fields without an end, addresses that lead away,
hosts that are not ours, and secrets that must not come out again."""

import json
import logging
import re
from typing import Any

import pytest

from apps.graph.models import List
from apps.media.models import Media
from apps.tweets import queries as tweet_queries
from apps.tweets.models import Tweet
from apps.users import letters
from apps.users.models import AccessToken, Application, User
from tests.conformance.world import operations
from tests.factories import PASSWORD, UserFactory
from tests.users.test_matrix import VALUES, _body

COLUMNS = sorted(
    {
        name
        for model in (User, Tweet, List, Media, Application, AccessToken)
        for field in model._meta.concrete_fields
        for name in (field.name, field.attname)
    }
)
ELSEWHERE = [
    "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example",
    "\\\\evil.example", "http:evil.example", "https:/evil.example", "javascript:alert(1)",
    "data:text/html,x", "%2F%2Fevil", "//evil.example/%2F..", "/%09/evil.example",
    "/\t/evil.example", "\t//evil.example", " //evil.example",
    "https://testserver@evil.example", "https://evil.example#testserver",
    "http://testserver.evil.example", "//\u2044evil.example", "/\u3000//evil.example",
    "https://\u24d4vil.example", "//evil%E3%80%82example", "/x\r\nLocation: https://evil.example",
    "/x\nSet-Cookie: a=b", "\r\n\r\n<script>", "", " ",
]  # fmt: skip


def untouched(alice: User) -> Any:
    """What nobody may set of themselves."""
    return User.objects.filter(id=alice.id).values_list(
        "id", "username", "is_staff", "is_superuser", "is_active", "suspended_at", "password",
        "email", "followers_count", "tweet_count", "listed_count", "created_at", "is_protected",
    ).get()  # fmt: skip


def given(known: bytes) -> bytes:
    """A body with what is needed and every column of every table besides."""
    extra: dict[str, Any] = dict.fromkeys(COLUMNS, "1")
    extra |= {"is_staff": True, "is_superuser": True, "author_id": "5", "owner_id": "5"}
    return json.dumps(extra | json.loads(known)).encode()


def test_no_column_can_be_set_by_its_name(api_as, browser_as, alice, bob):
    client, before, bobs = api_as(alice), untouched(alice), untouched(bob)
    writes = {name: one for name, one in operations().items() if not name.startswith("GET")}
    assert len(writes) > 25

    for name, operation in writes.items():
        method, path = name.split(" ")
        if "oauth" in path or "upload" in path:
            continue
        path = re.sub(r"\{(id|source_user_id)\}(?=/|$)", str(alice.id), path, count=1)
        path = re.sub(r"\{(\w+)\}", lambda hole: VALUES.get(hole[1], "1"), path)
        answer = client.request(
            method, path, body=given(_body(operation)), headers={"content-type": "application/json"}
        )
        assert answer.status_code < 500, (name, answer.content)

    browser, form = browser_as(alice), dict.fromkeys(COLUMNS, "1")
    for path, wanted in (
        ("/settings/profile", {"name": "Alice", "bio": "", "location": "", "url": ""}),
        ("/lists/new", {"name": "mine", "description": ""}),
        ("/developer/apps/new", {"name": "App", "access": "read", "website": "",
                                 "redirect_uris": ""}),
        ("/compose", {"text": "hello", "key": "k1", "media": ""}),
    ):  # fmt: skip
        assert browser.post(path, form | wanted).status_code < 500

    assert untouched(alice) == before
    assert untouched(bob) == bobs
    assert not Tweet.objects.exclude(author_id=alice.id).exists()
    assert not List.objects.exclude(owner_id=alice.id).exists()
    assert not Application.objects.exclude(owner_id=alice.id).exists()


def test_a_sign_up_makes_nobody_of_the_staff(browser):
    browser.get("/signup")
    form = dict.fromkeys(COLUMNS, "1") | {"username": "newcomer", "password": PASSWORD, "name": "N"}

    assert browser.post("/signup", form).status_code == 302

    made = User.objects.get(username="newcomer")
    assert (made.is_staff, made.is_superuser, made.email, made.followers_count) == (
        False, False, None, 0,
    )  # fmt: skip


@pytest.mark.parametrize("length", [5_000, 300_000])
def test_every_field_of_every_form_has_an_end(browser, browser_as, alice, length):
    long, member = "x" * length, browser_as(alice)
    browser.get("/login")
    forms: list[tuple[Any, str, list[str]]] = [
        (browser, "/login", ["username", "password"]),
        (browser, "/signup", ["username", "name", "password"]),
        (browser, "/reset", ["account"]),
        (member, "/settings/profile", ["name", "bio", "location", "url"]),
        (member, "/settings/email", ["email", "password"]),
        (member, "/settings/muted-words", ["word", "text"]),
        (member, "/lists/new", ["name", "description"]),
        (member, "/developer/apps/new", ["name", "description", "website", "redirect_uris"]),
        (member, "/compose", ["text"]),
    ]

    came = {
        path: reader.post(path, dict.fromkeys(fields, long) | {"access": "read"}).status_code
        for reader, path, fields in forms
    }

    assert {path for path, status in came.items() if status not in {400, 413, 422}} == set()
    assert not Tweet.objects.exists()
    assert not List.objects.exists()


def test_no_answer_leads_off_the_site_or_breaks_its_head(browser, browser_as, alice, bob):
    member, came = browser_as(alice), []
    for where in ELSEWHERE:
        answers = [
            member.post("/bob/follow", {"next": where}),
            member._run(member._client.get("/login", params={"next": where})),
            member._run(member._client.get("/language/de", params={"next": where})),
            browser._run(browser._client.get("/admin/login/", params={"next": where})),
        ]
        came += [(where, answer.headers.get("location", "/")) for answer in answers]
        assert all("set-cookie: a=b" not in str(answer.headers).lower() for answer in answers)

    assert len(ELSEWHERE) > 25
    for where, location in came:
        assert re.fullmatch(r"/(?![/\\\t ])[^\r\n\t\\]*", location), (where, location)


def test_letters_lead_to_the_configured_address_whoever_is_called(
    api, loop, world, settings, mailoutbox
):
    UserFactory.create(username="dora", email="dora@example.com")
    settings.ALLOWED_HOSTS = ["testserver"]
    token = "a" * 32
    form = f"csrfmiddlewaretoken={token}&account=dora".encode()
    headers = {"cookie": f"csrftoken={token}", "x-forwarded-host": "evil.example"}
    kind = "application/x-www-form-urlencoded"

    named = api.request(
        "POST",
        "/reset",
        body=form,
        headers={**headers, "content-type": kind, "host": "evil.example"},
    )
    sent = api.request("POST", "/reset", body=form, headers={**headers, "content-type": kind})
    loop.run_until_complete(letters.settled())

    assert (named.status_code, sent.status_code) == (400, 200)
    (letter,) = mailoutbox
    assert settings.PUBLIC_URL in letter.body
    assert "evil" not in letter.body + str(letter.extra_headers) + sent.content.decode()


def test_a_bug_tells_the_log_no_secret(api_as, browser, alice, monkeypatch, caplog):
    async def broken(_ids: Any) -> Any:
        raise ZeroDivisionError

    client = api_as(alice)
    monkeypatch.setattr(tweet_queries, "tweets_by_ids", broken)
    monkeypatch.setattr("apps.users.views._enter", lambda *_: 1 / 0)
    browser.get("/login")
    with caplog.at_level(logging.DEBUG):
        failed = [
            client.get("/2/tweets/5").status_code,
            browser.post("/login", {"username": "alice", "password": "s3cret-canary"}).status_code,
        ]

    told = "".join(str(vars(one)) + str(one.exc_info) for one in caplog.records) + caplog.text
    assert failed == [500, 500]
    assert "ZeroDivisionError" in told
    assert client.token not in told
    assert "s3cret-canary" not in told
    assert browser.cookies["csrftoken"] not in told
