"""Text as people read it."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.infra.web import avatars, text

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_markup_in_a_post_is_shown_and_not_obeyed():
    shown = text.linkify("<script>alert('x')</script> & \"quotes\"")

    assert "<" not in shown
    assert "&lt;script&gt;" in shown
    assert "&amp;" in shown


def test_mentions_and_addresses_become_links_and_tags_are_marked():
    shown = text.linkify("@Maren look: https://www.tide.example/a?b=1&c=2. #Field #1 a@b.c")

    assert '<a class="at" href="/Maren">@Maren</a>' in shown
    assert 'href="https://www.tide.example/a?b=1&amp;c=2"' in shown
    assert ">tide.example/a?b=1&amp;c=2</a>." in shown
    assert '<span class="at">#Field</span>' in shown
    assert "#1" in shown
    assert '<span class="at">#1' not in shown
    assert "a@b.c" in shown


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,<b>x",
        'https://a.example/"onmouseover="alert(1)',
        "https://a.example/'><img src=x onerror=alert(1)>",
    ],
)
def test_an_address_cannot_carry_a_script(address):
    shown = text.linkify(address)

    assert 'href="javascript' not in shown
    assert 'href="data' not in shown
    assert "onmouseover=" not in shown.replace("&quot;onmouseover=", "")
    assert "<img" not in shown


def test_a_closing_bracket_belongs_to_the_sentence_unless_the_address_opened_one():
    assert 'href="https://a.example/b"' in text.linkify("(https://a.example/b)")
    assert 'href="https://a.example/b_(c)"' in text.linkify("https://a.example/b_(c)")


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"), (999, "999"), (1000, "1K"), (1234, "1.2K"), (1299, "1.2K"), (18_650, "18.6K"),
        (99_999, "99.9K"), (123_456, "123K"), (999_999, "999K"), (1_000_000, "1M"),
        (2_400_000_000, "2.4B"),
    ],
)  # fmt: skip
def test_counts_are_short_and_never_rounded_up(count, shown):
    assert text.compact(count) == shown


@pytest.mark.parametrize(
    ("past", "shown"),
    [
        (timedelta(seconds=-5), "now"),
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=18), "18m"),
        (timedelta(hours=23, minutes=59), "23h"),
        (timedelta(days=40), "13 Oct"),
        (timedelta(days=400), "18 Oct 2025"),
    ],
)
def test_times_are_relative_for_a_day_and_dates_after_it(past, shown):
    assert text.ago(NOON - past, now=NOON) == shown


def test_only_web_addresses_are_linked_in_profiles():
    assert text.web_address("https://a.example") == "https://a.example"
    assert text.web_address("javascript:alert(1)") == ""
    assert text.web_address('https://a.example" onclick="x') == ""


def test_the_same_account_always_has_the_same_face_and_neighbours_differ():
    faces = [avatars.face_of(1_461_934_571_243_843_584 + n) for n in range(50)]

    assert avatars.face_of(1_461_934_571_243_843_584) == faces[0]
    assert len(set(faces)) > 40
