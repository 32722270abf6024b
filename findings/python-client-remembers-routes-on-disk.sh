#!/usr/bin/env bash
# azure-devops 7.1.0b4 (PyPI), found on 29 November 2026 with Python 3.11.
#
# Expected: each program that connects asks the server once for the routes of its resources (OPTIONS …/_apis), and keeps them
# until it ends.
# Seen: the routes are written to ~/.azure-devops/python-sdk/cache/options.json, and a program that starts within twelve
# hours takes them from there without asking. If the server has changed at this address, as by an update or as a
# test that listens on the same port again, the second program asks for the routes of the first.
#
# Output seen:
#   first program: OPTIONS /acme/_apis, GET /acme/_apis/ResourceAreas, GET /acme/project/_apis/builds/old
#   second program: GET /acme/_apis/ResourceAreas, GET /acme/project/_apis/builds/old
#   written: options.json resources.json
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
unset AZURE_DEVOPS_CACHE_DIR
export HOME=$folder
python3 -m venv venv
venv/bin/pip install --quiet azure-devops==7.1.0b4

cat >program.py <<'PY'
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

from azure.devops.connection import Connection
from msrest.authentication import BasicAuthentication

name, route = sys.argv[1:]
VERSIONS = {"minVersion": "1.0", "maxVersion": "7.2", "releasedVersion": "7.1", "resourceVersion": 1}
ROUTES = {
    "e81700f7-3be2-46de-8624-2eb35882fcaa": "_apis/ResourceAreas",
    "0cd358e1-9217-4d94-8269-1c1ee6f93dcf": f"{{project}}/_apis/builds/{route}",
}
asked = []


class AzureDevOps(BaseHTTPRequestHandler):
    def answer(self):
        asked.append(f"{self.command} {self.path}")
        locations = [{"id": key, "area": "area", "resourceName": key, "routeTemplate": template, **VERSIONS}
                     for key, template in ROUTES.items()]
        body = json.dumps({"value": locations if self.command == "OPTIONS" else []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_OPTIONS = answer

    def log_message(self, *_):
        pass


port = Path("port")
server = HTTPServer(("127.0.0.1", int(port.read_text()) if port.exists() else 0), AzureDevOps)
port.write_text(str(server.server_port))
Thread(target=server.serve_forever, daemon=True).start()
connection = Connection(f"http://127.0.0.1:{server.server_port}/acme", BasicAuthentication("", "example"))
connection.clients_v7_1.get_build_client().get_builds("project")
print(f"{name} program: {', '.join(asked)}")
PY
seen=$(
  venv/bin/python -W ignore program.py first old
  venv/bin/python -W ignore program.py second new
  echo "written:" $(ls .azure-devops/python-sdk/cache)
)
echo "$seen"
[ "$seen" = "first program: OPTIONS /acme/_apis, GET /acme/_apis/ResourceAreas, GET /acme/project/_apis/builds/old
second program: GET /acme/_apis/ResourceAreas, GET /acme/project/_apis/builds/old
written: options.json resources.json" ] || { echo "This is no longer so."; exit 1; }
