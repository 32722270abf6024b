"""A connection to the broker that was closed says so with an error that a worker knows, and connects anew."""

from typing import Any

import pytest
from kombu import Connection
from redis.exceptions import ConnectionError as BrokerGone

import orchestrator.celery
from orchestrator.doorbell import Channel, Transport
from tests.orchestrator.conftest import Broker


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "rediss://127.0.0.1:1/0", "redis+socket:///nowhere"])
def test_every_broker_of_redis_is_reached_this_way(url: str) -> None:
    connection = orchestrator.celery.app.connection_for_write(url)
    assert connection.get_transport_cls() is Transport
    assert Transport.Channel is Channel


def test_what_is_done_on_a_closed_connection_fails_as_a_lost_broker_does(running_broker: Broker) -> None:
    connection = Connection(running_broker.url)
    channel: Any = connection.channel()
    connection.release()
    with pytest.raises(BrokerGone):
        channel.queue_purge("celery")
    assert issubclass(BrokerGone, connection.connection_errors)
