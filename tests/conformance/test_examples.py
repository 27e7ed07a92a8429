"""The examples of the reference are real: each is asked for again, and what comes has the shape of
what was recorded. `RECORD_EXAMPLES=1` records them anew."""

import base64
import json
import os
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from apps.infra import clock
from apps.infra.web.envelope import timestamp
from apps.tweets.services import post_tweet
from tests.conformance.examples import EXAMPLES, WITHOUT
from tests.conformance.validator import validate
from tests.conformance.world import operations
from tests.http import Client, Response
from tests.media.conftest import multipart, picture
from tests.search.test_streams import Live
from tests.users.oauth_clients import VERIFIER, App
from twitterlite.openapi import examples

# Secrets are cut: an example is not for use.
SECRET = {"access_token", "refresh_token", "code", "code_verifier", "token"}
SHOWN = 6


class Examples:
    """Asks for one after the other; a few answers name what later requests need."""

    def __init__(self, there, loop, browser, drain):
        self.there, self.loop, self.drain = there, loop, drain
        self.app = App(there.keys, Client(loop))
        browser.log_in("alice")
        self.names = {
            **{name: str(one.id) for name, one in there.people.items()},
            **{name: str(one) for name, one in there.tweets.items()},
            **{name: str(one) for name, one in there.lists.items()},
            "media": there.media[0],
            "picture": there.media[0].partition("_")[2],
            "bytes": len(picture()),
            "tomorrow": timestamp(clock.now() + timedelta(days=1)),
            "app_token": there.app_token,
            "verifier": VERIFIER,
            "code": self.app.code(browser),
        }

    def filled(self, value):
        """The value with ids in place of their names."""
        if isinstance(value, dict):
            return {name: self.filled(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        if value == "{bytes}":
            return self.names["bytes"]
        if isinstance(value, str):
            for name, one in self.names.items():
                value = value.replace(f"{{{name}}}", str(one))
        return value

    def ask(self, name):
        """One example: what is to be shown of request and answer."""
        wanted = self.filled(EXAMPLES[name])
        method, path = name.split(" ")[0], wanted["path"]
        headers, body = self._auth(wanted.get("auth", "bearer")), b""
        if "json" in wanted:
            body = json.dumps(wanted["json"]).encode()
            headers["content-type"] = "application/json"
        if "form" in wanted:
            body = urlencode(wanted["form"]).encode()
            headers["content-type"] = "application/x-www-form-urlencoded"
        if "files" in wanted:
            files = {**wanted["files"], "media": picture()}
            body, headers["content-type"] = multipart(**files)
        if name.endswith("/stream"):
            answer = self._line(path)
        else:
            answer = Client(self.loop).request(method, path, body=body, headers=headers)
        validate(method, path, answer.status_code, answer.headers, answer.content)
        assert answer.status_code < 300, (name, answer.content)
        content = answer.json()
        if "keep" in wanted:
            self.names[wanted["keep"]] = content["data"]["id"]
        if "trim" in wanted:
            content["data"] = content["data"][-wanted["trim"] :]
        kept = {key: one for key, one in wanted.items() if key not in {"keep", "trim"}}
        return {"request": _cut(kept), "status": answer.status_code, "answer": _cut(content)}

    def _auth(self, kind):
        keys = self.there.keys
        if kind == "basic":
            return {"authorization": self.app.basic()}
        if kind == "consumer":
            pair = f"{keys.consumer_key}:{keys.consumer_secret}".encode()
            return {"authorization": "Basic " + base64.b64encode(pair).decode()}
        token = self.there.app_token if kind == "app" else self.there.token
        return {"authorization": f"Bearer {token}"}

    def _line(self, path):
        client = Client(self.loop, self.there.app_token)
        rules = {"add": [{"value": "tea", "tag": "hot"}]}
        client.post("/2/tweets/search/stream/rules", rules)
        stream = Live(self.loop, client, path.replace("sample", "search"))
        bob = self.there.people["bob"].id
        post_tweet(author_id=bob, text="More tea, anybody?", now=clock.now())
        self.drain()
        stream.until(lambda: stream.lines)
        (line, *_) = stream.lines
        stream.close()
        if "sample" in path:
            # One tweet of a hundred: the same line, without rules.
            del line["matching_rules"]
        return Response(stream.status, stream.headers, json.dumps(line).encode())


def _cut(content):
    if isinstance(content, dict):
        return {
            name: one[:SHOWN] + "…" if name in SECRET and isinstance(one, str) else _cut(one)
            for name, one in content.items()
        }
    return [_cut(one) for one in content] if isinstance(content, list) else content


def shape(content):
    """Names and kinds, without values."""
    if isinstance(content, dict):
        return {name: shape(one) for name, one in sorted(content.items())}
    if isinstance(content, list):
        return [shape(content[0])] if content else []
    return type(content).__name__


@pytest.fixture
def asked(there, loop, browser, drain_outbox):
    """Every example, asked for now."""
    made = Examples(there, loop, browser, drain_outbox)
    return {name: made.ask(name) for name in EXAMPLES}


def test_the_examples_are_real(asked):
    if os.environ.get("RECORD_EXAMPLES"):
        text = json.dumps(asked, indent=1, ensure_ascii=False) + "\n"
        examples.FILE.write_text(text)
        examples.recorded.cache_clear()

    recorded = examples.recorded()
    assert recorded.keys() == asked.keys()
    for name, one in asked.items():
        assert shape(one) == shape(recorded[name]), name


def test_every_operation_has_an_example():
    assert EXAMPLES.keys() | WITHOUT == operations().keys()
