"""Where this product replaces a part of Celery or kombu, and the upstream behaviour that makes it necessary.

Everything here is named as a string, in `celery.py` and in the settings, and loaded only by what uses it: kombu's
transport for Redis takes longer to load than the rest of Celery, and most pages enqueue nothing.
"""

from collections.abc import Callable
from typing import Any

from celery.exceptions import InvalidTaskError
from celery.worker import strategy
from celery.worker.consumer import Consumer
from django.conf import settings
from kombu.transport import redis
from redis.exceptions import ConnectionError as BrokerConnectionError

from core.models import Heartbeat
from orchestrator.loop_watchdog import Watched


class Channel(redis.Channel):
    """Raises a connection error on a channel whose connection is closed.

    A worker that lost its broker while tasks ran acknowledges their messages later, on the closed channel. kombu then
    reads an attribute of None (https://github.com/celery/kombu/issues/582), and Celery takes the AttributeError for
    its own end: the process stays and never works again. A connection error makes it reconnect. No work is lost with
    the message, because what is due is stored in the database.
    """

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None or self.connection.client is None:
            raise BrokerConnectionError("The connection to the broker is closed.")
        return super()._connparams(asynchronous)  # type: ignore[misc]  # kombu's types do not know it


class Transport(redis.Transport):
    """kombu's transport for Redis, with this channel."""

    Channel = Channel


def refuse_malformed_messages(task: object, app: object, consumer: object) -> Callable[..., None]:
    """Celery's strategy for a task, which refuses a message that is not in the form of a task message.

    Celery lets the error end the worker, returns the message to the queue and meets it again at the next start
    (https://github.com/celery/celery/issues/7975). An InvalidTaskError it logs, and drops the message.
    """
    handle = strategy.default(task, app, consumer)

    def begin(*message: Any, **more: Any) -> None:
        try:
            handle(*message, **more)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidTaskError(f"no task message of this version: {error!r}") from error

    return begin


class WatchedConsumer(Consumer):
    """The worker's consumer, whose event loop is watched while it consumes: a loop that hangs ends the process.

    Celery has no such watch, and a consumer can stop for good after it lost its broker
    (https://github.com/celery/celery/issues/10302). A task that takes long runs in a thread and does not hold the loop
    up. In a solo pool it would, and where Celery has no event loop (on Windows) nothing turns: neither is watched.
    """

    _watched: Watched | None = None

    def start(self) -> None:
        """Consume until the worker stops. What follows, as tasks that end in their own time, is not watched."""
        from celery.concurrency.solo import TaskPool as SoloPool

        if getattr(self, "hub", None) is None or isinstance(self.pool, SoloPool):
            super().start()
            return
        self._watched = watched = Watched(Heartbeat.Part.WORKER, settings.LOOP_LIMIT_SECONDS)
        # The timer of the event loop: it fires only when the loop turns, whichever connection to the broker it has.
        self.timer.call_repeatedly(watched.every, watched.beat)
        watched.start()
        try:
            super().start()
        finally:
            watched.stop()

    def ensure_connected(self, conn: Any) -> Any:
        """Connect to the broker, for as long as it is away. There is no loop then; each try has a time-out."""
        if self._watched is None:
            return super().ensure_connected(conn)
        with self._watched.resting():
            return super().ensure_connected(conn)
