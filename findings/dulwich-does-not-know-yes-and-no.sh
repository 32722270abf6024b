#!/usr/bin/env bash
# dulwich 1.2.21 (PyPI) and Git, found on 30 November 2026 with Python 3.11 and Git 2.39.
#
# Expected: a boolean setting of Git means the same to dulwich in each spelling that Git documents: true, yes, on and 1, or
# false, no, off and 0.
# Seen: dulwich knows true and false only. With core.autocrlf=yes it takes the setting for off without a word, and commits the
# line ends of Windows that Git would convert. With commit.gpgSign=no its commit raises ValueError.
#
# Output seen:
#   core.autocrlf=true: the same file as Git
#   core.autocrlf=yes: another file than Git
#   commit.gpgSign=false: the same file as Git
#   commit.gpgSign=no: ValueError: not a valid boolean string: b'no'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet dulwich==1.2.21
export HOME=$folder GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

cat >try.py <<'PY'
import subprocess
from pathlib import Path

from dulwich import porcelain
from dulwich.repo import Repo

SOMEONE = b"Someone <someone@example.com>"
SETTINGS = ["core.autocrlf=true", "core.autocrlf=yes", "commit.gpgSign=false", "commit.gpgSign=no"]


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def committed(path: str, name: str) -> str:
    porcelain.add(path, [f"{path}/{name}"])
    porcelain.commit(path, message=b"Add a file", author=SOMEONE, committer=SOMEONE)
    repository = Repo(path)
    [entry] = repository[repository[repository.head()].tree].items()
    return entry.sha.decode()


for number, setting in enumerate(SETTINGS):
    path = str(Path(f"repository{number}").resolve())
    git("init", "--quiet", path)
    git("-C", path, "config", *setting.split("="))
    Path(path, "file.txt").write_bytes(b"one\r\ntwo\r\n")
    as_git = git("-C", path, "hash-object", "file.txt")
    try:
        seen = "the same file as Git" if committed(path, "file.txt") == as_git else "another file than Git"
    except ValueError as error:
        seen = f"{type(error).__name__}: {error}"
    print(f"{setting}: {seen}")
PY
seen=$(venv/bin/python try.py 2>errors) || { cat errors; exit 1; }
echo "$seen"
[ "$seen" = "core.autocrlf=true: the same file as Git
core.autocrlf=yes: another file than Git
commit.gpgSign=false: the same file as Git
commit.gpgSign=no: ValueError: not a valid boolean string: b'no'" ] || { echo "This is no longer so."; exit 1; }
