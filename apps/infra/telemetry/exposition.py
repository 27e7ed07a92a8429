"""/metrics for Prometheus: the sum over all processes of this machine."""

import hmac
import os
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from apps.infra.stores import aioreplica
from apps.infra.telemetry import tally
from apps.infra.web import problems
from apps.infra.web.threads import in_thread


async def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics, for a scraper on this machine or with METRICS_TOKEN."""
    if not _may_read(request):
        return problems.problem(403, "Metrics are read with METRICS_TOKEN.").response()
    tally.flush()
    await aioreplica.observe()
    return HttpResponse(await in_thread(collect), content_type=CONTENT_TYPE_LATEST)


def collect() -> bytes:
    """Every metric in Prometheus' text format; reads the files of all processes."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.META.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        # A proxy on this machine: whoever asks sits behind it.
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
