"""A connection to the broker that was closed says so with an error that a worker knows, and connects anew."""

from inspect import Parameter, signature
from typing import Any

import pytest
from kombu import Connection
from redis.exceptions import ConnectionError as BrokerGone

import orchestrator.celery
from orchestrator.celery_overrides import Channel, Transport
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
        channel.queue_purge("mfe-orchestrator")
    assert issubclass(BrokerGone, connection.connection_errors)


def our_tasks() -> list[Any]:
    orchestrator.celery.app.loader.import_default_modules()
    found = [task for name, task in orchestrator.celery.app.tasks.items() if not name.startswith("celery.")]
    assert len(found) > 10
    return found


def test_every_task_refuses_what_is_no_task_message() -> None:
    assert {task.Strategy for task in our_tasks()} == {"orchestrator.celery_overrides:refuse_malformed_messages"}


def test_no_task_swallows_arguments_that_it_was_never_meant_to_get() -> None:
    for task in our_tasks():
        kinds = {parameter.kind for parameter in signature(task.run).parameters.values()}
        assert kinds <= {Parameter.KEYWORD_ONLY}, task.name
