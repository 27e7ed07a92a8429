"""tweepy's own live tests, unchanged, at our server; where somebody has put them: they are not part
of what PyPI gives, and not ours to ship.
"""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from apps.infra.conf import BASE_DIR
from tests.clients.conftest import Live

LIST, TWITTER, SUPPORT, NEWS = 84839422, 783214, 17874544, 372575989
REPLY, TWEETS = 1344794616005066752, [1293593516040269825, 1293595870563381249]
# What cannot pass, and why: there are no direct messages here, and no compliance jobs.
LACKING = {
    "test_manage_and_lookup_direct_messages",
    "test_create_and_get_compliance_job_and_jobs",
}
AT_LEAST = 35


@pytest.fixture
def suite() -> Path:
    """The folder `tests` of tweepy's repository."""
    corpus = Path(os.environ.get("TWITTERLITE_CORPUS") or BASE_DIR.parent / "shared" / "data")
    folder = Path(os.environ.get("TWEEPY_TESTS") or corpus / "clients" / "tweepy" / "tests")
    if not (folder / "test_client.py").exists():
        pytest.skip(f"tweepy's tests are not here: TWEEPY_TESTS, or {folder}")
    return folder


@pytest.fixture
def keys(live: Live, many_months: None) -> str:
    """Of a seeded world."""
    pytest.importorskip("tweepy", reason="tweepy is not installed")
    out = io.StringIO()
    call_command("seed_client_tests", "--json", stdout=out)
    return out.getvalue()


def test_tweepy_s_own_tests_pass(live: Live, suite: Path, keys: str, tmp_path: Path) -> None:
    def script() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.clients.tweepy_suite", str(suite), live.url],
            input=keys, capture_output=True, text=True, timeout=120,
            env={**os.environ, "PYTHONPATH": str(BASE_DIR)}, cwd=tmp_path, check=False,
        )  # fmt: skip

    done: Any = live.run(script)
    assert done.returncode == 0, done.stderr
    for name, tests in json.loads(done.stdout).items():
        failed = {test: error for test, error in tests.items() if error}
        assert failed.keys() <= LACKING, (name, failed)
        assert len(tests) - len(failed) >= AT_LEAST, name


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_they_look_for_is_in_the_seeded_world(pointed: Live, keys: str, kind: str) -> None:
    from tests.clients.tweepies import Credentials, hand

    found = json.loads(keys)
    mine = Credentials(
        user_id=int(found["x_at"].partition("-")[0]),
        bearer=found["x_bearer"], app_bearer=found["x_app_bearer"],
        consumer_key=found["x_ck"], consumer_secret=found["x_cs"],
        access_token=found["x_at"], access_token_secret=found["x_as"],
    )  # fmt: skip

    def script() -> None:
        with hand(kind, mine) as client:
            assert client.hide_reply(REPLY).data == {"hidden": True}
            assert client.unhide_reply(REPLY).data == {"hidden": False}
            assert [one.id for one in client.get_tweets(TWEETS).data] == TWEETS
            assert [one.id for one in client.get_users(usernames=["Twitter"]).data] == [TWITTER]
            assert client.get_users_tweets(TWITTER).meta == {"result_count": 0}
            assert client.get_list(LIST).data.name == "Official"
            assert len(client.get_list_tweets(LIST).data) == 4
            assert len(client.get_list_members(LIST).data) == 2
            assert len(client.get_owned_lists(TWITTER).data) == 1
            assert client.get_followed_lists(NEWS).data is None
            assert client.follow_user(SUPPORT).data["following"] is True
            assert client.unfollow_user(SUPPORT).data["following"] is False
            assert client.search_spaces("Twitter").data is None
            assert client.get_space("1YpKkzBgBlVxj").errors
            assert client.get_user(id=found["x_other"]).data.id == int(found["x_other"])

    pointed.run(script)
