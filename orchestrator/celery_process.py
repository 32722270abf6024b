"""Celery's worker or scheduler as `make run` starts it: `python -m orchestrator.celery_process worker`, or `beat`.

Without Celery's command line, which loads all of its commands and an interactive shell: 8 MB in each process.
"""

import gc
import os
import sys
from argparse import ArgumentParser
from typing import Any

import django
from celery.apps.beat import Beat

from orchestrator.celery import app


class Scheduler(Beat):
    """Celery's scheduler. It knows tasks by their names alone: loading them would take a seventh of its memory."""

    def init_loader(self) -> None:
        """Load the models, for the heartbeat."""
        django.setup()
        app.finalize()
        gc.freeze()


def work(threads: int, hostname: str | None = None) -> int:
    """Run tasks until this process is told to end. Return the exit code."""
    # Its heartbeats are in the database. Those of Celery, every two seconds, are for monitors of events.
    alone = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
    # Threads, because the work is waiting for Azure DevOps.
    options = {"pool_cls": "threads", "concurrency": threads, "loglevel": "WARNING", "quiet": True}
    worker: Any = app.Worker(hostname=hostname, **options, **alone)
    # What is loaded stays: no search for garbage need look at it. https://docs.python.org/3/library/gc.html#gc.freeze
    gc.freeze()
    worker.start()
    return int(worker.exitcode or os.EX_OK)


def schedule() -> int:
    """Enqueue what is due until this process is told to end. Return the exit code."""
    Scheduler(app=app, loglevel="WARNING", quiet=True).run()
    return os.EX_OK


def _arguments() -> Any:
    parser = ArgumentParser(prog="orchestrator.celery_process")
    parser.add_argument("part", choices=("worker", "beat"))
    parser.add_argument("--concurrency", type=int, default=8, help="how many threads of a worker run tasks")
    parser.add_argument("--hostname", help="the name of a worker, where several run on one machine")
    return parser.parse_args()


if __name__ == "__main__":
    given = _arguments()
    sys.exit(work(given.concurrency, given.hostname) if given.part == "worker" else schedule())
