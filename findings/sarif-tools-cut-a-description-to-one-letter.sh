#!/usr/bin/env bash
# sarif-tools 3.0.5 (PyPI), found on 30 November 2026 with Python 3.11.
#
# Expected: sarif csv puts the message of a result into the column Description. If the message repeats the id of the rule, that
# is left out, and the rest stays, because the id has a column of its own.
# Seen: of a message that begins with the id only one letter stays, the second one behind the id: what is behind "SEC101 " or
# "SEC101: " is lost, and with the colon nothing at all is left. A rule named "token" makes an "i" of "token is valid".
#
# Output seen:
#   Tool,Severity,Code,Description,Location,Line
#   scan,error,SEC101,,app.py,3
#   scan,error,SEC101,T,app.py,3
#   scan,error,SEC101,Token found in a file,app.py,3
#   scan,error,token,i,app.py,3
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet sarif-tools==3.0.5

cat >write.py <<'PY'
import json

MESSAGES = [
    ("SEC101", "Token found in a file"),
    ("SEC101", "SEC101 Token found in a file"),
    ("SEC101", "SEC101: Token found in a file"),
    ("token", "token is valid"),
]
PLACE = {"physicalLocation": {"artifactLocation": {"uri": "app.py"}, "region": {"startLine": 3}}}
results = [{"ruleId": rule, "level": "error", "message": {"text": text}, "locations": [PLACE]} for rule, text in MESSAGES]
print(json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scan"}}, "results": results}]}))
PY
venv/bin/python write.py >scan.sarif
venv/bin/sarif csv --output scan.csv scan.sarif >log 2>&1 || { cat log; exit 1; }
seen=$(tr -d '\r' <scan.csv)
echo "$seen"
[ "$seen" = "Tool,Severity,Code,Description,Location,Line
scan,error,SEC101,,app.py,3
scan,error,SEC101,T,app.py,3
scan,error,SEC101,Token found in a file,app.py,3
scan,error,token,i,app.py,3" ] || { echo "This is no longer so."; exit 1; }
