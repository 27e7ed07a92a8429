"""The message that we write ourselves is the one that kombu would have written."""

import base64
import json
from typing import Any

import pytest

from apps.infra.eventlog.messages import Message, push
from apps.infra.eventlog.registry import queue_name
from apps.infra.eventlog.tasks import deliver
from apps.infra.stores.redis import broker

MESSAGE = Message(
    queue="fanout",
    subscriber="hear",
    delivery_id=5,
    from_id=9,
    events=[[9, "probe.rang", "1", {"n": 1, "text": "wörd ☃"}, 1_700_000_000_000_000]],
)
# Made anew for each message.
UNIQUE = {"id", "root_id", "correlation_id", "delivery_tag", "reply_to", "origin"}
# Ours is shorter: what Celery's log shows.
SHOWN = {"kwargsrepr", "argsrepr"}


def taken() -> dict[str, Any]:
    message: dict[str, Any] = json.loads(broker().rpop(queue_name("fanout")))  # type: ignore[arg-type]
    return message


def same(ours: dict[str, Any], kombus: dict[str, Any]) -> None:
    assert ours.keys() == kombus.keys()
    for name, value in kombus.items():
        if isinstance(value, dict):
            same(ours[name], value)
        elif name in UNIQUE | SHOWN:
            assert type(ours[name]) is type(value)
        elif name != "body":
            assert ours[name] == value, name


def test_our_message_equals_kombus_field_for_field(world):
    deliver.apply_async(kwargs=MESSAGE.kwargs(), queue=queue_name("fanout"))
    kombus = taken()
    push(broker(), [MESSAGE])
    ours = taken()

    same(ours, kombus)


def test_our_body_equals_kombus_but_for_the_time(world):
    deliver.apply_async(kwargs=MESSAGE.kwargs(), queue=queue_name("fanout"))
    push(broker(), [MESSAGE])
    bodies = [json.loads(base64.b64decode(taken()["body"])) for _ in range(2)]

    for body in bodies:
        assert body[1].pop("sent_ms") > 0
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("field", ["headers", "properties"])
def test_ids_agree_inside_one_message(world, field):
    push(broker(), [MESSAGE])
    message = taken()

    names = {"headers": ("id", "root_id"), "properties": ("correlation_id",)}[field]
    assert {message[field][name] for name in names} == {message["headers"]["id"]}
