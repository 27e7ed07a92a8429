"""What a scraper reads, and who may."""

import os
import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from apps.infra.telemetry import exposition


def samples(body):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_requests_are_counted_by_route_and_status(api, api_as, alice):
    client = api_as(alice)
    key = (
        "tl_requests_total",
        (("method", "GET"), ("route", "2/users/me"), ("status", "200")),
    )
    before = samples(api.get("/metrics").content).get(key, 0)

    client.get("/2/users/me")
    client.get("/2/users/me")

    after = samples(api.get("/metrics").content)
    assert after[key] == before + 2
    assert after["tl_request_seconds_count", (("route", "2/users/me"),)] >= 2


def test_paths_of_strangers_do_not_make_new_series(api):
    for n in range(3):
        api.get(f"/2/nothing/{n}")

    routes = {dict(labels).get("route") for _, labels in samples(api.get("/metrics").content)}
    assert not any(route and "nothing" in route for route in routes)


def test_metrics_are_for_this_machine_alone(api, monkeypatch):
    assert api.get("/metrics").status_code == 200
    assert api.get("/metrics", x_forwarded_for="127.0.0.1").status_code == 403

    from tests import http

    real = http._scope

    def far(*given):
        return real(*given) | {"client": ("192.0.2.1", 5)}

    monkeypatch.setattr(http, "_scope", far)
    assert api.get("/metrics").status_code == 403


def test_a_token_opens_metrics_from_anywhere_and_is_needed_then(api, settings):
    settings.METRICS_TOKEN = "a secret"

    assert api.get("/metrics").status_code == 403
    assert api.get("/metrics", authorization="Bearer wrong").status_code == 403
    assert api.get("/metrics", authorization="Bearer a secret").status_code == 200


@pytest.mark.slow
def test_processes_are_added_up(tmp_path, monkeypatch):
    code = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'twitterlite.settings.test';"
        "from apps.infra.telemetry import metrics; metrics.FANOUT_DELIVERIES.inc(5)"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)

    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))

    assert samples(exposition.collect())["tl_fanout_deliveries_total", ()] == 10
