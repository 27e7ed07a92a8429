"""Text as people read it."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.infra.web import avatars, text

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("rest", "shown"),
    [
        (timedelta(seconds=-5), "1 minute left"),
        (timedelta(minutes=59, seconds=59), "59 minutes left"),
        (timedelta(hours=1, minutes=59), "1 hour left"),
        (timedelta(hours=23, minutes=59), "23 hours left"),
        (timedelta(days=6, hours=23), "6 days left"),
    ],
)
def test_what_is_left_is_told_in_whole_minutes_hours_or_days(rest, shown):
    assert text.left(NOON + rest, now=NOON) == shown


def test_only_web_addresses_are_linked_in_profiles():
    assert text.web_address("https://a.example") == "https://a.example"
    assert text.web_address("javascript:alert(1)") == ""
    assert text.web_address('https://a.example" onclick="x') == ""


def test_the_same_account_always_has_the_same_face_and_neighbours_differ():
    faces = [avatars.face_of(1_461_934_571_243_843_584 + n) for n in range(50)]

    assert avatars.face_of(1_461_934_571_243_843_584) == faces[0]
    assert len(set(faces)) > 40
