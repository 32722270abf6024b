#!/usr/bin/env bash
# codeowners 5.1.1 and codeowners-utils 1.0.2 (npm), codeowners 0.9.0 (PyPI), found on 30 November 2026 with Node.js 20 and
# Python 3.11.
#
# Expected: readers of CODEOWNERS agree with the documentation of GitHub, whose example has comments at the end of lines, and
# says that docs/* owns the files of that folder and not those further down.
# Seen: the npm package codeowners takes the words of the comment for owners. Both npm packages use the rules of .gitignore,
# by which docs/* owns what is further down too. The Python package does as GitHub says.
#
# Output seen:
#   codeowners (npm): docs/one.md @docs; docs/more/two.md @docs; page.js @pages # of this site
#   codeowners-utils: docs/one.md @docs; docs/more/two.md @docs; page.js @pages
#   codeowners (PyPI): docs/one.md @docs; docs/more/two.md @all; page.js @pages
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts codeowners@5.1.1 codeowners-utils@1.0.2
python3 -m venv venv
venv/bin/pip install --quiet codeowners==0.9.0

cat >CODEOWNERS <<'OWNERS'
* @all
docs/* @docs
*.js @pages # of this site
OWNERS
cat >try.js <<'JS'
const { readFileSync } = require("node:fs");
const Codeowners = require("codeowners");
const { matchFile, parse } = require("codeowners-utils");

const files = ["docs/one.md", "docs/more/two.md", "page.js"];
const show = (name, ownersOf) => console.log(`${name}: ${files.map((file) => `${file} ${ownersOf(file).join(" ")}`).join("; ")}`);
const codeowners = new Codeowners(process.cwd());
const entries = parse(readFileSync("CODEOWNERS", "utf8"));
show("codeowners (npm)", (file) => codeowners.getOwner(file));
show("codeowners-utils", (file) => matchFile(file, entries).owners);
JS
cat >try.py <<'PY'
from pathlib import Path

from codeowners import CodeOwners

owners = CodeOwners(Path("CODEOWNERS").read_text())
files = ["docs/one.md", "docs/more/two.md", "page.js"]
print("codeowners (PyPI):", "; ".join(" ".join([file, *(owner for _, owner in owners.of(file))]) for file in files))
PY
seen=$(
  node try.js
  venv/bin/python try.py
)
echo "$seen"
[ "$seen" = "codeowners (npm): docs/one.md @docs; docs/more/two.md @docs; page.js @pages # of this site
codeowners-utils: docs/one.md @docs; docs/more/two.md @docs; page.js @pages
codeowners (PyPI): docs/one.md @docs; docs/more/two.md @all; page.js @pages" ] || { echo "This is no longer so."; exit 1; }
