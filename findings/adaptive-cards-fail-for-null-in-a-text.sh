#!/usr/bin/env bash
# adaptivecards-templating 2.3.1 with adaptive-expressions 4.23.3 (npm), found on 29 November 2026 with Node.js 20.
#
# Expected: a property that is null, as in an answer of a web API for a field without a value, gives an empty text in
# "Requested by ${name}", or stays as it is written, as a property does that is missing.
# Seen: expand() raises TypeError, and there is no card at all. The same null alone in a text is no error: the value of the
# property is null. A missing property is left as "${name}" in both.
#
# Output seen:
#   missing: "Requested by ${name}"
#   missing, alone: "${name}"
#   null: TypeError: Cannot read properties of null (reading 'toString')
#   null, alone: null
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts adaptivecards-templating@2.3.1 adaptive-expressions@4.23.3

cat >try.js <<'JS'
const { Template } = require("adaptivecards-templating");

function textOf(text, data) {
  try {
    return JSON.stringify(new Template({ type: "TextBlock", text }).expand({ $root: data }).text);
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}
console.log(`missing: ${textOf("Requested by ${name}", {})}`);
console.log(`missing, alone: ${textOf("${name}", {})}`);
console.log(`null: ${textOf("Requested by ${name}", { name: null })}`);
console.log(`null, alone: ${textOf("${name}", { name: null })}`);
JS
seen=$(node try.js)
echo "$seen"
[ "$seen" = 'missing: "Requested by ${name}"
missing, alone: "${name}"
null: TypeError: Cannot read properties of null (reading '"'toString'"')
null, alone: null' ] || { echo "This is no longer so."; exit 1; }
