"""Trends are left out by default: nobody pays for them, and nothing is shown."""

import os
import subprocess
import sys

import pytest

from apps.infra.engines import stack

_ASK = """
from twitterlite import topology
print([one.name for one in topology.SUBSCRIBERS if one.name == "trends"],
      [name for name in topology.SCHEDULE if "trends" in name])
"""


@pytest.mark.parametrize(("given", "told"), [("0", "[] []"), ("1", "['trends'] ['apps.trends")])
def test_who_does_without_has_no_subscriber_and_no_jobs(given, told):
    said = subprocess.run(
        [sys.executable, "-c", _ASK],
        cwd=stack.BASE_DIR, env={**os.environ, "TRENDS": given}, check=True, capture_output=True,
        text=True,
    )  # fmt: skip

    assert said.stdout.startswith(told)


def test_explore_is_the_search_then(browser, settings):
    settings.TRENDS = False

    answer = browser.get("/explore")

    assert (answer.status_code, answer.headers["location"]) == (302, "/search")
