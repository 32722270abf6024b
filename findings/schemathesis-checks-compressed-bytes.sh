#!/usr/bin/env bash
# Schemathesis 4.32.5 (PyPI), found on 29 November 2026 with Python 3.11.
#
# Expected: a case that is called through WSGI is checked as one that is called over HTTP, so that tests without a server
# say the same about an application.
# Seen: both calls ask for gzip, and the application compresses its answer. Over HTTP the content arrives decompressed
# and is valid. Through WSGI the checks get the compressed bytes, and report that they are no JSON. An application with
# a middleware that compresses fails every check of its content, unless the call asks for "Accept-Encoding: identity".
#
# Output seen:
#   over HTTP: gzip, valid
#   through WSGI: gzip, Content deserialization error
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet schemathesis==4.32.5

cat >try.py <<'PY'
import gzip
import json
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

import schemathesis
from schemathesis.core.failures import FailureGroup

SCHEMA = {"type": "object", "required": ["name"]}
CONTENT = {"application/json": {"schema": SCHEMA}}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "One thing", "version": "1"},
    "paths": {"/": {"get": {"responses": {"200": {"description": "The thing", "content": CONTENT}}}}},
}


def application(environ, start_response):
    body, headers = json.dumps({"name": "acme"}).encode(), [("Content-Type", "application/json")]
    if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
        body = gzip.compress(body)
        headers.append(("Content-Encoding", "gzip"))
    start_response("200 OK", [*headers, ("Content-Length", str(len(body)))])
    return [body]


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


def verdict(case, **call):
    response = case.call(**call)
    try:
        case.validate_response(response)
    except FailureGroup as group:
        words = group.exceptions[0].title
    else:
        words = "valid"
    return f"{', '.join(response.headers['content-encoding'])}, {words}"


server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
Thread(target=server.serve_forever, daemon=True).start()
served, direct = schemathesis.openapi.from_dict(DOCUMENT), schemathesis.openapi.from_dict(DOCUMENT)
direct.app = application
print("over HTTP:", verdict(served["/"]["GET"].Case(), base_url=f"http://127.0.0.1:{server.server_port}"))
print("through WSGI:", verdict(direct["/"]["GET"].Case()))
PY
seen=$(venv/bin/python try.py 2>errors) || { cat errors; exit 1; }
echo "$seen"
[ "$seen" = "over HTTP: gzip, valid
through WSGI: gzip, Content deserialization error" ] || { echo "This is no longer so."; exit 1; }
