"""The way to the broker: kombu's for Redis, which in addition knows when its connection is closed.

And the way from a message to a task, which refuses what is none.
"""

from collections.abc import Callable
from typing import Any

from celery import Task
from celery.exceptions import InvalidTaskError
from celery.worker import strategy
from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as BrokerGone


class Channel(redis.Channel):
    """Says that the broker is gone where kombu meets None.

    A worker whose broker went away with messages in hand acknowledges them later on the closed channel. kombu 5.7
    fails there with an AttributeError, which Celery takes for its own end: the process stays, and never works again.
    Of a connection error it knows what to do: it connects anew. The message is no loss, for the database is the truth.
    """

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None or self.connection.client is None:
            raise BrokerGone("The connection to the broker is closed.")
        return super()._connparams(asynchronous)  # type: ignore[misc]  # kombu's types do not know it


class Transport(redis.Transport):
    """With this channel."""

    Channel = Channel


def be_used() -> None:
    """For every broker URL of Redis; a URL of a socket leaves no other way to choose."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"


class Ring(Task[Any, Any]):
    """The base of every task: a message of another form is refused and named in the log.

    Celery 5.7 takes one for its own end, puts it back into the queue, and meets it again at the next start.
    """

    Strategy = f"{__name__}:refuse_what_is_no_task"


def refuse_what_is_no_task(task: object, app: object, consumer: object) -> Callable[..., None]:
    """Celery's own way from a message to a task, with an error that its worker knows."""
    handle = strategy.default(task, app, consumer)

    def begin(*message: Any, **more: Any) -> None:
        try:
            handle(*message, **more)
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            raise InvalidTaskError(f"no task message of this version: {wrong!r}") from wrong

    return begin
