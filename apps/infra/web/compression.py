"""Answers of pages, compressed as the client likes: zstd, brotli, gzip.

What streams is left alone: an event must not wait for company. BREACH (guessing a secret by the
length of a page that also holds the guess) finds nothing here: the one secret in a page is the
token of its forms, and that is masked anew in every answer; the session's key is in no page.
"""

import functools
import zlib
from collections.abc import Callable

import brotli
import zstandard
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

# Below this the headers weigh more than what is saved.
MIN_BYTES = 600
KINDS = ("text/", "application/json", "application/problem+json", "application/manifest+json",
         "application/javascript", "image/svg+xml", "application/rss+xml", "application/atom+xml",
         "application/xml")  # fmt: skip
# Of a page of 58 kB these make 6.2 to 7 kB, in 45, 150 and 200 µs; more effort saves little.
_ZSTD_LEVEL, _BROTLI_QUALITY, _GZIP_LEVEL = 1, 2, 1
# 2^13 hashes are 32 kB: larger tables leave the processor's cache between one page and the next,
# and cost more than the 3 % of bytes that they save.
_ZSTD_HASH_LOG, _ZSTD_WINDOW_LOG = 13, 17
_GZIP_WINDOW = 31
# A header that nobody writes by hand is not worth remembering.
MAX_HEADER_CHARS = 200


# One for all: to make another takes longer than a page. Pages leave from one thread.
_packer = zstandard.ZstdCompressor(
    compression_params=zstandard.ZstdCompressionParameters.from_level(
        _ZSTD_LEVEL, hash_log=_ZSTD_HASH_LOG, window_log=_ZSTD_WINDOW_LOG
    )
)


def _zstd(body: bytes) -> bytes:
    return _packer.compress(body)


def _brotli(body: bytes) -> bytes:
    packed: bytes = brotli.compress(body, quality=_BROTLI_QUALITY)
    return packed


def _gzip(body: bytes) -> bytes:
    return zlib.compress(body, _GZIP_LEVEL, _GZIP_WINDOW)


# The best first; of two that a client likes as much the earlier one is taken.
ENCODERS: dict[str, Callable[[bytes], bytes]] = {"zstd": _zstd, "br": _brotli, "gzip": _gzip}


@functools.lru_cache(maxsize=500)
def encoding_for(accepted: str) -> str:
    """The encoding to send to a client with this Accept-Encoding; empty for none."""
    if len(accepted) > MAX_HEADER_CHARS:
        return ""
    weights = {}
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        weights[name.strip()] = _weight(weight)
    others = weights.get("*", 0.0)
    liked = {name: weights.get(name, others) for name in ENCODERS}
    best = max(liked.values())
    return next((name for name, weight in liked.items() if weight == best > 0), "")


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def compress(response: HttpResponseBase, accepted: str) -> None:
    """Encode the body of an answer, if that is worth it and nobody did."""
    if response.streaming or response.has_header("Content-Encoding"):
        return
    kind = response.headers.get("Content-Type", "")
    if not isinstance(response, HttpResponse) or not kind.startswith(KINDS):
        return
    if len(response.content) < MIN_BYTES:
        return
    patch_vary_headers(response, ["Accept-Encoding"])
    encoding = encoding_for(accepted)
    if not encoding:
        return
    response.content = ENCODERS[encoding](response.content)
    response.headers["Content-Encoding"] = encoding
    if response.has_header("Content-Length"):
        response.headers["Content-Length"] = str(len(response.content))
    etag = response.headers.get("ETag", "")
    if etag.startswith('"'):
        # Other bytes, the same page.
        response.headers["ETag"] = f"W/{etag}"
