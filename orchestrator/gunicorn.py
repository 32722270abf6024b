"""gunicorn's configuration, for `make run` and for production alike. WEB_WORKERS and WEB_THREADS change its size."""

from pathlib import Path
from typing import Any

from orchestrator.settings import WEB_THREADS, WEB_WORKERS
from orchestrator.supervisor.parent_death import die_with_parent

workers = WEB_WORKERS
threads = WEB_THREADS
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
