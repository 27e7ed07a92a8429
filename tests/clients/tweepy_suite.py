"""Run tweepy's own live tests at a server of ours: a program, because they read their keys when
they are imported.

    python -m tests.clients.tweepy_suite FOLDER URL

takes the keys as `manage.py seed_client_tests --json` prints them on standard input, and prints
one JSON object: file → test → "" if it passed, else the last line of what went wrong.
"""

import json
import sys
import unittest
from pathlib import Path
from types import ModuleType
from typing import Any

import tweepy

from tests.clients.hosts import pointed_at

FILES = ("test_client", "test_asyncclient")


class _Tape:
    """In place of recorded answers: none, every request is made."""

    def use_cassette(self, *_: Any, **__: Any) -> Any:
        return lambda test: test


def _config(keys: dict[str, str]) -> ModuleType:
    """What the tests import as `config`."""
    made: Any = ModuleType("config")
    made.tape = _Tape()
    made.bearer_token = keys["x_bearer"]
    made.consumer_key, made.consumer_secret = keys["x_ck"], keys["x_cs"]
    made.access_token, made.access_token_secret = keys["x_at"], keys["x_as"]
    made.user_id = keys["x_at"].partition("-")[0]
    module: ModuleType = made
    return module


class _Result(unittest.TestResult):
    """Notes each test by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, str] = {}

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        self.told[test.id().rpartition(".")[2]] = ""

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        self.told[test.id().rpartition(".")[2]] = repr(err[1])

    addFailure = addError  # noqa: N815


def main() -> None:
    """Run."""
    folder, url = sys.argv[1:]
    assert Path(folder).is_dir()
    sys.modules["config"] = _config(json.load(sys.stdin))
    sys.path.insert(0, folder)
    found: dict[str, dict[str, str]] = {}
    with pointed_at(tweepy, {"https://api.twitter.com": url}):
        for name in FILES:
            result = _Result()
            unittest.defaultTestLoader.loadTestsFromName(name).run(result)
            found[name] = result.told
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
