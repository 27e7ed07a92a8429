"""Backups: what is in them, and that `backup verify` sees what is wrong with one."""

import errno
import json
import os
import shutil
import stat
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.infra import clock, ids
from apps.infra.telemetry import metrics
from apps.media.services import sweeping
from apps.media.store import FolderStore
from apps.ops import tasks
from apps.ops.backups import folder, programs, taking
from apps.ops.backups.pictures import take_pictures
from tests.factories import UserFactory
from tests.media.conftest import files, picture  # noqa: F401 - a fixture
from tests.media.verbs import hang, once

CANARY = "canary-of-the-secret-key"


def run_command(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def refusal(*arguments: str, **options: Any) -> str:
    """What a command says on standard output and as its error."""
    out = StringIO()
    with pytest.raises(CommandError) as error:
        call_command(*arguments, stdout=out, **options)
    return f"{out.getvalue()}{error.value}"


def only_backup(place: Path) -> Path:
    (found,) = folder.backups_in(place)
    return found


def damaged(backup: Path, path: str, tmp_path: Path) -> Path:
    """A copy of a backup in which one bit of one file is another."""
    copy = shutil.copytree(backup, tmp_path / f"damaged-{path.replace('/', '-')}")
    content = bytearray((copy / path).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / path).write_bytes(content)
    return copy


@pytest.fixture
def place(world: None, files: FolderStore, tmp_path: Path, settings: Any) -> Path:  # noqa: F811
    """A folder for backups, and a key of the house that is known again wherever it shows."""
    settings.SECRET_KEY_FILE = tmp_path / "secret_key"
    settings.SECRET_KEY_FILE.write_text(CANARY)
    settings.SECRET_KEY = CANARY
    return tmp_path / "backups"


@pytest.mark.slow
def test_a_backup_holds_all_and_verify_names_each_damaged_file(place, alice, files, tmp_path):  # noqa: F811
    photo, lost = once(alice).id, once(alice, picture("PNG")).id
    hang(alice, photo, tweet_id=ids.next_id())
    files.remove(lost, ["medium.jpg"])

    said = run_command("backup", str(place))
    backup = only_backup(place)

    # What is missing is told, and is no reason to throw the rest away.
    missing = f"{(lost >> 22) % 1000:03}/{lost}/medium.jpg"
    assert f"1 files are missing that the database names: {missing}" in said
    manifest = folder.read_manifest(backup)
    assert (manifest.missing, manifest.media_files, manifest.pictures) == ([missing], 5, 2)
    assert manifest.rows["media"] == 2
    assert manifest.highest_id >= photo
    assert "whole" in run_command("backup", "verify", "--deep", str(backup))

    # Nobody else reads any of it, and the key is in its file alone.
    for path in (backup, *backup.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
        if path.is_file() and path.name != "secret_key":
            assert CANARY.encode() not in path.read_bytes()
    assert CANARY not in said
    assert (backup / "keys/secret_key").read_text() == CANARY

    dump = max((backup / "database").glob("*.dat.gz"), key=lambda path: path.stat().st_size)
    media = next((backup / "media").rglob("large.jpg"))
    for path in (dump, media, backup / "database/toc.dat", backup / "keys/secret_key"):
        name = str(path.relative_to(backup))
        copy = damaged(backup, name, tmp_path)
        assert f"{name} is damaged" in refusal("backup", "verify", str(copy))
        shutil.rmtree(copy)


def test_verify_misses_files_rows_and_the_manifest(place, alice):
    run_command("backup", str(place))
    backup = only_backup(place)
    written = json.loads((backup / "manifest.json").read_text())

    # As if a table had been dumped by half, and all digests agreed with that.
    written["rows"]["users"] += 1
    (backup / "manifest.json").write_text(json.dumps(written))
    told = refusal("backup", "verify", str(backup))
    assert "table users: 1 rows, 2 in the manifest" in told

    next((backup / "database").glob("*.dat.gz")).unlink()
    (backup / "database/stray").touch()
    told = refusal("backup", "verify", str(backup))
    assert ".dat.gz is missing" in told
    assert "stray is not in the manifest" in told

    (backup / "manifest.json").write_text("{")
    assert "cannot be read" in refusal("backup", "verify", str(backup))
    assert f"These lie in it: {backup.name}" in refusal("backup", "verify", str(place))
    (backup / "manifest.json").unlink()
    assert "it is no backup" in refusal("backup", "verify", str(backup))


def test_the_next_backup_copies_only_what_is_new_and_old_ones_go(place, alice, files):  # noqa: F811
    once(alice)
    with clock.frozen(datetime(2026, 1, 31, 12, tzinfo=UTC)):
        run_command("backup", str(place))
        # What a backup that was killed has left.
        (place / ".partial-2026-01-31T110000Z").mkdir()
        said = run_command("backup", str(place))
        first, second = folder.backups_in(place)
        old, again = (next(one.rglob("large.jpg")) for one in (first, second))
        live = settings.MEDIA_DIR / again.relative_to(second / "media")

        assert (first.name, second.name) == ("2026-01-31T120000Z", "2026-01-31T120000Z-2")
        assert "3 files as in the backup before" in said
        assert old.stat().st_ino == again.stat().st_ino != live.stat().st_ino
        assert not list(place.glob(".partial-*"))

        said = run_command("backup", str(place), keep=2)
        assert f"Removed: {first.name}" in said
        assert folder.backups_in(place)[0] == second
        assert "whole" in run_command("backup", "verify", str(second))

        tasks.measure_backups()
        assert metrics.LAST_BACKUP._value.get() == clock.now().timestamp()


def test_a_backup_is_one_moment_while_people_come_and_pictures_are_swept(
    place, alice, files, monkeypatch  # noqa: F811
):  # fmt: skip
    orphan = once(alice).id
    later = clock.now() + timedelta(days=2)

    def after_a_sweep(*given: Any, **how: Any) -> Any:
        assert sweeping.sweep(now=later) == 0
        return take_pictures(*given, **how)

    def while_people_come(*given: Any, **how: Any) -> None:
        UserFactory()
        run_program(*given, **how)
        UserFactory()

    run_program = programs.run
    monkeypatch.setattr(programs, "run", while_people_come)
    monkeypatch.setattr(taking, "take_pictures", after_a_sweep)
    run_command("backup", str(place))

    # Dump, counts and pictures are of one moment.
    manifest = folder.read_manifest(only_backup(place))
    assert manifest.rows["users"] == 1
    assert (manifest.media_files, manifest.missing) == (3, [])
    assert "whole" in run_command("backup", "verify", str(only_backup(place)))
    assert list(files.ids()) == [orphan]
    assert sweeping.sweep(now=later) == 1

    with folder.only_one(place):
        assert "under way" in refusal("backup", str(place))


def test_a_full_disk_is_told_and_leaves_nothing(place, alice, monkeypatch):
    run_command("backup", str(place))
    before = sorted(place.iterdir())

    def full(*_how: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("apps.ops.backups.folder.os.fsync", full)
    told = refusal("backup", str(place))

    assert "There is no room" in told
    assert sorted(place.iterdir()) == before


def test_pg_dump_that_fails_is_told_in_its_own_words_and_leaves_nothing(place, world, monkeypatch):
    monkeypatch.setattr(taking, "_COMPRESSION", "no-such-thing")

    told = refusal("backup", str(place))

    assert "pg_dump failed (exit code 1)" in told
    assert "no-such-thing" in told
    assert [path.name for path in place.iterdir()] == [".lock"]
