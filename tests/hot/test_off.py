"""Where hot tweets are left out nobody pays for them."""

import os
import subprocess
import sys

import pytest

from apps.infra.engines import stack

_ASK = """
from twitterlite import topology
print([one.name for one in topology.SUBSCRIBERS if one.name == "hot"],
      [name for name in topology.SCHEDULE if "hot" in name])
import sys
print("river" in sys.modules or "numpy" in sys.modules)
"""


@pytest.mark.parametrize(
    ("given", "told"), [("0", "[] []"), ("1", "['hot'] ['apps.hot.tasks.look', ")]
)
def test_who_does_without_has_no_subscriber_and_no_jobs(given, told):
    said = subprocess.run(
        [sys.executable, "-c", _ASK],
        cwd=stack.BASE_DIR, env={**os.environ, "HOT": given}, check=True, capture_output=True,
        text=True,
    )  # fmt: skip

    assert said.stdout.startswith(told)


_START = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "twitterlite.settings.test")
import django
django.setup()
import twitterlite.asgi, apps.hot.admin, apps.hot.tasks
print(sorted({"river", "numpy", "scipy"} & set(sys.modules)))
"""


def test_only_who_learns_loads_the_library():
    said = subprocess.run(
        [sys.executable, "-c", _START],
        cwd=stack.BASE_DIR, env={**os.environ, "HOT": "1"}, check=True, capture_output=True,
        text=True,
    )  # fmt: skip

    assert said.stdout.splitlines()[-1] == "[]"
