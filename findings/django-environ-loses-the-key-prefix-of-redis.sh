#!/usr/bin/env bash
# django-environ 0.14.0 (PyPI) with Django 5.2.19 and redis 8.1.0, found on 29 November 2026 with Python 3.11.
#
# Expected: key_prefix and version in the URL of a cache do the same for every backend, so that two sites that share one
# Redis keep their keys apart.
# Seen: for Redis the library writes the names of all options in lower case, also of those that are no options of the
# backend but settings of the cache. Django reads KEY_PREFIX and VERSION in upper case only, so both are ignored without
# a word, and the two sites read each other's values. The timeout arrives, because Django reads both spellings of it.
#
# Output seen:
#   locmemcache: key shop:2:basket, timeout 5
#   redis: key :1:basket, timeout 5
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet django==5.2.19 django-environ==0.14.0 redis==8.1.0

cat >try.py <<'PY'
from django.conf import settings
from environ import Env

options = "?key_prefix=shop&version=2&timeout=5"
urls = {"locmemcache": f"locmemcache://memory{options}", "redis": f"redis://localhost:6379/1{options}"}
caches_settings = {name: Env.cache_url_config(url) for name, url in urls.items()}
settings.configure(CACHES={"default": caches_settings["redis"], **caches_settings})

from django.core.cache import caches

for name in urls:
    print(f"{name}: key {caches[name].make_key('basket')}, timeout {caches[name].default_timeout}")
PY
seen=$(venv/bin/python try.py)
echo "$seen"
[ "$seen" = "locmemcache: key shop:2:basket, timeout 5
redis: key :1:basket, timeout 5" ] || { echo "This is no longer so."; exit 1; }
