"""The reference for people: complete, on its own, and its quick start works."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from apps.infra.resilience import rules
from tests.conformance.world import operations
from tests.users.oauth_clients import BACK, sent_back
from twitterlite import docs, not_offered
from twitterlite.openapi.reference import anchor_of

ADDRESS = "/docs/api"


@pytest.fixture
def page(browser):
    answer = browser.get(ADDRESS)
    assert answer.status_code == 200
    return answer.text


def test_every_operation_has_its_place_and_example(page):
    for name in operations():
        method, path = name.split(" ")
        assert f'<article id="{anchor_of(name)}"' in page
        assert f'href="#{anchor_of(name)}"' in page
        assert f">{method}</b> <code>{path}</code>" in page
    anchors = re.findall(r' id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    for target in re.findall(r'href="#([^"]+)"', page):
        assert target in anchors


def test_code_in_sentences_is_code(page):
    assert "With an <code>Idempotency-Key</code>, a repeat" in page
    assert "`" not in page
    assert "&lt;code" not in page


def test_limits_and_what_is_missing_are_told(page):
    for name in not_offered.NAMES:
        assert name.replace("&", "&amp;") in page
    for one in rules.TABLE:
        if any(name in operations() for name in one.operations):
            assert f'<td>{one.what}</td><td class="num">{one.person:,}</td>' in page


def test_it_loads_nothing_from_elsewhere(page, browser):
    assert not re.search(r'(?:src|rel="stylesheet" href)="(?:https?:)?//', page)
    assert "style=" not in page
    for address in re.findall(r'(?:src|rel="stylesheet" href)="([^"]+)"', page):
        assert browser.get(address).status_code == 200
    # Compressed it is a tenth; nobody waits for it.
    assert len(page) < 400_000


def test_the_older_address_leads_here(api, browser):
    assert browser.get("/2/docs").headers["location"] == ADDRESS
    for path in ("/", "/about", "/login"):
        assert f'href="{ADDRESS}"' in browser.get(path).text


def run(step, **environment):
    """A block of the quick start, as a reader runs it."""
    file = docs.QUICK_START / docs.STEPS[step]
    command = [sys.executable, "-W", "error"] if step == "tweepy" else ["bash", "-e"]
    done = subprocess.run(
        [*command, str(file)], env={**os.environ, "NO_PROXY": "127.0.0.1", **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_quick_start_works(there, server, browser):
    keys, host = there.keys, server.url
    browser.log_in("alice")

    def script():
        where = {"HOST": host, "BACK": BACK, "NAME": "bob"}
        secrets = {
            "API_KEY": keys.consumer_key, "API_SECRET": keys.consumer_secret,
            "CLIENT_ID": keys.client_id, "CLIENT_SECRET": keys.client_secret,
        }  # fmt: skip
        token = json.loads(run("token", **where, **secrets))["access_token"]
        found = json.loads(run("read", **where, APP_TOKEN=token))
        assert found["data"]["username"] == "bob"
        verifier, address = re.findall(r": (\S+)", run("ask", **where, **secrets))
        return verifier, address.removeprefix(host)

    def rest():
        told = json.loads(
            run("person", HOST=host, BACK=BACK, CODE=code, VERIFIER=verifier,
                CLIENT_ID=keys.client_id, CLIENT_SECRET=keys.client_secret)
        )  # fmt: skip
        assert told["refresh_token"]
        posted = json.loads(run("post", HOST=host, TOKEN=told["access_token"]))
        assert posted["data"]["text"] == "Hello from curl"
        pytest.importorskip("tweepy", reason="tweepy is not installed")
        said = run("tweepy", HOST=host, TOKEN=told["access_token"])
        assert "as alice" in said
        assert "Hello from curl" in said

    verifier, address = server.run(script)
    code = sent_back(browser.post(address, {"decision": "allow"}))["code"]
    server.run(rest)
