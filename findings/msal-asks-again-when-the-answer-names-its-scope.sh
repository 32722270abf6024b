#!/usr/bin/env bash
# msal 1.39.0 (PyPI), found on 29 November 2026 with Python 3.11.
#
# Expected: acquire_token_for_client() looks into its cache first, so two calls for the same scope cost one request while the
# token is valid for an hour, whatever the issuer says about the scope that it granted.
# Seen: if the answer has a scope, as RFC 6749 asks for where it differs from the one asked for, the token is stored under the
# scope of the answer and looked for under the scope of the question. It is never found: each call is a request. The
# examples in the documentation of Microsoft Entra have no scope for an application; other issuers, as in tests, name one.
#
# Output seen:
#   asked for api/.default, answered without a scope: 1 request for 2 calls
#   asked for api/.default, answered with scope api/.default: 1 request for 2 calls
#   asked for api/.default, answered with scope api/read: 2 requests for 2 calls
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet msal==1.39.0 requests==2.34.2

cat >try.py <<'PY'
import json

import msal
import requests
from requests.adapters import BaseAdapter

ISSUER = "https://issuer.example/tenant"


class Issuer(BaseAdapter):
    """Answers the requests of a session without a network."""

    def __init__(self, granted):
        super().__init__()
        self.granted, self.asked = granted, 0

    def send(self, request, **_):
        if request.method == "GET":
            names = ("authorization_endpoint", "token_endpoint")
            content = {"issuer": f"{ISSUER}/v2.0", **{name: f"{ISSUER}/{name}" for name in names}}
        else:
            self.asked += 1
            content = {"token_type": "Bearer", "access_token": "example", "expires_in": 3600, **self.granted}
        response = requests.Response()
        response.status_code, response.url, response._content = 200, request.url, json.dumps(content).encode()
        return response

    def close(self):
        pass


for granted in ({}, {"scope": "api/.default"}, {"scope": "api/read"}):
    issuer, session = Issuer(granted), requests.Session()
    session.mount("https://", issuer)
    client = msal.ConfidentialClientApplication(
        "client", "example", authority=ISSUER, instance_discovery=False, http_client=session
    )
    for _ in range(2):
        assert client.acquire_token_for_client(["api/.default"])["access_token"] == "example"
    answered = f"with scope {granted['scope']}" if granted else "without a scope"
    requested = f"{issuer.asked} request{'s' if issuer.asked > 1 else ''}"
    print(f"asked for api/.default, answered {answered}: {requested} for 2 calls")
PY
seen=$(venv/bin/python try.py)
echo "$seen"
[ "$seen" = "asked for api/.default, answered without a scope: 1 request for 2 calls
asked for api/.default, answered with scope api/.default: 1 request for 2 calls
asked for api/.default, answered with scope api/read: 2 requests for 2 calls" ] || { echo "This is no longer so."; exit 1; }
