"""Log lines."""

import json
import logging
import sys

import pytest

from apps.infra.telemetry import logs
from apps.infra.web.request_ids import REQUEST_ID


def line_of(level, message, *, as_json=True, **how):
    record = logging.getLogger("apps.somewhere").makeRecord(
        "apps.somewhere", level, __file__, 1, message, (), how.pop("exc_info", None), **how
    )
    return logs.formatter(as_json=as_json).format(record)


def test_a_line_is_one_json_object_with_its_facts():
    line = json.loads(line_of(logging.WARNING, "slow", extra={"ms": 12}))

    assert (line["event"], line["level"], line["ms"]) == ("slow", "warning", 12)
    assert line["logger"] == "apps.somewhere"
    assert line["timestamp"].endswith("Z")


def test_a_line_names_its_request():
    token = REQUEST_ID.set("r1")
    try:
        assert json.loads(line_of(logging.INFO, "x"))["request_id"] == "r1"
    finally:
        REQUEST_ID.reset(token)
    assert "request_id" not in json.loads(line_of(logging.INFO, "x"))


def test_a_traceback_stays_on_its_line():
    try:
        raise ZeroDivisionError("oops")
    except ZeroDivisionError:
        text = line_of(logging.ERROR, "failed", exc_info=sys.exc_info())

    assert "\n" not in text
    assert "ZeroDivisionError: oops" in json.loads(text)["exception"]


@pytest.mark.parametrize("value", ["a\nb", "\x00", "\ud800", object(), b"\xff"])
def test_no_value_breaks_a_line(value):
    text = line_of(logging.INFO, "x", extra={"value": value})

    assert "\n" not in text
    assert json.loads(text)["event"] == "x"


def test_people_read_text():
    assert "slow" in line_of(logging.WARNING, "slow", as_json=False)
