"""gunicorn's configuration, for `make run` and for production. WEB_WORKERS and WEB_THREADS change its size."""

import gc
import os
import signal
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.checks import Tags
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand

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
    # Loading makes many objects and hardly any garbage; looking for it would take a sixth of the time.
    gc.disable()
    _load_while_preparing(int(os.environ[PREPARATION_GATE]))

workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
worker_class = "gthread"
# Load the application before forking, so that the workers share its memory.
preload_app = True
# Longer than a Test Connection may take.
timeout = 60
graceful_timeout = 10
accesslog = None
loglevel = "warning"
# Workers touch a file as a heartbeat, which could block on a slow disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - not a file of ours, gunicorn makes its own
control_socket_disable = True
# Otherwise gunicorn answers direct requests to /healthz with 500; `orchestrator.script_name` strips the prefix.
raw_env = ["SCRIPT_NAME="]


def on_starting(server: Any) -> None:
    """Refuse to start with settings that are unsafe or cannot work. `make run` has checked them before.

    Raises `SystemCheckError`.
    """
    if PREPARATION_GATE not in os.environ:
        BaseCommand().check(tags=[Tags.security])


def when_ready(server: Any) -> None:
    """Collect garbage from now on, but not among what is loaded, so that the workers go on sharing its memory."""
    # https://docs.python.org/3/library/gc.html#gc.freeze
    gc.freeze()
    gc.enable()


def post_fork(server: Any, worker: Any) -> None:
    """End the worker when the master is killed."""
    die_with_parent(worker.ppid)


def post_worker_init(worker: Any) -> None:
    """When the worker is told to end, requests of the API that wait are answered."""
    from api import waiting

    end_gracefully = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: Any) -> None:
        waiting.stop()
        if callable(end_gracefully):
            end_gracefully(number, frame)

    signal.signal(signal.SIGTERM, end)


def worker_exit(server: Any, worker: Any) -> None:
    """What this process counted for /metrics is written before it ends."""
    # Imports models, which the worker has loaded.
    from core.metric_totals import totals

    totals.flush()
