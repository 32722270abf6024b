#!/usr/bin/env bash
# dulwich 1.2.21 (PyPI) and Git, found on 29 November 2026 with Python 3.11 and Git 2.39.
#
# Expected: the address https://:token@host/… has an empty username and a password. It is sent as Git sends it, as
# "Basic OnRva2Vu", which is the usual way to give a personal access token of Azure DevOps.
# Seen: dulwich sends nothing at all, and asks without credentials. It sends the same two values when they are given as
# arguments, and sends those of an address that has any username.
#
# Output seen:
#   git, :token@: Basic OnRva2Vu
#   dulwich, :token@: nothing
#   dulwich, any:token@: Basic YW55OnRva2Vu
#   dulwich, arguments: Basic OnRva2Vu
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet dulwich==1.2.21
export HOME=$folder GIT_CONFIG_SYSTEM=/dev/null GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true

cat >try.py <<'PY'
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from dulwich import porcelain
from dulwich.client import HTTPUnauthorized
from dulwich.errors import NotGitRepository

sent = []


class Server(BaseHTTPRequestHandler):
    """Asks for credentials, and knows no repository."""

    def do_GET(self):
        sent.append(self.headers["Authorization"] or "nothing")
        self.send_response(404 if self.headers["Authorization"] else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="acme"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
Thread(target=server.serve_forever, daemon=True).start()
host = f"127.0.0.1:{server.server_port}/acme/_git/repository"


def list_refs(address, **arguments):
    try:
        porcelain.ls_remote(address, **arguments)
    except (HTTPUnauthorized, NotGitRepository):
        pass
    return sent[-1]


subprocess.run(["git", "ls-remote", f"http://:token@{host}"], capture_output=True)
print("git, :token@:", sent[-1])
print("dulwich, :token@:", list_refs(f"http://:token@{host}"))
print("dulwich, any:token@:", list_refs(f"http://any:token@{host}"))
print("dulwich, arguments:", list_refs(f"http://{host}", username="", password="token"))
PY
seen=$(venv/bin/python try.py)
echo "$seen"
[ "$seen" = "git, :token@: Basic OnRva2Vu
dulwich, :token@: nothing
dulwich, any:token@: Basic YW55OnRva2Vu
dulwich, arguments: Basic OnRva2Vu" ] || { echo "This is no longer so."; exit 1; }
