#!/usr/bin/env bash
# rfc6902 5.4.0 (npm) with jsonpatch 1.48 (PyPI), found on 30 November 2026 with Node.js 20 and Python 3.11.
#
# Expected: applyPatch() applies what createPatch() of the same package made of two documents. The empty path is the whole
# document (RFC 6901), and RFC 6902 lets "add" and "replace" name it.
# Seen: for an object that becomes a list, createPatch() writes one operation with the empty path, and applyPatch() answers
# MissingError for it and changes nothing. The Python package applies the same patch.
#
# Output seen:
#   patch: [{"op":"replace","path":"","value":["first"]}]
#   rfc6902: MissingError, {"name":"first"}
#   jsonpatch: ["first"]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts rfc6902@5.4.0
python3 -m venv venv
venv/bin/pip install --quiet jsonpatch==1.48

cat >try.js <<'JS'
const { writeFileSync } = require("node:fs");
const { applyPatch, createPatch } = require("rfc6902");

const document = { name: "first" };
const patch = createPatch(document, ["first"]);
console.log(`patch: ${JSON.stringify(patch)}`);
writeFileSync("patch.json", JSON.stringify(patch));
const [error] = applyPatch(document, patch);
console.log(`rfc6902: ${error?.name ?? "applied"}, ${JSON.stringify(document)}`);
JS
cat >try.py <<'PY'
import json
from pathlib import Path

import jsonpatch

print("jsonpatch:", json.dumps(jsonpatch.apply_patch({"name": "first"}, Path("patch.json").read_text())))
PY
seen=$(
  node try.js
  venv/bin/python try.py
)
echo "$seen"
[ "$seen" = 'patch: [{"op":"replace","path":"","value":["first"]}]
rfc6902: MissingError, {"name":"first"}
jsonpatch: ["first"]' ] || { echo "This is no longer so."; exit 1; }
