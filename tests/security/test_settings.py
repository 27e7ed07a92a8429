"""The settings of production: Django's list for a deployment is empty, cookies are bound to their
host, secrets may come from files."""

import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from apps.infra.conf import BASE_DIR, BadSetting, Conf, load
from apps.infra.engines import services

SECRETS = {spec.name.upper() for spec in fields(Conf) if spec.metadata.get("is_secret")}
KEY = "k3y-" * 20 + "of many different letters"


def probe(environ, tmp_path):
    given = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    given |= {"DJANGO_SETTINGS_MODULE": "twitterlite.settings.prod", "VAR_DIR": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-m", "tests.security.probe_deploy"],
        env=given | environ, cwd=BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_production_passes_djangos_list_and_takes_secrets_from_files(tmp_path):
    key, database = tmp_path / "key", tmp_path / "database"
    key.write_text(KEY + "\n")
    database.write_text("postgresql://tl:word@db.example:5432/tl\n")

    done = probe(
        {
            "ALLOWED_HOSTS": "tl.example",
            "PUBLIC_URL": "https://tl.example",
            "HTTPS": "1",
            "HSTS_SUBDOMAINS": "1",
            "DJANGO_SECRET_KEY_FILE": str(key),
            "DATABASE_URL_FILE": str(database),
        },
        tmp_path,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "no issues" in found["said"], found["said"]
    assert found["cookies"] == ["__Host-sessionid", "__Host-csrftoken", "__Host-known"]
    assert (found["key"], found["host"], found["debug"]) == (KEY, "db.example", False)


def test_every_secret_may_be_a_file(tmp_path):
    assert {"DJANGO_SECRET_KEY", "DATABASE_URL", "EMAIL_URL", "METRICS_TOKEN"} <= SECRETS
    assert (
        not {
            spec.name
            for spec in fields(Conf)
            if spec.name.endswith(("_token", "_key", "_url", "_secret", "_password"))
        }
        - {name.lower() for name in SECRETS}
        - {"public_url", "media_url"}
    )
    example = (BASE_DIR / ".env.example").read_text()

    for name in SECRETS:
        path = tmp_path / name
        path.write_text(f"of {name}\n")
        found = load({f"{name}_FILE": str(path), "VAR_DIR": str(tmp_path)})
        assert getattr(found, name.lower()) == f"of {name}"
        assert f"{name}_FILE" in example


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"METRICS_TOKEN": "hush", "METRICS_TOKEN_FILE": "/x"}, "not both"),
        ({"METRICS_TOKEN_FILE": "/no/such/file"}, "cannot be read"),
    ],
)
def test_a_secret_that_cannot_be_had_stops_the_process(given, why):
    with pytest.raises(BadSetting, match=why) as caught:
        load(given)

    assert "hush" not in str(caught.value)


def test_an_engine_whose_address_is_in_a_file_is_not_started_here(tmp_path):
    given = {f"{name}_FILE": "/x" for name in services.VARIABLES.values()}

    assert services.embedded_engines(var_dir=Path(tmp_path), kept_ports={}, environ=given) == {}
