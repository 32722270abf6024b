"""The product's settings for the fault tests: a clock that ticks each second, and a cheap sign-in."""

import ctypes
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from celery.signals import after_task_publish, worker_ready

from tests.faults.machine_clock import CLOCK_VARIABLE, follow
from tests.faults.words import BUSY_VARIABLE, RANG, READY, STAND_STILL_VARIABLE
from tests.settings import *  # noqa: F403
from tests.settings import CELERY_BEAT_SCHEDULE

TICK = 1.0
for entry in CELERY_BEAT_SCHEDULE.values():
    if isinstance(entry["schedule"], float):
        entry["schedule"] = TICK
        # A machine that is busy with other tests must not lose every tick.
        entry["options"] = {"expires": 15.0}
# Fifty people sign in; what is measured is not the hash.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# They come from one address and test without rest.
TESTS_PER_PERSON = TESTS_PER_ADDRESS = 0
# Their leases are shorter than the longest time that sending may take.
SILENCED_SYSTEM_CHECKS = ["orchestrator.E005", "orchestrator.E010"]


def _hold_up_the_loop() -> None:
    """Stand still once the file says how: waiting for what never comes, or never letting go of the interpreter."""
    file = Path(os.environ.get(STAND_STILL_VARIABLE, "/nowhere"))
    how = file.read_text() if file.exists() else ""
    if how == "waiting":
        threading.Event().wait(600)
    if how == "holding":
        ctypes.PyDLL(None).sleep(600)


def _be_busy(pool: Any) -> None:
    """Every thread has a task that takes long."""
    for _ in range(pool.limit):
        pool.executor.submit(time.sleep, 600)


if os.environ.get(CLOCK_VARIABLE):
    follow(Path(os.environ[CLOCK_VARIABLE]))


@worker_ready.connect
def _say_so(sender: Any = None, **_: Any) -> None:
    sender.timer.call_repeatedly(0.2, _hold_up_the_loop)
    if os.environ.get(BUSY_VARIABLE):
        _be_busy(sender.pool)
    print(READY, flush=True)


if "beat" in sys.argv:

    @after_task_publish.connect(weak=False)
    def _say_for_what(sender: str, **_: Any) -> None:
        print(RANG, sender, flush=True)
        _hold_up_the_loop()
