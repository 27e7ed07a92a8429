"""The contract of the doors: proved on a small house that breaks it."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = """
[importlinter]
root_packages =
    house
contract_types =
    doors: tests.architecture.doors.DoorsContract

[importlinter:contract:doors]
name = doors
type = doors
container = house
doors = services queries
more_doors = house.cellar.hatch
open_to_all = house.ground
"""


def lint(directory: Path, *, attic_imports: str) -> subprocess.CompletedProcess[str]:
    for room in ("attic/views", "cellar/services", "cellar/hatch", "cellar/models", "ground/clock"):
        path = directory / "house" / f"{room}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text("")
    (directory / "house" / "__init__.py").touch()
    (directory / "house" / "cellar" / "services.py").write_text("import house.cellar.models\n")
    (directory / "house" / "attic" / "views.py").write_text(f"import {attic_imports}\n")
    (directory / ".importlinter").write_text(textwrap.dedent(CONTRACT))
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.path.insert(0, '.');"
        "from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "imported", ["house.cellar.services", "house.cellar.hatch", "house.ground.clock"]
)
def test_a_door_is_open(tmp_path: Path, imported: str):
    done = lint(tmp_path, attic_imports=imported)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("imported", ["house.cellar.models", "house.cellar"])
def test_a_wall_is_a_wall(tmp_path: Path, imported: str):
    done = lint(tmp_path, attic_imports=imported)

    assert done.returncode == 1, done.stdout + done.stderr
    assert f"house.attic.views imports {imported}" in done.stdout + done.stderr
