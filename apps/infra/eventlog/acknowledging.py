"""Workers that go on when an acknowledgement fails.

kombu logs that the broker did not take an acknowledgement, and goes on counting the message as in
hand. A worker of ours has one message at a time, so it would never ask for another; and as it asks
nothing, it would not notice that its connection is dead. It lived on, and worked no more.
"""

from typing import Any

from kombu.transport import redis, virtual


class FreeHands(redis.QoS):
    """What a channel has in hand: nothing, once it was worked on."""

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge; the message is out of hand even where the broker is not told."""
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        except Exception:
            self._let_go(delivery_tag)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Refuse; the same."""
        try:
            super().reject(delivery_tag, requeue=requeue)  # type: ignore[no-untyped-call]
        except Exception:
            self._let_go(delivery_tag)
            raise

    def _let_go(self, delivery_tag: str) -> Any:
        # The broker gives it to somebody again, and its row says whether it is done.
        return virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]


def install() -> None:
    """Have every channel of this process use it."""
    redis.Channel.QoS = FreeHands
