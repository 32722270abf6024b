"""Ringing for a worker. What is due stands in the database and the clock rings by itself; a ring only saves the wait.

Tasks are named, not imported: Celery takes a tenth of a web process' start to load, and most pages never ring.
"""

# Under this name a ring, and every line of the log, tells which request asked.
REQUEST_ID = "request_id"


class NobodyHears(Exception):
    """The broker cannot be reached. The clock rings when it is back."""


def ring(task: str, **arguments: object) -> None:
    """Ask for the task of that name: ids only, never a token. Raises `NobodyHears`."""
    from kombu.exceptions import OperationalError

    from orchestrator.celery import app

    try:
        app.send_task(task, kwargs=arguments)
    except OperationalError as away:
        raise NobodyHears from away
