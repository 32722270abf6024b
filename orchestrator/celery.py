"""The Celery application: workers and the clock."""

import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from celery import Celery, Task
from celery.signals import task_prerun
from django.conf import settings
from django.urls import set_script_prefix

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


@task_prerun.connect
def use_script_name(**_: Any) -> None:
    """Links in mails begin with the path of the site. Django sets it for the main thread alone, tasks run in others."""
    set_script_prefix(f"{settings.SCRIPT_NAME}/")


def task(function: Callable[P, R]) -> Task[P, R]:
    """Register a function as a task.

    The decorator of celery-types forgets the signature (`Task[Any, Any]`). With this one the type checker holds every
    `delay` and `ring` to it. A task takes exactly what it names: never `*args` or `**kwargs`.
    """
    return cast("Task[P, R]", app.task(function))
