#!/usr/bin/env bash
# prometheus-client 0.26.0 (PyPI), found on 29 November 2026 with Python 3.11.
#
# Expected: choose_encoder() picks the newest format that the Accept header of a scrape asks for, and falls back to the plain
# text format for a header that it does not understand, as it does for an unknown media type.
# Seen: it falls back for an unknown media type and takes a missing version for 1.0.0, but a version that is no number
# raises TypeError, because it compares its text with numbers. Behind a web framework such a scrape is an error of the server.
#
# Output seen:
#   application/openmetrics-text; version=1.0.0: application/openmetrics-text; version=1.0.0
#   application/openmetrics-text; version=one: TypeError
#   application/x-unknown: text/plain; version=0.0.4
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet prometheus-client==0.26.0

cat >try.py <<'PY'
from prometheus_client import exposition

for accept in (
    "application/openmetrics-text; version=1.0.0",
    "application/openmetrics-text; version=one",
    "application/x-unknown",
):
    try:
        _, content_type = exposition.choose_encoder(accept)
        seen = "; ".join(content_type.split("; ")[:2])
    except TypeError as error:
        seen = type(error).__name__
    print(f"{accept}: {seen}")
PY
seen=$(venv/bin/python try.py 2>errors) || { cat errors; exit 1; }
echo "$seen"
[ "$seen" = "application/openmetrics-text; version=1.0.0: application/openmetrics-text; version=1.0.0
application/openmetrics-text; version=one: TypeError
application/x-unknown: text/plain; version=0.0.4" ] || { echo "This is no longer so."; exit 1; }
