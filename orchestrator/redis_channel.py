"""kombu's way to Redis, which in addition knows when its connection is closed."""

from typing import Any

from kombu.transport import redis
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
