"""Ids of tasks: a task carries the id of the request that asked for it, and whatever it logs names both."""

import logging.config
from collections.abc import MutableMapping
from typing import Any

from celery import Task
from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun
from django.conf import settings
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from core.tasks import REQUEST_ID


@before_task_publish.connect
def send_along(headers: MutableMapping[str, Any] | None = None, **_: Any) -> None:
    """The request that asks for a task is named in its headers."""
    request_id = get_contextvars().get(REQUEST_ID)
    if headers is not None and request_id:
        headers[REQUEST_ID] = request_id


@task_prerun.connect
def begin(task_id: str, task: Task[Any, Any], kwargs: dict[str, Any] | None = None, **_: Any) -> None:
    """Bind what this task is and who asked for it."""
    clear_contextvars()
    bind_contextvars(task_id=task_id, task=task.name)
    request_id = task.request.get(REQUEST_ID)
    if isinstance(request_id, str):
        bind_contextvars(**{REQUEST_ID: request_id})
    connection_id = (kwargs or {}).get("connection_id")
    if isinstance(connection_id, int):
        bind_contextvars(connection_id=connection_id)


@task_postrun.connect
def end(**_: Any) -> None:
    """The thread's next task is another one."""
    clear_contextvars()


@setup_logging.connect
def leave_logging_alone(**_: Any) -> None:
    """Celery would set a level of its own; LOG_LEVEL applies to workers and the scheduler too."""
    logging.config.dictConfig(settings.LOGGING)
