"""gunicorn's configuration, for `make run` and for production alike. WEB_WORKERS and WEB_THREADS change its size."""

import os
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from orchestrator.parent_death import die_with_parent
from orchestrator.supervisor.process_specs import PREPARATION_GATE


def _load_while_preparing(gate: int) -> None:
    """Load Django and the pages while `make run` prepares what they need, and wait until that has ended."""
    # The preparation says what is wrong with a setting.
    with suppress(ImproperlyConfigured):
        django.setup()
        import_module(settings.ROOT_URLCONF)
    os.read(gate, 1)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
if PREPARATION_GATE in os.environ:
    _load_while_preparing(int(os.environ[PREPARATION_GATE]))

workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
worker_class = "gthread"
# Read once, before the workers are made, so that they share the memory it takes.
preload_app = True
# Longer than a Test Connection may take.
timeout = 60
graceful_timeout = 10
accesslog = None
loglevel = "warning"
# A worker proves that it lives by touching a file; on a slow disk that alone could hang it.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - not a file of ours, gunicorn makes its own
control_socket_disable = True
# gunicorn would answer 500 to whoever asks for /healthz directly; `orchestrator.script_name` takes the prefix off.
raw_env = ["SCRIPT_NAME="]


def post_fork(server: Any, worker: Any) -> None:
    """A killed master leaves no worker behind."""
    die_with_parent(worker.ppid)
