#!/usr/bin/env bash
# django-import-export 4.4.3 (PyPI) with Django 5.2.19 and tablib 3.10.0, found on 30 November 2026 with Python 3.11.
#
# Expected: a file that a resource exported can be imported again without a change: with skip_unchanged, all rows are skipped.
# Seen: a time is written in the zone of the site, without offset and without fractions of a second. In the hour that the end of
# summer time repeats, two times an hour apart are the same text, and the import moves the second one by an hour. Of any other
# time it cuts the fraction off. The first of the two counts as updated as well, though it stays the same: Python holds no time
# of a repeated hour equal to one in another zone.
#
# Output seen:
#   exported: 2026-10-25 02:30:00, 2026-10-25 02:30:00, 2026-11-30 11:00:00, 2026-11-30 11:00:00
#   imported: 1 skipped, 3 updated
#   2026-10-25 01:30:00+00:00 became 2026-10-25 00:30:00+00:00
#   2026-11-30 10:00:00.250000+00:00 became 2026-11-30 10:00:00+00:00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet django==5.2.19 django-import-export==4.4.3 tablib==3.10.0

mkdir tokens
touch tokens/__init__.py
cat >tokens/models.py <<'PY'
from django.db import models


class Token(models.Model):
    expires_at = models.DateTimeField()
PY
cat >try.py <<'PY'
from datetime import datetime, timezone

import django
import tablib
from django.conf import settings
from django.db import connection

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "import_export", "tokens"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    TIME_ZONE="Europe/Berlin",
)
django.setup()

from import_export.resources import ModelResource
from tokens.models import Token


class TokenResource(ModelResource):
    class Meta:
        model = Token
        skip_unchanged = True
        report_skipped = True


with connection.schema_editor() as editor:
    editor.create_model(Token)
before = [
    datetime(2026, 10, 25, 0, 30, tzinfo=timezone.utc),
    datetime(2026, 10, 25, 1, 30, tzinfo=timezone.utc),
    datetime(2026, 11, 30, 10, tzinfo=timezone.utc),
    datetime(2026, 11, 30, 10, 0, 0, 250000, tzinfo=timezone.utc),
]
for moment in before:
    Token.objects.create(expires_at=moment)
exported = TokenResource().export()
print("exported:", ", ".join(exported["expires_at"]))
result = TokenResource().import_data(tablib.Dataset().load(exported.export("csv"), format="csv"), raise_errors=True)
print(f"imported: {result.totals['skip']} skipped, {result.totals['update']} updated")
for old, new in zip(before, Token.objects.order_by("pk").values_list("expires_at", flat=True)):
    if old != new:
        print(old, "became", new)
PY
seen=$(venv/bin/python try.py)
echo "$seen"
[ "$seen" = "exported: 2026-10-25 02:30:00, 2026-10-25 02:30:00, 2026-11-30 11:00:00, 2026-11-30 11:00:00
imported: 1 skipped, 3 updated
2026-10-25 01:30:00+00:00 became 2026-10-25 00:30:00+00:00
2026-11-30 10:00:00.250000+00:00 became 2026-11-30 10:00:00+00:00" ] || { echo "This is no longer so."; exit 1; }
