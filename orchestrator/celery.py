"""The Celery application: workers and the clock."""

import os

from celery import Celery

from orchestrator import doorbell

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")

doorbell.be_used()
app = Celery("orchestrator")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
