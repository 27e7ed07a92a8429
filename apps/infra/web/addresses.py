"""Whose address a request comes from.

It is the one at the other end of the connection, unless that is a proxy of ours
(`TRUSTED_PROXIES`): then the right-most in X-Forwarded-For that no proxy of ours has. What a
client writes into that header itself stands further left and is never read.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings

MAX_HOPS = 32


def is_behind_proxy(peer: str) -> bool:
    """Whether the other end of a connection is a proxy of ours."""
    return bool(settings.TRUSTED_PROXIES) and _is_trusted(peer)


def client_of(peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The client's address.

    Args:
        peer: the other end of the connection. headers: all of the request, names in lower case.
    """
    if not is_behind_proxy(peer):
        return peer
    lines = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    hops = [hop.strip() for hop in ",".join(lines).split(",")]
    found = peer
    for hop in reversed(hops[-MAX_HOPS:]):
        address = _address_of(hop)
        if address is None:
            # Not what a proxy of ours writes: the one that passed it on is all that is known.
            return found
        found = str(address)
        if not _is_trusted(found):
            return found
    return found


@lru_cache(maxsize=4_096)
def network_of(address: str) -> str:
    """The name under which an address is counted: of IPv6 the /64, which one household has."""
    found = _address_of(address)
    if found is None:
        return "unknown"
    if isinstance(found, IPv6Address):
        return str(ip_network((found, 64), strict=False))
    return str(found)


@lru_cache(maxsize=4_096)
def _is_trusted(address: str) -> bool:
    found = _address_of(address)
    return found is not None and any(found in network for network in settings.TRUSTED_PROXIES)


def _address_of(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it: with a port, in brackets, or plain."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found


def forget() -> None:
    """Read the setting again."""
    _is_trusted.cache_clear()
