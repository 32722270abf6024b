#!/usr/bin/env bash
# dulwich 1.2.21 (PyPI) and Git, found on 29 November 2026 with Python 3.11 and Git 2.39.
#
# Expected: a clone of a repository without commits is on the branch that the server names, so that the first push makes the
# default branch of that server. Version 2 of the protocol tells it for empty repositories too, and dulwich asks for it.
# Seen: ls_remote() of dulwich knows that HEAD is main, but clone() is on master. The first commit goes to another branch
# than in a clone that Git makes.
#
# Output seen:
#   git clone: refs/heads/main
#   dulwich ls_remote: refs/heads/main
#   dulwich clone: refs/heads/master
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet dulwich==1.2.21
export HOME=$folder GIT_CONFIG_SYSTEM=/dev/null
git init --quiet --bare --initial-branch=main empty.git

cat >try.py <<'PY'
import os
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from dulwich import porcelain


class Server(BaseHTTPRequestHandler):
    """Hands each request to the server program that belongs to Git."""

    def answer(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        environment = os.environ | {
            "GIT_PROJECT_ROOT": os.getcwd(), "GIT_HTTP_EXPORT_ALL": "1", "REQUEST_METHOD": self.command,
            "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.headers["Content-Type"] or "", "GIT_PROTOCOL": self.headers["Git-Protocol"] or "",
        }
        ran = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True)
        head, _, content = ran.stdout.partition(b"\r\n\r\n")
        self.send_response(200)
        self.wfile.write(b"".join(self._headers_buffer) + head + b"\r\n\r\n" + content)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/empty.git"
subprocess.run(["git", "clone", "--quiet", address, "by-git"], check=True, capture_output=True)
porcelain.clone(address, "by-dulwich", errstream=open(os.devnull, "wb"))
branch = lambda clone: open(f"{clone}/.git/HEAD").read().removeprefix("ref: ").strip()
print("git clone:", branch("by-git"))
print("dulwich ls_remote:", porcelain.ls_remote(address).symrefs[b"HEAD"].decode())
print("dulwich clone:", branch("by-dulwich"))
PY
seen=$(venv/bin/python try.py)
echo "$seen"
[ "$seen" = "git clone: refs/heads/main
dulwich ls_remote: refs/heads/main
dulwich clone: refs/heads/master" ] || { echo "This is no longer so."; exit 1; }
