"""docs/security.md is true: every test that it names is there, and every row names one or says why
it needs none."""

import ast
import re

import pytest

from apps.infra.conf import BASE_DIR

TEXT = (BASE_DIR / "docs" / "security.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| class", "|--"))
]
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def names_in(path: str) -> set[str]:
    tree = ast.parse((BASE_DIR / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_table_has_all_classes():
    assert len(ROWS) >= 31
    assert len({row[0] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_row_names_a_test_or_a_reason(row):
    _, what_holds, tests = row

    assert len(what_holds) > 20
    named = NAMED.findall(tests)
    assert named or tests.startswith("none: ")
    for path, test in named:
        assert (BASE_DIR / path).is_file(), path
        assert not test or test in names_in(path), f"{path}::{test}"
        assert test or names_in(path) & {one for one in names_in(path) if one.startswith("test_")}


def test_every_test_of_security_is_in_the_table():
    named = {path for row in ROWS for path, _ in NAMED.findall(row[2])}
    written = {
        path.relative_to(BASE_DIR).as_posix()
        for path in (BASE_DIR / "tests" / "security").glob("test_*.py")
    }

    assert written - named == set()
