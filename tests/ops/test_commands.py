"""The small commands of operators."""

import io
import subprocess
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.infra import clock
from apps.infra.conf import BASE_DIR
from apps.ops import tasks
from apps.tweets.services import post_tweet
from apps.users.auth import actor_of_token
from apps.users.models import User
from apps.users.services import ALL_SCOPES, suspend_user


def output(*command: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out, **options)
    return out.getvalue()


def test_issue_token_prints_a_token_with_all_scopes_and_nothing_else(alice: User, run: Any) -> None:
    said = output("issue_token", "@Alice")

    token = said.removesuffix("\n")
    assert token
    assert token.split() == [token]
    actor = run(actor_of_token(token))
    assert actor.user_id == alice.id
    assert actor.scopes == set(ALL_SCOPES.split())


def test_issue_token_says_why_it_does_not(alice: User) -> None:
    suspend_user(user_id=alice.id, now=clock.now())

    with pytest.raises(CommandError, match="@nobody"):
        output("issue_token", "nobody")
    with pytest.raises(CommandError, match="suspended"):
        output("issue_token", "alice")


def test_a_command_that_fails_writes_to_standard_error_only(world: None) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "import_graph", "no/such/file.csv"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert "No such file" in done.stderr


def test_partitions_are_listed_with_rows_and_size(alice: User) -> None:
    post_tweet(author_id=alice.id, text="hello", now=clock.now())

    said = output("manage_partitions", list=True)

    month = clock.now()
    row = next(line for line in said.splitlines() if f"tweets_{month:%Y_%m}" in line)
    assert " 1 " in row
    assert "tweets_default" in said


def test_the_job_of_the_clock_is_idempotent(world: None) -> None:
    tasks.manage_partitions()
    tasks.manage_partitions(argument_of_a_newer_release=1)

    assert "none were missing" in output("manage_partitions")
