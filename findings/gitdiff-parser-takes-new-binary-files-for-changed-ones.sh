#!/usr/bin/env bash
# gitdiff-parser 0.3.1 (npm) with Git, found on 30 November 2026 with Node.js 20 and Git 2.39.
#
# Expected: the type of a file in a diff is "add" if Git writes "new file mode" for it, and "delete" if it writes "deleted file
# mode", whatever the file contains.
# Seen: the type is taken from the lines "---" and "+++", which Git writes for text only. New and deleted files that are
# binary or empty are of type "modify", like a changed text. The old revision of a new one is 0000000.
#
# Output seen:
#   empty-new: modify, 0000000
#   empty-old: modify, e69de29
#   image-new: modify, 0000000
#   image-old: modify, f76dd23
#   text-new: add, 0000000
#   text-old: delete, 5626abf
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts gitdiff-parser@0.3.1
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

git init --quiet repository
cd repository
: >empty-old
printf '\0' >image-old
echo one >text-old
git add .
git -c user.name=Someone -c user.email=someone@example.com commit --quiet --message "Add three files"
git rm --quiet empty-old image-old text-old
: >empty-new
printf '\0\0' >image-new
echo another >text-new
git add .
git diff --cached --no-renames >"$folder/changes.diff"
cd ..

cat >try.js <<'JS'
const { readFileSync } = require("node:fs");
const parser = require("gitdiff-parser");

for (const file of (parser.default ?? parser).parse(readFileSync("changes.diff", "utf8"))) {
  const name = file.newPath === "/dev/null" ? file.oldPath : file.newPath;
  console.log(`${name}: ${file.type}, ${file.oldRevision}`);
}
JS
seen=$(node try.js)
echo "$seen"
[ "$seen" = "empty-new: modify, 0000000
empty-old: modify, e69de29
image-new: modify, 0000000
image-old: modify, f76dd23
text-new: add, 0000000
text-old: delete, 5626abf" ] || { echo "This is no longer so."; exit 1; }
