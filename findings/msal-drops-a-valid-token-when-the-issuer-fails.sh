#!/usr/bin/env bash
# msal 1.39.0 (PyPI), found on 29 November 2026 with Python 3.11.
#
# Expected: refresh_in says from when on a client should get the next token although the present one is still valid. If the
# issuer cannot give one just then, acquire_token_for_client() returns the present one, however the issuer fails.
# Seen: it returns the present one when the connection breaks and when the issuer refuses with an error of OAuth. When the
# issuer answers 500 or 503, as in an outage, it raises MsalServiceError, though the token is valid for an hour.
#
# Output seen:
#   connection refused: the token of before
#   400 invalid_client: the token of before
#   500: MsalServiceError
#   503: MsalServiceError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet msal==1.39.0 requests==2.34.2

cat >try.py <<'PY'
import json
import logging
import time

import msal
import requests
from requests.adapters import BaseAdapter

logging.disable()
ISSUER = "https://issuer.example/tenant"
TOKEN = {"token_type": "Bearer", "access_token": "of before", "expires_in": 3600, "refresh_in": 1}


class Issuer(BaseAdapter):
    """Answers the requests of a session without a network."""

    status, content = 200, TOKEN

    def send(self, request, **_):
        if request.method == "GET":
            names = ("authorization_endpoint", "token_endpoint")
            status, content = 200, {"issuer": f"{ISSUER}/v2.0", **{name: f"{ISSUER}/{name}" for name in names}}
        elif not self.status:
            raise requests.ConnectionError("refused")
        else:
            status, content = self.status, self.content
        response = requests.Response()
        response.status_code, response.url, response._content = status, request.url, json.dumps(content).encode()
        return response

    def close(self):
        pass


clients = []
for failure, status in (("connection refused", None), ("400 invalid_client", 400), ("500", 500), ("503", 503)):
    issuer, session = Issuer(), requests.Session()
    session.mount("https://", issuer)
    client = msal.ConfidentialClientApplication(
        "client", "example", authority=ISSUER, instance_discovery=False, http_client=session
    )
    client.acquire_token_for_client(["api/.default"])
    clients.append((failure, status, issuer, client))
time.sleep(3)
for failure, status, issuer, client in clients:
    issuer.status, issuer.content = status, {"error": "invalid_client"} if status == 400 else {}
    try:
        seen = f"the token {client.acquire_token_for_client(['api/.default'])['access_token']}"
    except Exception as error:
        seen = type(error).__name__
    print(f"{failure}: {seen}")
PY
seen=$(venv/bin/python try.py)
echo "$seen"
[ "$seen" = "connection refused: the token of before
400 invalid_client: the token of before
500: MsalServiceError
503: MsalServiceError" ] || { echo "This is no longer so."; exit 1; }
