#!/usr/bin/env bash
# lucide 1.1.4 (PyPI) with Django 5.2.19, found on 30 November 2026 with Python 3.11.
#
# Expected: the template tag {% lucide %} finds the icons by one look into the archive that comes with the package, since it
# keeps what it has drawn in a cache.
# Seen: only single icons are kept. The first drawing of each one opens the archive again and reads its whole list of
# contents, of more than a thousand files. A page with thirty icons, the first that a process renders, reads the list thirty times.
#
# Output seen:
#   30 icons drawn: the archive was opened 30 times
#   the same again: the archive was opened 0 times
#   more than a thousand files in its list: True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet django==5.2.19 lucide==1.1.4

cat >try.py <<'PY'
import importlib.resources
import zipfile

import django
from django.conf import settings
from django.template import Context, Engine

read_list, opened = zipfile.ZipFile._RealGetContents, []


def counting(archive):
    opened.append(archive)
    return read_list(archive)


zipfile.ZipFile._RealGetContents = counting
settings.configure()
django.setup()
with zipfile.ZipFile(importlib.resources.files("lucide") / "lucide.zip") as archive:
    files = archive.namelist()
names = [name.removesuffix(".svg") for name in files if name.endswith(".svg")][:30]
engine = Engine(libraries={"lucide": "lucide.templatetags.lucide"}, builtins=["lucide.templatetags.lucide"])
page = engine.from_string("".join(f'{{% lucide "{name}" %}}' for name in names))


def times_opened():
    opened.clear()
    assert page.render(Context()).count("<svg") == 30
    return len(opened)


print(f"{len(names)} icons drawn: the archive was opened {times_opened()} times")
print(f"the same again: the archive was opened {times_opened()} times")
print("more than a thousand files in its list:", len(files) > 1000)
PY
seen=$(venv/bin/python -W ignore try.py)
echo "$seen"
[ "$seen" = "30 icons drawn: the archive was opened 30 times
the same again: the archive was opened 0 times
more than a thousand files in its list: True" ]
