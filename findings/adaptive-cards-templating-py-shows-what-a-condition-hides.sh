#!/usr/bin/env bash
# adaptive-cards-templating-py 0.1.5 (PyPI) with adaptivecards-templating 2.3.1 and adaptive-expressions 4.23.3 (npm),
# found on 30 November 2026 with Python 3.11 and Node.js 20.
#
# Expected: an element of an Adaptive Card is left out where its "$when" is false, in Python as in JavaScript. The language of
# expressions has && and !, and the Python library has code for both.
# Seen: the Python library replaces && between two letters without spaces only. "${approved && late}" and "${!approved}" it
# cannot evaluate: it prints a line about that, and takes the text of the expression, which is true, for its value. The
# element is shown, whatever the data say.
#
# Output seen:
#   ${late}: JavaScript hides it, Python hides it
#   ${approved&&late}: JavaScript hides it, Python hides it
#   ${approved && late}: JavaScript hides it, Python shows it
#   ${!approved}: JavaScript hides it, Python shows it
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts adaptivecards-templating@2.3.1 adaptive-expressions@4.23.3
python3 -m venv venv
venv/bin/pip install --quiet adaptive-cards-templating-py==0.1.5

cat >cards.json <<'JSON'
{
  "conditions": ["${late}", "${approved&&late}", "${approved && late}", "${!approved}"],
  "data": {"approved": true, "late": false}
}
JSON
cat >try.js <<'JS'
const { Template } = require("adaptivecards-templating");
const { conditions, data } = require("./cards.json");

for (const $when of conditions) {
  const card = new Template({ type: "AdaptiveCard", body: [{ type: "TextBlock", text: "Late", $when }] });
  console.log(`${$when}: JavaScript ${card.expand({ $root: data }).body.length ? "shows" : "hides"} it`);
}
JS
cat >try.py <<'PY'
import contextlib
import io
import json
from pathlib import Path

from adaptive_cards_templating_py import Template

cards = json.loads(Path("cards.json").read_text())
for condition in cards["conditions"]:
    template = {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": "Late", "$when": condition}]}
    with contextlib.redirect_stdout(io.StringIO()):
        card = Template(template).expand({"$root": cards["data"]})
    print("Python", "shows" if card["body"] else "hides", "it")
PY
seen=$(paste -d, <(node try.js) <(venv/bin/python try.py) | sed 's/,Python/, Python/')
echo "$seen"
[ "$seen" = '${late}: JavaScript hides it, Python hides it
${approved&&late}: JavaScript hides it, Python hides it
${approved && late}: JavaScript hides it, Python shows it
${!approved}: JavaScript hides it, Python shows it' ] || { echo "This is no longer so."; exit 1; }
