"""Engines for `manage.py backup` and `restore` while nothing runs, or something does."""

from pathlib import Path

import pytest

from apps.infra.engines import alone, stack
from apps.infra.engines.options import Options


@pytest.fixture
def var_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("line", "needed"),
    [
        ("backup", True),
        ("backup /mnt --keep 3", True),
        ("restore /mnt/2026-01-31T120000Z --over", True),
        ("backup verify --deep /mnt/2026-01-31T120000Z", False),
        ("backup --deep verify /mnt/2026-01-31T120000Z", False),
        ("restore --help", False),
        ("promote", True),
        ("migrate", False),
        ("", False),
    ],
)
def test_engines_are_for_those_who_need_them(line, needed):
    assert alone.needs_engines(line.split()) == needed


def test_nothing_is_restored_under_a_running_service_and_none_starts_meanwhile(var_dir, capsys):
    with stack.only_one(var_dir):
        with alone.engines_for("backup"):
            """The engines of the service are there."""
        for command in ("restore", "promote"):
            with pytest.raises(SystemExit), alone.engines_for(command):
                pytest.fail("it went on")
            assert "Stop it first" in capsys.readouterr().out
        assert stack.up(Options(var_dir=var_dir, host="", port=1, demo=False)) == 1
        assert "wait for it" in capsys.readouterr().out


def test_where_nothing_was_ever_started_there_is_nothing_to_back_up(var_dir, monkeypatch, capsys):
    monkeypatch.delenv("DATABASE_URL")

    with pytest.raises(SystemExit), alone.engines_for("backup"):
        pytest.fail("it went on")

    assert "nothing was started here yet" in capsys.readouterr().out
    assert not (var_dir / "pg").exists()


def test_without_a_replica_there_is_nothing_to_promote(var_dir, monkeypatch, capsys):
    monkeypatch.delenv("DATABASE_URL")
    (var_dir / "pg").mkdir()

    with pytest.raises(SystemExit), alone.engines_for("promote"):
        pytest.fail("it went on")

    assert "There is no replica" in capsys.readouterr().out
    assert (var_dir / "pg").exists()


def test_with_engines_elsewhere_none_is_started_for_a_promotion(var_dir, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere")

    with alone.engines_for("promote"):
        """It asks those."""

    assert not (var_dir / "pg").exists()
