"""A worker whose acknowledgement is lost goes on."""

import logging

from twitterlite.celery import app

QUEUE = "tests.acknowledging"
log = logging.getLogger(__name__)


def test_a_worker_that_could_not_acknowledge_asks_for_the_next_message(world, breakable_engines):
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        channel.basic_qos(0, 1, False)
        queue = connection.SimpleQueue(QUEUE)
        queue.put("work")
        message = queue.get(timeout=1)
        assert not message.channel.qos.can_consume()

        breakable_engines.states[0].kill()
        message.ack_log_error(log, connection.connection_errors)

        assert message.channel.qos.can_consume()
