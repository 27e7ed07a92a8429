"""Whether a single name, tag or address is well formed."""

import re

from apps.tweets.text.characters import CYRILLIC
from apps.tweets.text.entities import extract_entities

_LIST = re.compile(r"[@\uff20][A-Za-z0-9_]{1,20}/[A-Za-z][A-Za-z0-9_-]{0,24}")
# The parts of an address as RFC 3986 cuts it, appendix B.
_ADDRESS = re.compile(r"(?:([^:/?#]+)://)?([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_SCHEME = re.compile("https?", re.IGNORECASE)
_UNRESERVED = rf"A-Za-z0-9{CYRILLIC}\-\u2010-\u2015._~"
_PATH = re.compile(rf"(?:[{_UNRESERVED}!$&'()*+,;=:|@/]|%[0-9A-Fa-f]{{2}})*+")
_QUERY = re.compile(rf"(?:[{_UNRESERVED}!$&'()*+,;=:|@/?]|%[0-9A-Fa-f]{{2}})*+")
_USER = re.compile(rf"(?:[{_UNRESERVED}!$&'()*+,;=:]|%[0-9A-Fa-f]{{2}})*+")
_PORT = re.compile("[0-9]{1,5}")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]+\]")
_NUMBERS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_MAX_OCTET = 255
_NAME = "[A-Za-z0-9\u0080-\U0010ffff]"
_SUBDOMAIN = re.compile(rf"{_NAME}(?:[A-Za-z0-9_\u0080-\U0010ffff-]*{_NAME})?")
_DOMAIN = re.compile(rf"{_NAME}(?:[A-Za-z0-9\u0080-\U0010ffff-]*{_NAME})?")
_TOP = re.compile(
    "[A-Za-z\u0080-\U0010ffff](?:[A-Za-z0-9\u0080-\U0010ffff-]*[A-Za-z0-9\u0080-\U0010ffff])?"
)


def is_valid_username(text: str) -> bool:
    """Whether `text` is a mention and nothing else: `@username`."""
    return [(0, len(text))] == [one[:2] for one in extract_entities(text).mentions]


def is_valid_list(text: str) -> bool:
    """Whether `text` is `@username/slug` and nothing else."""
    return _LIST.fullmatch(text) is not None


def is_valid_hashtag(text: str) -> bool:
    """Whether `text` is a hashtag and nothing else, sign included."""
    return [(0, len(text))] == [one[:2] for one in extract_entities(text).hashtags]


def is_valid_url(text: str, *, require_scheme: bool = True) -> bool:
    """Whether `text` is one http or https address of a name, any top level, or an IP number."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return False
    scheme, authority, path, query, fragment = match.groups()
    if scheme is None and require_scheme:
        return False
    return bool(
        (scheme is None or _SCHEME.fullmatch(scheme))
        and _PATH.fullmatch(path)
        and _QUERY.fullmatch(query or "")
        and _QUERY.fullmatch(fragment or "")
        and _is_authority(authority)
    )


def _is_authority(authority: str) -> bool:
    user, at, rest = authority.rpartition("@")
    if at and not _USER.fullmatch(user):
        return False
    host, colon, port = rest.rpartition(":") if not rest.endswith("]") else (rest, "", "")
    if not colon:
        host = rest
    elif not _PORT.fullmatch(port):
        return False
    if _IPV6.fullmatch(host):
        return True
    if _NUMBERS.fullmatch(host):
        return all(int(number) <= _MAX_OCTET for number in host.split("."))
    *subdomains, domain, top = host.split(".") if "." in host else ["", "", ""]
    return bool(
        all(map(_SUBDOMAIN.fullmatch, subdomains))
        and _DOMAIN.fullmatch(domain)
        and _TOP.fullmatch(top)
    )
