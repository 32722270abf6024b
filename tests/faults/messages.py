"""Task messages past the product's own code, as another version of it would send them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery

from orchestrator import celery_settings

QUEUE = celery_settings.SETTINGS["CELERY_TASK_DEFAULT_QUEUE"]


class Sender:
    """Puts messages into a broker's queue."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    def ask(self, task: str, *arguments: Any, **named: Any) -> str:
        """Ask for a task, whether or not anybody knows it. Returns the task's id."""
        return str(self._celery.send_task(task, args=arguments, kwargs=named, retry=False).id)

    def put(self, body: object, **how: Any) -> None:
        """A message of any form."""
        with self._celery.connection_for_write() as broker, broker.Producer() as producer:
            producer.publish(body, routing_key=QUEUE, **how)


@contextmanager
def sender(url: str) -> Iterator[Sender]:
    """Speaks to the broker at `url`, and leaves no connection open."""
    celery = Celery("another-version", broker=url, set_as_current=False)
    celery.conf.update(
        task_ignore_result=True,
        task_default_queue=QUEUE,
        broker_transport_options=celery_settings.SETTINGS["CELERY_BROKER_TRANSPORT_OPTIONS"],
    )
    try:
        yield Sender(celery)
    finally:
        celery.close()
