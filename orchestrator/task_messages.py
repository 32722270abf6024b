"""The way from a message to a task, which refuses what is none."""

from collections.abc import Callable
from typing import Any

from celery.exceptions import InvalidTaskError
from celery.worker import strategy


def refuse_what_is_no_task(task: object, app: object, consumer: object) -> Callable[..., None]:
    """Celery's own way from a message to a task, with an error that its worker knows."""
    handle = strategy.default(task, app, consumer)

    def begin(*message: Any, **more: Any) -> None:
        try:
            handle(*message, **more)
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            raise InvalidTaskError(f"no task message of this version: {wrong!r}") from wrong

    return begin
