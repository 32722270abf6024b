#!/usr/bin/env bash
# pygit2 1.21.0 (PyPI) and Git, found on 30 November 2026 with Python 3.11 and Git 2.39.
#
# Expected: path_is_ignored() of pygit2 agrees with git check-ignore, and with the status that pygit2 itself tells. A pattern
# with ! brings no file back whose folder is ignored, as the documentation of gitignore says.
# Seen: with "*" and "!keep.md", Git ignores docs/keep.md, because it ignores docs, and neither status lists it.
# path_is_ignored() says that it is not ignored. It is right if the first pattern names the folder.
#
# Output seen:
#   * !keep.md: Git ignored, status of pygit2 ignored, path_is_ignored False
#   docs/ !keep.md: Git ignored, status of pygit2 ignored, path_is_ignored True
#   *.txt !keep.md: Git not ignored, status of pygit2 not ignored, path_is_ignored False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pygit2==1.21.0
export HOME=$folder GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

git init --quiet repository
mkdir repository/docs
touch repository/docs/keep.md
cat >try.py <<'PY'
import subprocess
from pathlib import Path

import pygit2

PATH = "docs/keep.md"
CHECK_IGNORE = ["git", "-C", "repository", "check-ignore", "--quiet", PATH]
for patterns in (["*", "!keep.md"], ["docs/", "!keep.md"], ["*.txt", "!keep.md"]):
    Path("repository/.gitignore").write_text("\n".join(patterns) + "\n")
    git = subprocess.run(CHECK_IGNORE).returncode == 0
    repository = pygit2.Repository("repository")
    status = PATH not in repository.status()
    words = {True: "ignored", False: "not ignored"}
    print(
        f"{' '.join(patterns)}: Git {words[git]}, status of pygit2 {words[status]},"
        f" path_is_ignored {repository.path_is_ignored(PATH)}"
    )
PY
seen=$(venv/bin/python try.py)
echo "$seen"
[ "$seen" = "* !keep.md: Git ignored, status of pygit2 ignored, path_is_ignored False
docs/ !keep.md: Git ignored, status of pygit2 ignored, path_is_ignored True
*.txt !keep.md: Git not ignored, status of pygit2 not ignored, path_is_ignored False" ] \
  || { echo "This is no longer so."; exit 1; }
