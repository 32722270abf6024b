#!/usr/bin/env bash
# adaptive-expressions 4.23.3 (npm), found on 29 November 2026 with Node.js 20.
#
# Expected: sortBy() orders a list of numbers by their size, as it orders objects by a property that is a number, and as max()
# and "<" of the same language compare them.
# Seen: without a property the numbers are ordered as texts: 10 and 100 come before 9. With the name of a property they are
# ordered as numbers.
#
# Output seen:
#   sortBy(days): [10,100,9]
#   sortBy(tokens, 'days'): [9,10,100]
#   max(days): 100
#   9 < 10: true
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts adaptive-expressions@4.23.3

cat >try.js <<'JS'
const { Expression } = require("adaptive-expressions");

const days = [10, 9, 100];
const data = { days, tokens: days.map((number) => ({ days: number })) };
for (const text of ["sortBy(days)", "sortBy(tokens, 'days')", "max(days)", "9 < 10"]) {
  const { value, error } = Expression.parse(text).tryEvaluate(data);
  const shown = Array.isArray(value) ? value.map((item) => item.days ?? item) : value;
  console.log(`${text}: ${error ?? JSON.stringify(shown)}`);
}
JS
seen=$(node try.js)
echo "$seen"
[ "$seen" = "sortBy(days): [10,100,9]
sortBy(tokens, 'days'): [9,10,100]
max(days): 100
9 < 10: true" ] || { echo "This is no longer so."; exit 1; }
