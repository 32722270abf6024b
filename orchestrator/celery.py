"""The Celery application of workers and scheduler."""

import os
from typing import Any

from celery import Celery, Task
from celery.signals import task_postrun, task_prerun, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import close_old_connections
from django.urls import set_script_prefix
from kombu.transport import TRANSPORT_ALIASES

from core import task_logging as task_logging
from core.tasks import stopping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
# Celery would run Django's checks and ignore what they find. They load all pages, 6 MB that no worker needs to start.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

# For all URLs of Redis, because a URL of a socket can't name another transport.
TRANSPORT_ALIASES |= dict.fromkeys(("redis", "rediss"), "orchestrator.celery_overrides:Transport")


class BaseTask(Task[Any, Any]):
    """The base of every task."""

    Strategy = "orchestrator.celery_overrides:refuse_malformed_messages"


app: "Celery[Task[Any, Any]]" = Celery("orchestrator", task_cls=BaseTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Heartbeats need models, which are loaded by the time tasks are.
app.autodiscover_tasks(["core"], related_name="heartbeats")


@task_prerun.connect
def use_script_name(**_: Any) -> None:
    """Set the path prefix for links in mails. Django sets it for the main thread only, but tasks run in others."""
    set_script_prefix(f"{settings.SCRIPT_NAME}/")


@task_prerun.connect
@task_postrun.connect
def close_old_database_connections(task: Task[Any, Any], **_: Any) -> None:
    """What Django does around each request, instead of a new connection for every task.

    https://docs.djangoproject.com/en/5.2/ref/databases/#persistent-database-connections
    """
    if not task.request.is_eager:
        close_old_connections()


@task_postrun.connect
def write_counters(**_: Any) -> None:
    """What this worker counted for /metrics, now and then."""
    # Models, which are there when the first task has run.
    from core.metric_totals import totals

    totals.flush_if_due()


@worker_shutting_down.connect
def begin_nothing_more(**_: Any) -> None:
    """Tasks that go on with more work end with what they are doing."""
    stopping.set()


@worker_shutdown.connect
def write_last_counters(**_: Any) -> None:
    """The same when the worker ends."""
    from core.metric_totals import totals

    totals.flush()
