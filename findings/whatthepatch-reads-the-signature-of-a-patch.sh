#!/usr/bin/env bash
# whatthepatch 1.0.7 (PyPI) with Git, found on 29 November 2026 with Python 3.11 and Git 2.39.
#
# Expected: a patch of git format-patch ends with "-- " and the version of Git, the signature of a mail. It is not part of the
# diff: the hunk says how many lines it has. The patch of a new file with two lines has two changes and can be applied.
# Seen: for a new file the signature is a third change, the removal of a line "- " in line 0, and apply_diff() fails with
# IndexError. For a file that was there before, the signature is left out.
#
# Output seen:
#   new file: (None, 1, 'one'), (None, 2, 'two'), (0, None, '- ')
#   new file applied: IndexError
#   changed file: (1, 1, 'one'), (2, 2, 'two'), (None, 3, 'three')
#   changed file applied: one, two, three
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet whatthepatch==1.0.7
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

git init --quiet repository
cd repository
commit() {
  git add numbers.txt
  git -c user.name=Someone -c user.email=someone@example.com commit --quiet --message "$1"
  git format-patch -1 --stdout >"$folder/$2"
}
git -c user.name=Someone -c user.email=someone@example.com commit --quiet --allow-empty --message "Begin"
printf 'one\ntwo\n' >numbers.txt
commit "Add numbers" new.patch
echo three >>numbers.txt
commit "Add a number" changed.patch
cd ..

cat >try.py <<'PY'
from pathlib import Path

import whatthepatch

for name, before in (("new", ""), ("changed", "one\ntwo\n")):
    [diff] = whatthepatch.parse_patch(Path(f"{name}.patch").read_text())
    print(f"{name} file:", ", ".join(str((change.old, change.new, change.line)) for change in diff.changes))
    try:
        applied = ", ".join(whatthepatch.apply_diff(diff, before))
    except IndexError as error:
        applied = type(error).__name__
    print(f"{name} file applied:", applied)
PY
seen=$(venv/bin/python try.py)
echo "$seen"
[ "$seen" = "new file: (None, 1, 'one'), (None, 2, 'two'), (0, None, '- ')
new file applied: IndexError
changed file: (1, 1, 'one'), (2, 2, 'two'), (None, 3, 'three')
changed file applied: one, two, three" ] || { echo "This is no longer so."; exit 1; }
