#!/usr/bin/env bash
# Django 5.2.19 with Celery 5.7.0 (PyPI), found on 29 November 2026 with Python 3.11.
#
# Expected: Celery leaves logging alone in a process whose Django is set up and whose setup_logging signal has a receiver.
# Asking the app's loader for its task modules imports them and does no more.
# Seen: Celery's fixup for Django calls django.setup() each time the task modules are asked for. That applies LOGGING once
# more: a handler added since to the root logger is gone, and the console handler is made anew, bound to what
# sys.stderr is at that moment. The signal setup_logging is not sent.
#
# Output seen:
#   handlers of the root logger before: ['StreamHandler', 'BufferingHandler']
#   after the task modules were asked for: ['StreamHandler']
#   the console handler is the same: False
#   setup_logging was sent: 0 times
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet django==5.2.19 celery==5.7.0

cat >site_settings.py <<'PY'
SECRET_KEY = "not a secret"
INSTALLED_APPS = []
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
PY
cat >try.py <<'PY'
import logging
import os
from logging.handlers import BufferingHandler

import django
from celery import Celery
from celery.signals import setup_logging

os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
sent = []


@setup_logging.connect
def leave_logging_alone(**_):
    sent.append(1)


app = Celery("try", broker="memory://")
app.set_default()
django.setup()
root = logging.getLogger()
root.addHandler(BufferingHandler(10))
names = lambda: [type(handler).__name__ for handler in root.handlers]
console = root.handlers[0]
print("handlers of the root logger before:", names())
app.loader.import_default_modules()
print("after the task modules were asked for:", names())
print("the console handler is the same:", root.handlers[0] is console)
print("setup_logging was sent:", len(sent), "times")
PY
seen=$(venv/bin/python try.py 2>errors) || { cat errors; exit 1; }
echo "$seen"
[ "$seen" = "handlers of the root logger before: ['StreamHandler', 'BufferingHandler']
after the task modules were asked for: ['StreamHandler']
the console handler is the same: False
setup_logging was sent: 0 times" ] || { echo "This is no longer so."; exit 1; }
