"""Celery tasks of the apps: how one is defined, and how one is enqueued.

What is due is stored in the database and the scheduler enqueues it on time; enqueueing it earlier only saves the wait.
Celery is imported where it is used, and so are the modules of tasks: it takes a tenth of a web process' start to load,
and most pages enqueue nothing.
"""

import logging
from collections.abc import Callable
from importlib import import_module
from threading import Event
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from django.conf import settings

if TYPE_CHECKING:
    from celery import Task

log = logging.getLogger(__name__)
# Under this name a task message, and every line of the log, tells which request asked.
REQUEST_ID = "request_id"
# Set when this worker is asked to stop, so that tasks which go on with more work end.
stopping = Event()
P = ParamSpec("P")
R = TypeVar("R")


class BrokerUnavailable(Exception):
    """The broker cannot be reached. The scheduler enqueues what is due when it is back."""


def task(function: Callable[P, R]) -> "Task[P, R]":
    """Register a function as a shared task.

    The decorator of celery-types forgets the signature (`Task[Any, Any]`). With this one the type checker holds every
    `delay` and `enqueue` to it. A task takes exactly what it names: never `*args` or `**kwargs`.
    """
    from celery import shared_task

    # A shared task belongs to the current application, which is the project's only once its module was imported.
    import_module(settings.TASK_APPLICATION)
    return cast("Task[P, R]", shared_task(function))


def run_each(*steps: Callable[[], object]) -> None:
    """Run independent steps of a task in order. One that fails is logged, and does not stop the others."""
    for step in steps:
        try:
            step()
        except Exception:
            log.exception("A step of a task failed; the next run tries it again.")


def enqueue(task: "Task[P, Any]", *args: P.args, **kwargs: P.kwargs) -> None:
    """Enqueue the task with arguments that fit its signature: ids only, never a token.

    Raises `BrokerUnavailable`, and `TypeError` for arguments that the task does not take.
    """
    from kombu.exceptions import OperationalError

    try:
        task.delay(*args, **kwargs)
    except OperationalError as away:
        raise BrokerUnavailable from away


def enqueue_later(task: "Task[[], Any]", *, seconds: float) -> None:
    """Enqueue a task without arguments to be run in so many seconds. Raises `BrokerUnavailable`."""
    from kombu.exceptions import OperationalError

    try:
        task.apply_async(countdown=seconds)
    except OperationalError as away:
        raise BrokerUnavailable from away
