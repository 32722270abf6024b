#!/usr/bin/env bash
# Celery 5.7.0 (PyPI), found on 30 November 2026 with Python 3.11.
#
# Expected: a tick of beat's scheduler says in how many seconds the next task is due, beat sleeps that long, and the next
# tick enqueues the task. So there are about two ticks for each task.
# Seen: with schedules in seconds, a tick takes 10 ms off the time to sleep. Beat wakes too early, and from then on each tick
# returns a negative number of seconds, for which beat does not sleep: it ticks without a pause, up to two hundred times,
# until the 10 ms are over. Whatever a scheduler of one's own does in each tick, such as writing a heartbeat, it does as
# often. A scheduler whose adjust() returns its argument sleeps until the task is due.
#
# Output seen:
#   tasks enqueued: 4
#   ticks that returned less than no seconds: more than ten
#   the same if adjust() changes nothing: none
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet celery==5.7.0

cat >try.py <<'PY'
import time

from celery import Celery
from celery.beat import Scheduler

app = Celery("try", broker="memory://")
app.conf.beat_schedule = {"every second": {"task": "work", "schedule": 1.0}}


class Counting(Scheduler):
    enqueued = 0

    def apply_entry(self, entry, producer=None):
        self.enqueued += 1


class Exact(Counting):
    def adjust(self, n, drift=0.0):
        return n


def negative_ticks(scheduler, tasks):
    """As beat's own loop does it, until so many tasks were enqueued."""
    negative = 0
    while scheduler.enqueued < tasks:
        seconds = scheduler.tick()
        if seconds > 0:
            time.sleep(seconds)
        negative += seconds < 0
    return negative


usual, exact = Counting(app), Exact(app)
found = negative_ticks(usual, 4)
print("tasks enqueued:", usual.enqueued)
print("ticks that returned less than no seconds:", "more than ten" if found > 10 else found)
print("the same if adjust() changes nothing:", negative_ticks(exact, 4) or "none")
PY
seen=$(venv/bin/python try.py 2>errors) || { cat errors; exit 1; }
echo "$seen"
[ "$seen" = "tasks enqueued: 4
ticks that returned less than no seconds: more than ten
the same if adjust() changes nothing: none" ] || { echo "This is no longer so."; exit 1; }
