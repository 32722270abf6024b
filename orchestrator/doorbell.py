"""What Celery is told to use in place of its own: the way to the broker, and the way from a message to a task.

By name, because both are read only where somebody rings or listens: they take longer to read than the rest of Celery.
"""

from typing import Any

from celery import Task
from kombu.transport import TRANSPORT_ALIASES


def be_used() -> None:
    """For every broker URL of Redis; a URL of a socket leaves no other way to choose."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = "orchestrator.redis_channel:Transport"


class Ring(Task[Any, Any]):
    """The base of every task: a message of another form is refused and named in the log.

    Celery 5.7 takes one for its own end, puts it back into the queue, and meets it again at the next start.
    """

    Strategy = "orchestrator.task_messages:refuse_what_is_no_task"
