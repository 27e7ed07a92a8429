"""`manage.py import_archive`."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.archives.models import ArchiveImport
from apps.tweets.models import Tweet
from tests.archives.made import post_id, tweet, ytd, zipped


def run_command(path: Path, **options: Any) -> str:
    out = io.StringIO()
    options.setdefault("user", "alice")
    call_command("import_archive", str(path), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def test_an_archive_comes_by_command_and_goes_again(take, alice, tmp_path):
    folder = ytd(tmp_path / "a", [tweet(1, "a"), tweet(2, "RT @bob: b")], count=3)

    said = run_command(zipped(folder), user="@Alice")

    assert Tweet.objects.count() == 2
    for line in (
        "posts by its own count",
        "posts that came",
        "Retweets kept as text",
        "not in its",
    ):
        assert line in said
    assert str(post_id(2)) in said

    assert "gone" in run_command(zipped(folder), undo=True)
    assert not Tweet.objects.exists()
    with pytest.raises(CommandError, match="brought nothing"):
        run_command(zipped(folder), undo=True)


def test_a_dry_run_stores_nothing(take, alice, tmp_path):
    said = run_command(ytd(tmp_path / "a", [tweet(1)]), dry_run=True)

    assert "Nothing was stored" in said
    assert not ArchiveImport.objects.exists()
    assert not Tweet.objects.exists()


def test_a_second_run_says_the_same_and_changes_nothing(take, alice, tmp_path):
    folder = ytd(tmp_path / "a", [tweet(1)])
    first = run_command(folder)

    assert run_command(folder) == first
    assert Tweet.objects.count() == 1


@pytest.mark.parametrize("undo", [False, True])
def test_what_is_wrong_is_one_sentence(take, alice, tmp_path, undo):
    with pytest.raises(CommandError, match="is not there"):
        run_command(tmp_path / "nothing.zip", undo=undo)
    with pytest.raises(CommandError, match="no account"):
        run_command(tmp_path / "nothing.zip", user="nobody", undo=undo)


def test_a_broken_archive_is_refused_and_may_be_brought_again(take, alice, tmp_path):
    folder = ytd(tmp_path / "a", [tweet(1)])
    file = folder / "data/tweets.js"
    whole = file.read_text()
    file.write_text(whole[:-1] + " ")
    with pytest.raises(CommandError, match="ends in the middle"):
        run_command(folder)

    file.write_text(whole)
    run_command(folder)

    assert Tweet.objects.count() == 1
