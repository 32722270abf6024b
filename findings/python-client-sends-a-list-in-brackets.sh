#!/usr/bin/env bash
# azure-devops 7.1.0b4 (PyPI), found on 29 November 2026 with Python 3.11.
#
# Expected: get_commits() with two commit ids in its criteria (documented as a list of texts) sends them joined by a comma, as
# get_builds() of the same package sends build_ids.
# Seen: it sends the list as Python prints it, with brackets, quotes and a space.
#
# Output seen:
#   get_builds: buildIds=1,2
#   get_commits: searchCriteria.ids=['aaaa', 'bbbb']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export AZURE_DEVOPS_CACHE_DIR=$folder/cache
python3 -m venv venv
venv/bin/pip install --quiet azure-devops==7.1.0b4

cat >try.py <<'PY'
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import unquote

from azure.devops.connection import Connection
from azure.devops.v7_1.git.models import GitQueryCommitsCriteria
from msrest.authentication import BasicAuthentication

VERSIONS = {"minVersion": "1.0", "maxVersion": "7.2", "releasedVersion": "7.1", "resourceVersion": 1}
ROUTES = {
    "e81700f7-3be2-46de-8624-2eb35882fcaa": "_apis/ResourceAreas",
    "0cd358e1-9217-4d94-8269-1c1ee6f93dcf": "{project}/_apis/build/builds",
    "c2570c3b-5b3f-41b8-98bf-5407bfde8d58": "{project}/_apis/git/repositories/{repositoryId}/commits",
}
asked = []


class AzureDevOps(BaseHTTPRequestHandler):
    def answer(self):
        asked.append(unquote(self.path.partition("?")[2]))
        locations = [{"id": key, "area": "area", "resourceName": key, "routeTemplate": route, **VERSIONS}
                     for key, route in ROUTES.items()]
        body = json.dumps({"value": locations if self.command == "OPTIONS" else []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_OPTIONS = answer

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), AzureDevOps)
Thread(target=server.serve_forever, daemon=True).start()
clients = Connection(f"http://127.0.0.1:{server.server_port}/acme", BasicAuthentication("", "example")).clients_v7_1
clients.get_build_client().get_builds("project", build_ids=[1, 2])
print("get_builds:", asked[-1])
clients.get_git_client().get_commits("repository", GitQueryCommitsCriteria(ids=["aaaa", "bbbb"]), project="project")
print("get_commits:", asked[-1])
PY
seen=$(venv/bin/python -W ignore try.py)
echo "$seen"
[ "$seen" = "get_builds: buildIds=1,2
get_commits: searchCriteria.ids=['aaaa', 'bbbb']" ] || { echo "This is no longer so."; exit 1; }
