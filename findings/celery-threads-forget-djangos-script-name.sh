#!/usr/bin/env bash
# Django 5.2.19 with Celery 5.7.0 (PyPI), found on 28 November 2026 with Python 3.11.
#
# Expected: FORCE_SCRIPT_NAME is a setting of the whole site, so reverse() gives /repos/… wherever it is called once Django
# is set up: in a view, in a command, and in a task.
# Seen: django.setup() writes the prefix into a variable of the thread that called it. In a task that Celery's thread pool
# runs, reverse() gives the address without it, so a link in a mail written there leads outside the site. The same task,
# applied in the main thread, gives the right one.
#
# Output seen:
#   applied in the main thread: /repos/hello/
#   run by a worker's thread pool: /hello/
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet django==5.2.19 celery==5.7.0

cat >site_urls.py <<'PY'
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("hello/", lambda request: HttpResponse(), name="hello")]
PY
cat >try.py <<'PY'
import django
from celery import Celery
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.urls import reverse

settings.configure(ROOT_URLCONF="site_urls", FORCE_SCRIPT_NAME="/repos")
django.setup()
app = Celery("try", broker="memory://", backend="cache+memory://")


@app.task
def address() -> str:
    return reverse("hello")


print("applied in the main thread:", address.apply().get())
with start_worker(app, pool="threads", concurrency=1, perform_ping_check=False, loglevel="ERROR"):
    print("run by a worker's thread pool:", address.delay().get(timeout=30))
PY
seen=$(venv/bin/python try.py 2>errors) || { cat errors; exit 1; }
echo "$seen"
[ "$seen" = "applied in the main thread: /repos/hello/
run by a worker's thread pool: /hello/" ] || { echo "This is no longer so."; exit 1; }
