#!/usr/bin/env bash
# slackify-markdown 4.5.0 (npm), found on 30 November 2026 with Node.js 20.
#
# Expected: what Slack cannot show stays readable. A list of tasks, as in the description of a pull request, still tells which
# ones are done, if only as "[x]". Two spaces at the end of a line, a line break of Markdown, become a new line and no more.
# Seen: the library understands lists of tasks and drops the boxes: done and open look the same. It writes a line break as
# a backslash before the new line, which Slack shows to the reader, because it means nothing there.
#
# Output seen:
#   "- [x] tests\n- [ ] docs" -> "•   tests\n•   docs\n"
#   "Thanks  \nSomeone" -> "Thanks\\\nSomeone\n"
#   "Thanks\nSomeone" -> "Thanks\nSomeone\n"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts slackify-markdown@4.5.0

cat >try.js <<'JS'
const slackify = require("slackify-markdown");

for (const text of ["- [x] tests\n- [ ] docs", "Thanks  \nSomeone", "Thanks\nSomeone"]) {
  console.log(`${JSON.stringify(text)} -> ${JSON.stringify(slackify(text))}`);
}
JS
seen=$(node try.js)
echo "$seen"
[ "$seen" = '"- [x] tests\n- [ ] docs" -> "•   tests\n•   docs\n"
"Thanks  \nSomeone" -> "Thanks\\\nSomeone\n"
"Thanks\nSomeone" -> "Thanks\nSomeone\n"' ] || { echo "This is no longer so."; exit 1; }
