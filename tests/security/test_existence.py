"""What somebody may not see answers, to the letter, as what never was: every operation of the API
and every address of the site that names a post or a list, generated from both.

alice asks. carol is protected; erin is protected and blocks her; dave is suspended; bob deleted a
post and keeps a private list.
"""

import json
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from apps.graph.services import block_user
from apps.graph.services_lists import create_list
from apps.infra import clock
from apps.tweets.services import delete_tweet, post_tweet
from apps.users.services import set_protected, suspend_user
from tests.factories import UserFactory
from tests.media.verbs import once
from tests.users.test_matrix_people import TABLE

MISSING = 1234567890123456789
AIMED = [name for name, (aim, _) in TABLE.items() if "{tweet}" in aim or "{list}" in aim]
# The API is asked operation by operation.
_PROGRAMS = ("2/", "1.1/", "admin/")


class Secrets:
    """Posts and lists that alice may not see, with their owners."""

    def __init__(self, bob: Any, alice: Any) -> None:
        carol, erin, dave = (UserFactory(username=name) for name in ("carol", "erin", "dave"))
        owners = {"carol": carol, "erin": erin, "dave": dave, "bob": bob}
        now = clock.now()
        self.tweets = {
            name: (owner, post_tweet(author_id=owner.id, text="secret", now=now).id)
            for name, owner in owners.items()
        }
        self.lists = {
            name: (
                owner,
                create_list(owner_id=owner.id, name="secret", is_private=name == "bob", now=now).id,
            )
            for name, owner in owners.items()
        }
        delete_tweet(user_id=bob.id, tweet_id=self.tweets["bob"][1], now=now)
        for one in (carol, erin):
            set_protected(user_id=one.id, protected=True, now=now)
        block_user(blocker_id=erin.id, blocked_id=alice.id, now=now)
        suspend_user(user_id=dave.id, now=now)


@pytest.fixture
def secrets(alice, bob, drain_outbox) -> Secrets:
    made = Secrets(bob, alice)
    drain_outbox()
    return made


def of(content: bytes, thing_id: int) -> str:
    """What was said, but for what is another with every request, and the id itself."""
    text = content.decode().replace(str(thing_id), "ID")
    text = re.sub(r'"request_id": ?"[^"]*"', "", text)
    return re.sub(r'(name="csrfmiddlewaretoken" value|name="key" value)="[^"]*"', "", text)


def test_the_api_does_not_tell(secrets, api_as, alice):
    client, told = api_as(alice), []

    def ask(name: str, thing_id: int, language: str) -> tuple[int, str]:
        aim = TABLE[name][0].replace("{me}", str(alice.id))
        aim = re.sub(r"\{(tweet|list)\}", str(thing_id), aim)
        path, _, body = aim.partition(" ")
        headers = {"content-type": "application/json", "accept-language": language}
        method = name.partition(" ")[0]
        answer = client.request(method, path, body=body.encode(), headers=headers)
        return answer.status_code, of(answer.content, thing_id)

    for name in AIMED:
        things = secrets.tweets if "{tweet}" in TABLE[name][0] else secrets.lists
        for language in ("en", "de") if name.startswith("GET") else ("en",):
            never = ask(name, MISSING, language)
            told += [
                f"{name} of {who}: {said} instead of {never}"
                for who, (_, thing_id) in things.items()
                if (said := ask(name, thing_id, language)) != never
            ]
    assert len(AIMED) > 20
    assert told == []


def _routes(patterns: Any, before: str = "") -> Iterator[str]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _routes(one.url_patterns, route)
        elif isinstance(one, URLPattern):
            yield route


ROUTES = [
    route
    for route in _routes(get_resolver().url_patterns)
    if re.search(r":(tweet_id|list_id)>", route) and not route.startswith(_PROGRAMS)
]


def test_the_site_does_not_tell(secrets, browser_as, alice):
    browser, told = browser_as(alice), []

    def ask(route: str, owner: Any, thing_id: int, is_post: bool) -> tuple[int, str, str]:
        path = "/" + re.sub(r"<id:(tweet_id|list_id)>", str(thing_id), route)
        path = path.replace("<username:username>", owner.username)
        answer = browser.post(path, htmx=True) if is_post else browser.get(path)
        shown = json.dumps(sorted(answer.headers.get("hx-trigger", "")))
        where = answer.headers.get("location", "").replace(str(thing_id), "ID")
        return answer.status_code, of(answer.content, thing_id), where + shown

    for route, is_post in product(ROUTES, (False, True)):
        is_tweet = "tweet_id" in route
        things = secrets.tweets if is_tweet else secrets.lists
        # One of each kind of answer; the API was asked about all.
        things = {one: things[one] for one in ("erin", "dave" if is_tweet else "bob")}
        never = None
        for who, (owner, thing_id) in things.items():
            # Where the owner's name stands in the address, the answer may say it.
            if never is None or "username" in route:
                never = ask(route, owner, MISSING, is_post)
            if never[0] == 405:
                break
            if (said := ask(route, owner, thing_id, is_post)) != never:
                told.append(f"{'POST' if is_post else 'GET'} {route} of {who}: {said[0]}")
    assert len(ROUTES) > 25
    assert told == []


def test_pictures_of_others_are_as_those_that_never_were(api_as, alice, bob):
    foreign = once(bob).id
    client = api_as(alice)

    def ask(media_id: int) -> tuple[int, str]:
        body = {"text": "x", "media": {"media_ids": [str(media_id)]}}
        answer = client.post("/2/tweets", body)
        return answer.status_code, of(answer.content, media_id)

    assert ask(foreign) == ask(MISSING)
    assert ask(foreign)[0] == 400
