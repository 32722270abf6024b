"""Ringing for a worker. What is due stands in the database and the clock rings by itself; a ring only saves the wait.

Whoever rings imports the task where it rings, not with its module: Celery takes a tenth of a web process' start to
load, and most pages never ring.
"""

from typing import TYPE_CHECKING, Any, ParamSpec

if TYPE_CHECKING:
    from celery import Task

# Under this name a ring, and every line of the log, tells which request asked.
REQUEST_ID = "request_id"
P = ParamSpec("P")


class NobodyHears(Exception):
    """The broker cannot be reached. The clock rings when it is back."""


def ring(task: "Task[P, Any]", *args: P.args, **kwargs: P.kwargs) -> None:
    """Ask for the task with arguments that fit its signature: ids only, never a token.

    Raises `NobodyHears`, and `TypeError` for arguments that the task does not take.
    """
    from kombu.exceptions import OperationalError

    try:
        task.delay(*args, **kwargs)
    except OperationalError as away:
        raise NobodyHears from away
