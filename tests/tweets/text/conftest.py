"""Where the official cases of twitter-text lie; without them their tests are skipped."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

SUITE = "conformance/twitter-text"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of outside data."""
    given = os.environ.get("TWITTERLITE_CORPUS")
    path = Path(given) if given else Path(__file__).parents[4] / "shared" / "data"
    if not (path / SUITE).is_dir():
        pytest.skip("no corpus: neither TWITTERLITE_CORPUS nor ../shared/data")
    return path


@pytest.fixture(scope="session")
def cases(corpus: Path):
    """All cases of one file, by section: `cases("extract")["urls"]`."""

    def read(name: str) -> dict[str, list[dict[str, Any]]]:
        with (corpus / SUITE / f"{name}.yml").open(encoding="utf-8") as file:
            tests: dict[str, list[dict[str, Any]]] = yaml.load(file, yaml.CSafeLoader)["tests"]
        return tests

    return read
