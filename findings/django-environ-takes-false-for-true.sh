#!/usr/bin/env bash
# django-environ 0.14.0 (PyPI) with Django 5.2.19, found on 29 November 2026 with Python 3.11.
#
# Expected: in the URL of a database, atomic_requests=false says what ATOMIC_REQUESTS=False does in the settings. The library
# reads the number of conn_max_age=600 as a number, and env.bool() takes "false" for False.
# Seen: "false" stays a text, which Django takes for true: each request runs in a transaction. "False", written as in
# Python, becomes False. The same happens to conn_health_checks and autocommit.
#
# Output seen:
#   env.bool: False
#   ?atomic_requests=false: ATOMIC_REQUESTS 'false', a request runs in a transaction: True
#   ?atomic_requests=False: ATOMIC_REQUESTS False, a request runs in a transaction: False
#   ?conn_max_age=600: CONN_MAX_AGE 600
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet django==5.2.19 django-environ==0.14.0

cat >site_urls.py <<'PY'
from django.db import connection
from django.http import HttpResponse
from django.urls import path


def is_atomic(request):
    return HttpResponse(str(connection.in_atomic_block))


urlpatterns = [path("", is_atomic)]
PY
cat >try.py <<'PY'
import sys

import django
from django.conf import settings
from django.test import Client
from environ import Env

query = sys.argv[1]
database = Env.db_url_config(f"sqlite://localhost/site.db?{query}")
if "atomic_requests" in query:
    settings.configure(ROOT_URLCONF="site_urls", ALLOWED_HOSTS=["testserver"], DATABASES={"default": database})
    django.setup()
    seen = Client().get("/").content.decode()
    print(f"?{query}: ATOMIC_REQUESTS {database['ATOMIC_REQUESTS']!r}, a request runs in a transaction: {seen}")
else:
    print(f"?{query}: CONN_MAX_AGE {database['CONN_MAX_AGE']!r}")
PY
seen=$(
  ATOMIC=false venv/bin/python -c 'from environ import Env; print("env.bool:", Env().bool("ATOMIC"))'
  for query in atomic_requests=false atomic_requests=False conn_max_age=600; do
    venv/bin/python -W ignore try.py "$query"
  done
)
echo "$seen"
[ "$seen" = "env.bool: False
?atomic_requests=false: ATOMIC_REQUESTS 'false', a request runs in a transaction: True
?atomic_requests=False: ATOMIC_REQUESTS False, a request runs in a transaction: False
?conn_max_age=600: CONN_MAX_AGE 600" ] || { echo "This is no longer so."; exit 1; }
