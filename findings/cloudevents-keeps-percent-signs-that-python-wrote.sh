#!/usr/bin/env bash
# cloudevents 10.0.0 (npm) with cloudevents 2.2.0 (PyPI), found on 30 November 2026 with Node.js 20 and Python 3.11.
#
# Expected: the packages of the same project for two languages read each other's events. In binary mode, the HTTP binding of
# CloudEvents 1.0 (section 3.1.3.2) has a space in an attribute written as %20 in its header, and decoded by the reader.
# Seen: the Python package does so. The JavaScript package reads the header as it is, so that its event has another subject,
# and writes it as it is. In structured mode the subject is right.
#
# Output seen:
#   Python writes ce-subject: refs/heads/release%201
#   JavaScript reads it as: refs/heads/release%201
#   JavaScript writes ce-subject: refs/heads/release 1
#   JavaScript reads structured mode as: refs/heads/release 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts cloudevents@10.0.0
python3 -m venv venv
venv/bin/pip install --quiet cloudevents==2.2.0

cat >write.py <<'PY'
import json

from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

ATTRIBUTES = {"id": "1", "source": "/repositories", "type": "git.push", "specversion": "1.0"}
event = CloudEvent({**ATTRIBUTES, "subject": "refs/heads/release 1", "datacontenttype": "application/json"}, {"commits": 1})
messages = {"binary": to_binary_event(event), "structured": to_structured_event(event)}
parts = {name: {"headers": dict(message.headers), "body": message.body.decode()} for name, message in messages.items()}
print(json.dumps(parts))
PY
cat >read.js <<'JS'
const { CloudEvent, HTTP } = require("cloudevents");
const { binary, structured } = require("./messages.json");

console.log(`Python writes ce-subject: ${binary.headers["ce-subject"]}`);
console.log(`JavaScript reads it as: ${HTTP.toEvent(binary).subject}`);
const subject = "refs/heads/release 1";
const event = new CloudEvent({ source: "/repositories", type: "git.push", subject, data: { commits: 1 } });
console.log(`JavaScript writes ce-subject: ${HTTP.binary(event).headers["ce-subject"]}`);
console.log(`JavaScript reads structured mode as: ${HTTP.toEvent(structured).subject}`);
JS
venv/bin/python write.py >messages.json
seen=$(node read.js)
echo "$seen"
[ "$seen" = "Python writes ce-subject: refs/heads/release%201
JavaScript reads it as: refs/heads/release%201
JavaScript writes ce-subject: refs/heads/release 1
JavaScript reads structured mode as: refs/heads/release 1" ] || { echo "This is no longer so."; exit 1; }
