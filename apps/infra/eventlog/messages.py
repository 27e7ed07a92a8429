"""Messages to the workers: a ready Celery message by LPUSH, as kombu would have written it.

kombu's own publish takes 1.75 ms, this 0.3. A test holds both messages field for field equal.
Where the broker is not Redis, kombu publishes. A failed publish is ignored by the caller: the
delivery's row is there, and the sweeper starts it again.
"""

import base64
import json
import os
import socket
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from apps.infra.eventlog.registry import queue_name

TASK = "eventlog.deliver"
_ORIGIN = f"relay@{socket.gethostname()}"


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery to start. `events` is given inline while it is small, and only when fresh."""

    queue: str
    subscriber: str
    delivery_id: int
    from_id: int
    events: list[list[Any]] | None = None

    def kwargs(self) -> dict[str, Any]:
        """The task's arguments. `sent_ms` lets an old copy of the message be told."""
        return {
            "subscriber": self.subscriber,
            "delivery_id": self.delivery_id,
            "from_id": self.from_id,
            "events": self.events,
            "sent_ms": time.time_ns() // 1_000_000,
        }

    def describe(self) -> str:
        """What Celery's log shows of the arguments."""
        return f"{{'subscriber': {self.subscriber!r}, 'delivery_id': {self.delivery_id}}}"


def raw_message(message: Message) -> bytes:
    """The message as it lies in the broker's list."""
    task_id = str(uuid.uuid4())
    queue = queue_name(message.queue)
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    body = json.dumps([[], message.kwargs(), embed]).encode()
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": _headers(task_id, message.describe()),
            "properties": {
                "correlation_id": task_id,
                "reply_to": _REPLY_TO,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        }
    ).encode()


_REPLY_TO = str(uuid.uuid4())


def _headers(task_id: str, description: str) -> dict[str, Any]:
    return {
        "lang": "py",
        "task": TASK,
        "id": task_id,
        "shadow": None,
        "eta": None,
        "expires": None,
        "group": None,
        "group_index": None,
        "retries": 0,
        "timelimit": [None, None],
        "root_id": task_id,
        "parent_id": None,
        "argsrepr": "()",
        "kwargsrepr": description,
        "origin": f"{os.getpid()}{_ORIGIN}",
        "ignore_result": True,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
    }


def push(client: redis.Redis, messages: Sequence[Message]) -> None:
    """Publish in one write.

    Raises:
        redis.RedisError: some or all may not have arrived (or all have, and the answer was lost).
    """
    with client.pipeline(transaction=False) as pipe:
        for message in messages:
            pipe.lpush(queue_name(message.queue), raw_message(message))
        pipe.execute()
