"""A real client at a real server: tweepy reads a filtered stream."""

import signal
import sys
import time
from typing import Any

import pytest
from django.db import connections

from apps.infra import clock
from apps.infra.conf import BASE_DIR
from apps.infra.engines import ports, process
from apps.tweets.services import post_tweet
from apps.users.services_apps import create_application
from apps.users.services_tokens import app_only_token
from tests.spine import drain_committed, environment_of, wait_for

tweepy: Any = pytest.importorskip("tweepy")
pytestmark = pytest.mark.slow


@pytest.fixture
def server(world, tmp_path):
    """gunicorn as in production, one process; its port and its process."""
    environment = environment_of("twitterlite.settings.test")
    port = ports.choose(taken=[])
    environment |= {"PORT": str(port), "WEB_CONCURRENCY": "1"}
    made = process.spawn(
        [sys.executable, "-m", "gunicorn", "-c", "python:apps.infra.engines.gunicorn_conf",
         "twitterlite.asgi:application"],
        log=tmp_path / "web.log",
        env=environment,
        cwd=BASE_DIR,
    )  # fmt: skip
    wait_for(lambda: "startup complete" in (tmp_path / "web.log").read_text(), seconds=60)
    yield port, made
    made.kill()
    made.wait()
    connections.close_all()


def test_tweepy_reads_a_stream_that_a_stop_does_not_wait_for(server, monkeypatch, alice, bob):
    port, web = server
    keys = create_application(owner_id=alice.id, name="Ear", now=clock.now())
    token = app_only_token(application_id=keys.application_id, now=clock.now())
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    heard = []

    class Ear(tweepy.StreamingClient):  # type: ignore[misc]
        def on_response(self, response):
            heard.append(response)

        def on_request_error(self, status_code):
            heard.append(status_code)

    ear = Ear(token, max_retries=0)
    # The only change that a client needs.
    request = ear.session.request
    ear.session.request = lambda method, url, **how: request(
        method, url.replace("https://api.twitter.com", f"http://127.0.0.1:{port}"), **how
    )
    added = ear.add_rules([tweepy.StreamRule("tea", tag="hot")])
    thread = ear.filter(threaded=True, expansions="author_id")
    wait_for(lambda: ear.running)
    end = time.monotonic() + 20
    while not heard and time.monotonic() < end:
        post_tweet(author_id=bob.id, text="tea", now=clock.now())
        drain_committed()
        time.sleep(0.2)

    assert heard[0].data.text == "tea"
    assert heard[0].includes["users"][0].username == "bob"
    assert heard[0].matching_rules[0].tag == "hot"
    assert heard[0].matching_rules[0].id == str(added.data[0].id)
    web.send_signal(signal.SIGTERM)
    web.wait(timeout=20)
    ear.disconnect()
    thread.join(timeout=20)
    assert not thread.is_alive()
