"""The map is complete: a package, setting or metric that docs/architecture.md lacks fails here."""

from dataclasses import fields
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from apps.infra.conf import Conf
from apps.infra.telemetry import metrics

ROOT = Path(__file__).resolve().parents[2]
MAP = (ROOT / "docs" / "architecture.md").read_text()


@pytest.mark.parametrize(
    "package", sorted(path.parent.name for path in ROOT.glob("apps/*/__init__.py"))
)
def test_every_app_is_on_the_map(package):
    assert f"`apps.{package}`" in MAP


@pytest.mark.parametrize("setting", [spec.name.upper() for spec in fields(Conf)])
def test_every_setting_is_on_the_map(setting):
    assert f"`{setting}`" in MAP


@pytest.mark.parametrize("setting", [spec.name for spec in fields(Conf)])
def test_every_setting_says_what_it_is_for(setting):
    assert Conf.__dataclass_fields__[setting].metadata["doc"].endswith(".")


@pytest.mark.parametrize(
    "metric",
    sorted(value._name for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)),
)
def test_every_metric_is_on_the_map(metric):
    assert f"`{metric}`" in MAP


def test_the_readme_names_the_two_commands():
    readme = (ROOT / "README.md").read_text()

    assert "make run" in readme
    assert "make test" in readme
