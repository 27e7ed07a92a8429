"""Pages and files on the wire: compressed for those who can read it, kept as long as is right."""

import gzip
import re
import zlib
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from django.contrib.staticfiles import finders
from django.http import HttpResponse, StreamingHttpResponse
from django.templatetags.static import static

from apps.infra.web import compression, files
from tests.http import Client

DECODERS: dict[str, Any] = {
    "zstd": zstandard.ZstdDecompressor().decompress,
    "br": brotli.decompress,
    "gzip": gzip.decompress,
    "": bytes,
}


@pytest.fixture
def anybody(loop):
    return Client(loop)


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5, br;q=0.2", "gzip"),
        ("br;q=0, gzip;q=0.1", "gzip"),
        ("*", "zstd"),
        ("*;q=0.1, gzip", "gzip"),
        ("identity", ""),
        ("", ""),
        ("gzip;q=x", ""),
        ("gzip," * 100, ""),
    ],
)
def test_the_client_chooses(accepted, expected):
    assert compression.encoding_for(accepted) == expected


@pytest.mark.parametrize("encoding", ["zstd", "br", "gzip", ""])
def test_a_page_is_the_same_in_every_encoding(anybody, encoding):
    plain = anybody.get("/about")
    answer = anybody.get("/about", accept_encoding=encoding)

    assert answer.headers.get("content-encoding", "") == encoding
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "Accept-Encoding" in answer.headers["vary"]
    assert DECODERS[encoding](answer.content) == plain.content


def test_what_streams_is_packed_or_short_stays_as_it_is():
    streaming = StreamingHttpResponse(iter([b"x" * 5_000]), content_type="text/plain")
    packed = HttpResponse(b"x" * 5_000, content_type="text/plain")
    packed.headers["Content-Encoding"] = "br"
    short = HttpResponse(b"x" * 100, content_type="text/plain")
    picture = HttpResponse(b"x" * 5_000, content_type="image/png")
    for response in (streaming, packed, short, picture):
        before = dict(response.headers)

        compression.compress(response, "gzip")

        assert dict(response.headers) == before


def test_the_token_of_forms_is_another_in_every_answer(anybody):
    pages = [anybody.get("/login", cookie="csrftoken=" + "a" * 32).content for _ in range(3)]
    tokens = [re.search(rb'csrfmiddlewaretoken" value="([^"]+)"', page) for page in pages]

    assert len({token[1] for token in tokens if token}) == 3


class TestFiles:
    def test_a_page_names_files_by_their_content_and_they_hold_for_ever(self, anybody):
        page = anybody.get("/about").content.decode()
        named = set(re.findall(r'"(/static/[^"#]+)', page))
        assert named

        for address in named:
            answer = anybody.get(address)
            assert "?h=" in address
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"

    @pytest.mark.parametrize("address", ["/static/css/app.css", "/static/css/app.css?h=00000000"])
    def test_without_the_right_hash_for_a_minute(self, anybody, address):
        assert anybody.get(address).headers["cache-control"] == "public, max-age=60"

    @pytest.mark.parametrize(
        ("accepted", "encoding"), [("gzip, br, zstd", "br"), ("gzip", "gzip"), ("", "")]
    )
    def test_the_bytes_are_those_of_the_file(self, anybody, accepted, encoding):
        path = Path(str(finders.find("css/app.css")))
        answer = anybody.get(static("css/app.css"), accept_encoding=accepted)

        assert answer.headers.get("content-encoding", "") == encoding
        assert DECODERS[encoding](answer.content) == path.read_bytes()
        assert answer.headers["content-type"] == "text/css; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"

    def test_who_has_it_is_told_so(self, anybody):
        first = anybody.get(static("js/app.js"))

        again = anybody.get(static("js/app.js"), if_none_match=first.headers["etag"])

        assert again.status_code == 304
        assert again.content == b""

    @pytest.mark.parametrize(
        "name",
        ["", "nothing.css", "../manage.py", "css/../../manage.py", "/etc/passwd", "css", "css/",
         "%2e%2e/manage.py", "css/app.css/", "..%2fmanage.py", "\x00"],
    )  # fmt: skip
    def test_nothing_else_is_served(self, anybody, name):
        assert anybody.get(f"/static/{name}").status_code in {400, 404}

    def test_a_post_is_no_way_to_a_file(self, anybody):
        assert anybody.request("POST", "/static/css/app.css").status_code in {403, 404, 405}

    def test_a_changed_file_has_another_address(self, tmp_path, monkeypatch, settings):
        settings.DEBUG = True
        path = tmp_path / "one.css"
        monkeypatch.setattr(finders, "find", lambda name: str(path) if name == "one.css" else None)
        addresses = []
        for text in ("a { color: red }", "a { color: blue; }"):
            path.write_text(text)
            addresses.append(files.HashedFiles().url("one.css"))

        assert addresses[0] != addresses[1]
        assert files.HashedFiles().url("two.css") == "/static/two.css"

    def test_styles_and_scripts_of_a_page_weigh_less_than_60_kb(self, anybody, browser_as, bob):
        page = browser_as(bob).get("/home").text
        named = set(re.findall(r'(?:src|href)="(/static/[^"#]+\.(?:css|js)[^"#]*)"', page))
        sizes = {
            address: len(anybody.get(address, accept_encoding="gzip").content) for address in named
        }
        print(sum(sizes.values()), "bytes, gzip:", sizes)

        assert sum(sizes.values()) < 60_000
        blocking = re.findall(r'<link rel="stylesheet"|<script(?![^>]*\b(?:defer|async)\b)', page)
        assert len(blocking) == 1


def test_compressing_a_page_is_worth_it(anybody):
    page = anybody.get("/about").content

    for encode in compression.ENCODERS.values():
        assert len(encode(page)) < len(page) / 2
    assert zlib.decompress(compression.ENCODERS["gzip"](page), 31) == page
