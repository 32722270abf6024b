"""The Celery application: workers and the clock."""

import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from celery import Celery, Task

from orchestrator import doorbell
from orchestrator import task_tracing as task_tracing

P = ParamSpec("P")
R = TypeVar("R")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")

doorbell.be_used()
app: "Celery[Task[Any, Any]]" = Celery("orchestrator", task_cls=doorbell.Ring)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# The workers' signs of life need models, which are there when the tasks are.
app.autodiscover_tasks(["orchestrator"], related_name="heartbeats")


def task(function: Callable[P, R]) -> Task[P, R]:
    """Register a function as a task.

    The decorator of celery-types forgets the signature (`Task[Any, Any]`). With this one the type checker holds every
    `delay` and `ring` to it. A task takes exactly what it names: never `*args` or `**kwargs`.
    """
    return cast("Task[P, R]", app.task(function))
