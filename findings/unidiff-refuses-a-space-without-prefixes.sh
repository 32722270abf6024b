#!/usr/bin/env bash
# unidiff 1.0.1 (PyPI) with Git, found on 29 November 2026 with Python 3.11 and Git 2.39.
#
# Expected: unidiff reads what git diff writes, whatever is set for the prefixes of names: a/ and b/, none (--no-prefix), or
# letters like i/ and w/ (diff.mnemonicPrefix).
# Seen: it reads all three, unless the name of the file has a space. Then it takes a/ and b/ only, and fails for the whole
# diff with "Target without source".
#
# Output seen:
#   git diff: plain.txt, read me.txt
#   git diff --no-prefix -- plain.txt: plain.txt
#   git diff --no-prefix: UnidiffParseError: Target without source: +++ read me.txt
#   git -c diff.mnemonicPrefix=true diff: UnidiffParseError: Target without source: +++ w/read me.txt
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet unidiff==1.0.1
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

git init --quiet repository
cd repository
echo old | tee plain.txt >"read me.txt"
git add .
git -c user.name=Someone -c user.email=someone@example.com commit --quiet --message "Add two files"
echo new | tee plain.txt >"read me.txt"

cat >"$folder/try.py" <<'PY'
import sys

from unidiff import PatchSet
from unidiff.errors import UnidiffParseError

try:
    print(", ".join(file.path for file in PatchSet(sys.stdin)))
except UnidiffParseError as error:
    print(f"{type(error).__name__}: {str(error).strip()}")
PY
read_diff() { echo "git $*: $(git "$@" | "$folder/venv/bin/python" "$folder/try.py")"; }
seen=$(
  read_diff diff
  read_diff diff --no-prefix -- plain.txt
  read_diff diff --no-prefix
  read_diff -c diff.mnemonicPrefix=true diff
)
echo "$seen"
[ "$seen" = "git diff: plain.txt, read me.txt
git diff --no-prefix -- plain.txt: plain.txt
git diff --no-prefix: UnidiffParseError: Target without source: +++ read me.txt
git -c diff.mnemonicPrefix=true diff: UnidiffParseError: Target without source: +++ w/read me.txt" ] \
  || { echo "This is no longer so."; exit 1; }
