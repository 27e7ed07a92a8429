"""twitter-api-v2, the library of JavaScript, at a live server: `node/scenario.cjs`.

It signs and speaks for https://api.x.com; its connections are led here (`node/redirect.cjs`). npm
puts it once into var/, by the lock file; where there is no npm, or no registry, these are skipped.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from apps.graph.services import follow_user
from apps.infra import clock
from apps.infra.conf import BASE_DIR
from apps.tweets.services import post_tweet
from tests.clients.conftest import Live
from tests.clients.pictures import picture
from tests.clients.test_tweepy_streams import saying
from tests.clients.tweepies import Credentials
from tests.flows.limits import as_written, narrow  # noqa: F401 - fixtures
from tests.users.oauth_clients import BACK, SCOPES

HERE = Path(__file__).parent / "node"
SECONDS = 60
Play = Callable[..., Any]


@pytest.fixture(scope="session")
def modules() -> Path:
    """The folder with what package-lock.json says."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node or npm is not installed")
    lock = (HERE / "package-lock.json").read_bytes()
    folder = BASE_DIR / "var" / "client-tests" / hashlib.sha256(lock).hexdigest()[:16]
    if not folder.exists():
        # Another process may do the same: whoever is first names it.
        draft = folder.with_name(f"{folder.name}.{os.getpid()}")
        draft.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, draft)
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=draft, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode == 0 and not folder.exists():
            draft.rename(folder)
        else:
            shutil.rmtree(draft)
            if not folder.exists():
                pytest.skip(f"npm ci failed: {done.stderr.strip()[-300:]}")
    return folder / "node_modules"


@pytest.fixture
def play(live: Live, modules: Path, app: Any, alice: Any, bob: Any) -> Play:
    """Play a scenario for bob, and give what it found; to be called in a script."""
    keys = {**asdict(Credentials.of(app, bob)), **asdict(app.keys)}

    def run(scenario: str, **given: Any) -> Any:
        done = subprocess.run(
            ["node", "-r", str(HERE / "redirect.cjs"), str(HERE / "scenario.cjs"), scenario],
            input=json.dumps({"keys": keys, "me": str(bob.id), "other": str(alice.id), **given}),
            env={**os.environ, "NODE_PATH": str(modules), "X_PORT": str(live.port)},
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def post(author: Any, text: str) -> str:
    return str(post_tweet(author_id=author.id, text=text, now=clock.now()).id)


def test_people_consent_with_pkce(live, play):
    def script() -> None:
        asked = {"back": BACK, "scope": SCOPES.split()}
        link = play("oauth2Link", **asked)
        answer = live.consent("bob", link["url"].replace("https://x.com", live.url))
        code = re.search(r"code=(\w+)", answer.headers["location"])
        assert code
        login = {"code": code[1], "codeVerifier": link["codeVerifier"]}
        assert play("oauth2Login", **asked, **login)["username"] == "bob"

    live.run(script)


def test_people_consent_with_oauth_1(live, play):
    def script() -> None:
        link = play("oauth1Link")
        page = live.consent("bob", re.sub(r"https://[^/]+", live.url, link["url"]))
        pin = re.search(r'id="pin" value="(\d+)"', page.text)
        assert pin
        login = {"token": link["oauth_token"], "secret": link["oauth_token_secret"]}
        found = play("oauth1Login", verifier=pin[1], **login)
        assert found == {"told": "bob", "asked": "bob"}

    live.run(script)


def test_an_application_reads_for_itself(live, play, alice):
    assert live.run(lambda: play("appLogin"))["id"] == str(alice.id)


@pytest.mark.parametrize("scenario", ["verbs", "people", "lists", "refusals"])
def test_what_people_do(live, play, alice, scenario):
    tweet = post(alice, "here")

    assert live.run(lambda: play(scenario, tweet=tweet))


def test_what_people_read(live, play, alice, bob, drain_outbox):
    follow_user(follower_id=bob.id, followee_id=alice.id, now=clock.now())
    said = [post(alice, f"tea {number} for @bob") for number in range(23)]
    drain_outbox()
    newest_first = said[::-1]

    found = live.run(lambda: play("reads", tweet=said[0]))

    for name in ("search", "everything", "timeline", "mentions", "home"):
        assert found[name] == newest_first, name
    assert found["pages"] == [newest_first[:10], newest_first[10:20]]
    assert found["looked"] == [said[0]]
    assert found["count"] == 23


def test_a_filtered_stream(live, play, alice):
    def script() -> None:
        with saying(alice, "tea", "coffee"):
            assert play("stream") == "tea"

    live.run(script)


def test_pictures(live, play):
    sent = base64.b64encode(picture("PNG").read()).decode()

    found = live.run(lambda: play("media", picture=sent))

    media = found["includes"]["media"]
    assert [one["type"] for one in media] == ["photo", "photo"]
    assert media[0]["alt_text"] == "a square"
    assert found["data"]["attachments"]["media_keys"] == [one["media_key"] for one in media]


def test_a_limit_is_told(live, play, alice, narrow):  # noqa: F811
    narrow("users", 3, 900)

    found = live.run(lambda: play("limits"))

    assert found["limit"] == 3
    assert found["now"] - 1 < found["reset"] < found["now"] + 902
