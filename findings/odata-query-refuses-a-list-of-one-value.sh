#!/usr/bin/env bash
# odata-query 0.10.0 (PyPI) with odata-query 8.1.0 (npm), found on 30 November 2026 with Python 3.11 and Node.js 20.
#
# Expected: two libraries of the same name, one that writes filters of OData and one that reads them, agree on the operator in
# with one value: the grammar of OData 4.01 has a list of one or more values in parentheses.
# Seen: the JavaScript library writes it so, and the Python library refuses it with ParsingException. For one value it wants
# a comma at the end, as in a tuple of Python; two values it reads without one.
#
# Output seen:
#   id in (1,2): List(val=[Integer(val='1'), Integer(val='2')])
#   id in (1): ParsingException: Failed to parse at: Token(type=')', value=')', lineno=1, index=8)
#   id in (1,): List(val=[Integer(val='1')])
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts odata-query@8.1.0
python3 -m venv venv
venv/bin/pip install --quiet odata-query==0.10.0

cat >write.js <<'JS'
const { default: buildQuery } = require("odata-query");

for (const ids of [[1, 2], [1]]) {
  console.log(new URLSearchParams(buildQuery({ filter: { id: { in: ids } } })).get("$filter"));
}
JS
cat >read.py <<'PY'
import sys

from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser

for line in sys.stdin:
    text = line.strip()
    try:
        seen = ODataParser().parse(ODataLexer().tokenize(text)).right
    except ODataException as error:
        seen = f"{type(error).__name__}: {error}"
    print(f"{text}: {seen}")
PY
seen=$({ node write.js; echo "id in (1,)"; } | venv/bin/python read.py)
echo "$seen"
[ "$seen" = "id in (1,2): List(val=[Integer(val='1'), Integer(val='2')])
id in (1): ParsingException: Failed to parse at: Token(type=')', value=')', lineno=1, index=8)
id in (1,): List(val=[Integer(val='1')])" ] || { echo "This is no longer so."; exit 1; }
