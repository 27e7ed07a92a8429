"""Addresses inside running text, with and without `https://`, in one pass from left to right.

Every step of the pass looks at each character a fixed number of times, whatever the text. What a
stored tweet cannot hold (`MAX_STORED`, 4,000 characters) is not looked for.
"""

import re

from apps.tweets.text.characters import CYRILLIC, HOST_ENDS, INVALID, LATIN
from apps.tweets.text.hosts import HOST_DOT, HOST_RUN, Run, ascii_domains, encoded_length
from apps.tweets.text.shapes import Url

MAX_URL = 4096
MAX_TCO_SLUG = 40
# More stretches with a host than 4,000 characters have room for.
MAX_RUNS = 1_000
_BAD_BEFORE = rf"A-Za-z0-9@\uff20$#\uff03{INVALID}"
_BAD = re.compile(f"[{_BAD_BEFORE}]")
_START = re.compile(rf"(?<![{_BAD_BEFORE}])[^{HOST_ENDS}._-]")
_PORT = re.compile(":[0-9]++")
_PATH_CHARS = rf"[A-Za-z0-9{CYRILLIC}{LATIN}!*';:=+,.$/%#\[\]\u2013_~&|@-]"
# Brackets belong to a path when they close; one level inside another.
_PATH = re.compile(
    rf"/(?:{_PATH_CHARS}++|\((?:{_PATH_CHARS}++(?:\({_PATH_CHARS}++\){_PATH_CHARS}*+)?"
    rf"|\({_PATH_CHARS}++\){_PATH_CHARS}*+)\))*"
)
# What ends the sentence and not the address.
_NOT_LAST_IN_PATH = "!*';:,.$%[]~&|@\u2013"
_QUERY = re.compile(r"\?[A-Za-z0-9!?*'();:&=+$/%#\[\]_.,~|@-]++")
_NOT_LAST_IN_QUERY = "!?*'();:+$%[].,~|@"
_TCO = re.compile(
    r"https?://t\.co/([a-z0-9]++)(?:\?[a-z0-9!?*'();:&=+$/%#\[\]_.,~|@-]*[a-z0-9_&=#/-])?", re.I
)
_SCHEMES = ("http://", "https://")


def find_urls(text: str, *, bare: bool = True) -> list[Url]:
    """All addresses in order of place.

    Args:
        bare: also those without `http://` or `https://`, such as `example.com/path`.
    """
    found: list[Url] = []
    if not bare and "://" not in text:
        return found
    at = done = runs = 0
    while runs < MAX_RUNS and (dot := HOST_DOT.search(text, at)) is not None:
        runs += 1
        # A space is never part of a host: begin there and not at the start of the text.
        run = HOST_RUN.search(text, max(text.rfind(" ", at, dot.start()), at))
        while run is not None and run.end() <= dot.start() + 1:
            run = HOST_RUN.search(text, run.end())
        if run is None:
            break
        # No address is longer, so the rest of a longer run is none.
        end = min(run.end(), run.start() + MAX_URL)
        done = _read_run(text, run.start(), end, done, bare, found)
        at = max(run.end(), done)
    return found


def _read_run(text: str, start: int, end: int, done: int, bare: bool, found: list[Url]) -> int:
    """Add the addresses whose host begins in this run; give the end of the last one, or `done`."""
    run = Run(text, start, end)
    scheme = _scheme_before(text, start, done)
    if scheme >= 0 and run.tails[0]:
        done = _with_scheme(text, scheme, start, run.tails[0], found)
    at, last = 0, len(run.labels) - 1
    while at < last:
        if run.begins[at + 1] - 1 > done:
            host_end, earliest = run.reach(at)
            if host_end:
                # The character before an address must not belong to the address before.
                earliest = max(earliest, done + 1 if done else 0)
                host = _START.search(text, earliest, run.begins[at + 1] - 1)
                if host is not None:
                    done = _without_scheme(text, host.start(), host_end, bare, found)
                    continue
        at += 1
    return done


def _scheme_before(text: str, start: int, done: int) -> int:
    """Where `http://` or `https://` right before `start` begins, or -1."""
    if text[max(start - 3, 0) : start] != "://":
        return -1
    for scheme in _SCHEMES:
        begin = start - len(scheme)
        if begin >= 0 and text[begin:start].lower() == scheme:
            if begin == 0 or (begin > done and not _BAD.match(text, begin - 1)):
                return begin
            # Straight after the address before: nothing but the start of the text may be there.
            return -1
    return -1


def _rest(text: str, end: int) -> tuple[int, int]:
    """The end of the path (0 without one) and of the whole address whose host ends at `end`."""
    if port := _PORT.match(text, end):
        end = port.end()
    path_end = 0
    if path := _PATH.match(text, end):
        end = path_end = end + len(path[0].rstrip(_NOT_LAST_IN_PATH))
    if query := _QUERY.match(text, end):
        kept = len(query[0].rstrip(_NOT_LAST_IN_QUERY))
        end += kept
    return path_end, end


def _fits(text: str, start: int, end: int, url_length: int) -> bool:
    """Whether the host is one that can be asked for, in an address of a length that is stored."""
    length = encoded_length(text[start:end])
    return length > 0 and url_length + length - (end - start) <= MAX_URL


def _with_scheme(text: str, start: int, host: int, host_end: int, found: list[Url]) -> int:
    _, end = _rest(text, host_end)
    if _fits(text, host, host_end, end - start):
        url_end = end
        if tco := _TCO.match(text, start, end):
            if len(tco[1]) > MAX_TCO_SLUG:
                return end
            url_end = tco.end()
        found.append(Url(start, url_end, text[start:url_end]))
    return end


def _without_scheme(text: str, start: int, host_end: int, bare: bool, found: list[Url]) -> int:
    path_end, end = _rest(text, host_end)
    if not bare or (start and text[start - 1] in "-_./"):
        return end
    hosts = [(start, host_end)]
    if not text.isascii() and not text[start:host_end].isascii():
        hosts = ascii_domains(text, start, host_end)
    for host, last in hosts:
        url_end = end if path_end and last == host_end else last
        if _fits(text, host, last, url_end - host + len("https://")):
            found.append(Url(host, url_end, text[host:url_end]))
    return end
