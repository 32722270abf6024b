#!/usr/bin/env bash
# adaptive-expressions 4.23.3 (npm), found on 29 November 2026 with Node.js 20.
#
# Expected: a time that formatDateTime() reads can be given to addDays() and ticks() too: all three take a timestamp as text.
# "2026-11-29T10:00:00Z" is one by ISO 8601 and RFC 3339, and Azure DevOps writes up to seven digits after the seconds.
# Seen: addDays() and ticks() take it with three digits after the seconds. Without digits, or with seven, they say that
# it is no ISO format. formatDateTime() reads all of them.
#
# Output seen:
#   2026-11-29T10:00:00Z: formatDateTime 2026-11-29, addDays an error, ticks an error
#   2026-11-29T10:00:00.123Z: formatDateTime 2026-11-29, addDays 2026-11-30, ticks 639315432001230000
#   2026-11-29T10:00:00.1234567Z: formatDateTime 2026-11-29, addDays an error, ticks an error
#   the error: 2026-11-29T10:00:00Z is not a ISO format datetime string.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts adaptive-expressions@4.23.3

cat >try.js <<'JS'
const { Expression } = require("adaptive-expressions");

const evaluate = (text, at) => Expression.parse(text).tryEvaluate({ at });
function shown(text, at) {
  const { value, error } = evaluate(text, at);
  return error ? "an error" : String(value);
}
for (const fraction of ["", ".123", ".1234567"]) {
  const at = `2026-11-29T10:00:00${fraction}Z`;
  const results = {
    formatDateTime: shown("formatDateTime(at, 'yyyy-MM-dd')", at),
    addDays: shown("addDays(at, 1, 'yyyy-MM-dd')", at),
    ticks: shown("ticks(at)", at),
  };
  console.log(`${at}: ${Object.entries(results).map(([name, result]) => `${name} ${result}`).join(", ")}`);
}
console.log(`the error: ${evaluate("addDays(at, 1)", "2026-11-29T10:00:00Z").error}`);
JS
seen=$(node try.js)
echo "$seen"
[ "$seen" = "2026-11-29T10:00:00Z: formatDateTime 2026-11-29, addDays an error, ticks an error
2026-11-29T10:00:00.123Z: formatDateTime 2026-11-29, addDays 2026-11-30, ticks 639315432001230000
2026-11-29T10:00:00.1234567Z: formatDateTime 2026-11-29, addDays an error, ticks an error
the error: 2026-11-29T10:00:00Z is not a ISO format datetime string." ] || { echo "This is no longer so."; exit 1; }
