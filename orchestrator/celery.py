"""The Celery application: workers and the clock."""

import os
from typing import Any

from celery import Celery, Task

from orchestrator import doorbell
from orchestrator import task_tracing as task_tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")

doorbell.be_used()
app: "Celery[Task[Any, Any]]" = Celery("orchestrator", task_cls=doorbell.Ring)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# The workers' signs of life need models, which are there when the tasks are.
app.autodiscover_tasks(["orchestrator"], related_name="heartbeats")
