"""From where a request comes, as the owner of an account would say it."""

from django.http import HttpRequest

from apps.infra.web import addresses
from apps.users.agents import label_of
from apps.users.schemas import Visit

MAX_NETWORK = 48


def visit_of(request: HttpRequest) -> Visit:
    """The browser in two words, and the network."""
    network = addresses.network_of(request.META.get("REMOTE_ADDR") or "")
    return Visit(label_of(request.headers.get("User-Agent", "")), network[:MAX_NETWORK])
