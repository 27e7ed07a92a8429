"""Every form of the site with naughty strings in its fields: none is answered with 5xx.

The forms are those that stand on the pages. Fields get odd values, are left out, come twice, or
are ones that the form does not have. `make fuzz` sends 5,000; a usual run sends some hundred.
"""

import os
import random
from collections import Counter
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.browser import addresses
from tests.browser.addresses import READER
from tests.browser.scene import Scene
from tests.flows.naughty import BLNS, OWN, corpus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

POSTS = int(os.environ.get("FORM_POSTS", "300"))
TOKEN = "csrfmiddlewaretoken"
# A form's own kind, with and without scripts, and one that no form has.
KINDS = ("urlencoded", "urlencoded", "htmx", "multipart", "bytes")


class Forms(HTMLParser):
    """The forms of a page that change something: where each goes, and its fields as they stand."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.found: list[tuple[str, dict[str, str]]] = []
        self._fields: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._fields = {} if given.get("method", "").lower() == "post" else None
            if self._fields is not None:
                self.found.append((given.get("action") or self.address, self._fields))
        elif self._fields is not None and given.get("name"):
            self._fields.setdefault(given["name"], given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._fields = None


@pytest.fixture
def rooms(world: None) -> addresses.Rooms:
    """The site's reader with something on every page."""
    return addresses.furnish(Scene())


def forms_of(browser: Any, pages: list[addresses.Page]) -> list[tuple[str, dict[str, str]]]:
    """Each once, by where it goes and what its fields are called."""
    found: dict[tuple[str, ...], tuple[str, dict[str, str]]] = {}
    for page in pages:
        answer = browser.get(page.address)
        assert answer.status_code < 500, page
        parser = Forms(page.address)
        parser.feed(answer.text)
        for action, fields in parser.found:
            found.setdefault((urlsplit(action).path, *sorted(fields)), (action, fields))
    return [found[key] for key in sorted(found)]


def spoilt(fields: dict[str, str], odd: list[str], chance: random.Random) -> dict[str, Any]:
    """The fields with something odd about them; the token stays, or nothing else is looked at."""
    names = sorted(name for name in fields if name != TOKEN)
    made: dict[str, Any] = {name: fields[name] for name in names}
    for name in chance.sample(names, min(len(names), chance.choice([1, 1, 2, 9]))):
        how = chance.random()
        if how < 0.85:
            made[name] = chance.choice(odd)
        elif how < 0.93:
            made[name] = [chance.choice(odd), chance.choice(odd)]
        else:
            del made[name]
    if chance.random() < 0.1 or not names:
        made[_text(chance.choice(odd)) or "x"] = chance.choice(odd)
    return {
        name: [_text(one) for one in value] if isinstance(value, list) else _text(value)
        for name, value in made.items()
    }


def _text(value: str) -> str:
    """As a client can send it: half a surrogate pair has no bytes."""
    return value.encode("utf-8", "replace").decode()


def send(browser: Any, action: str, fields: dict[str, Any], chance: random.Random) -> Any:
    """Send a form one way or another."""
    kind = chance.choice(KINDS)
    if kind == "bytes":
        token = browser.cookies.get("csrftoken", "")
        body = (
            f"{TOKEN}={token}&".encode()
            + "&".join(f"{quote(name)}={value}" for name, value in fields.items()).encode()
        )
        return browser.raw(action, body, "application/x-www-form-urlencoded")
    if kind == "multipart":
        name = next(iter(fields), "picture")
        return browser.post(action, fields, files={name: ("a\x00b.png", b"\x89PNG\r\n\x1a\n" * 9)})
    return browser.post(action, fields, htmx=kind == "htmx")


@pytest.mark.parametrize("who", [READER, ""], ids=["member", "visitor"])
def test_no_form_is_answered_with_5xx(rooms: addresses.Rooms, browser: Any, who: str) -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    odd = OWN + (corpus() if BLNS.exists() else [])
    if who:
        assert browser.log_in(who).status_code == 302
    pages = [one for one in addresses.pages(rooms) if one.is_member is bool(who)]
    forms = forms_of(browser, pages)
    assert len(forms) > (40 if who else 3)

    statuses: Counter[int] = Counter()
    for _ in range(POSTS if who else POSTS // 5):
        action, fields = chance.choice(forms)
        made = spoilt(fields, odd, chance)
        answer = send(browser, action, made, chance)
        assert answer.status_code < 500, (seed, action, made, answer.text[:1000])
        statuses[answer.status_code] += 1
        if who and browser.get("/compose").status_code != 200:
            # It was the way out.
            browser.log_in(who)

    print(f"{len(forms)} forms of {who or 'visitors'}: {dict(statuses)}")
    assert statuses[200] + statuses[302]
    assert statuses[400]
