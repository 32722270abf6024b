"""The worker and the scheduler of `make run` load what they need, and no more."""

import subprocess
import sys

import pytest

from orchestrator.beat_schedule import SCHEDULE
from orchestrator.celery import app
from tests.product.running import ROOT

TASKS = "connections.tasks"


def loaded_after(code: str) -> set[str]:
    """The modules that a new process has loaded when it has run this."""
    command = f"import sys; from orchestrator import celery_process; {code}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


@pytest.mark.parametrize("part", ["worker", "beat"])
def test_neither_loads_the_command_line_of_celery(part: str) -> None:
    prepare = {
        "worker": "celery_process.app.loader.init_worker()",
        "beat": "celery_process.Scheduler(app=celery_process.app).init_loader()",
    }
    loaded = loaded_after(prepare[part])
    assert "celery.bin" not in loaded
    assert (TASKS in loaded) is (part == "worker")
    assert "core.models" in loaded


def test_every_name_in_the_schedule_is_a_task() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in SCHEDULE.values()} <= app.tasks.keys()
