"""Single names and addresses."""

import pytest
from hypothesis import example, given

from apps.tweets.text.names import (
    is_valid_hashtag,
    is_valid_list,
    is_valid_url,
    is_valid_username,
)
from tests.tweets.text.strings import TEXTS


@given(TEXTS)
@example("http://" + "9" * 5_000 + ".1.1.1")
@example("http://[::1")
def test_every_text_is_judged(text):
    for judge in (is_valid_hashtag, is_valid_list, is_valid_url, is_valid_username):
        assert judge(text) in (True, False)


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("http://example.com:8080/a?b#c", True),
        ("http://example.com:port/", False),
        ("http://127.0.0.1", True),
        ("http://127.0.0.256", False),
        ("http://1234.0.0.1", False),
        ("example.com", False),
        ("http://nothing", False),
        ("javascript://example.com", False),
        ("http://example.com/\n", False),
    ],
)
def test_an_address_is_one_as_a_whole(address, is_one):
    assert is_valid_url(address) is is_one
