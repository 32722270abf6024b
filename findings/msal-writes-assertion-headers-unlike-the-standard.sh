#!/usr/bin/env bash
# msal 1.39.0 (PyPI), found on 29 November 2026 with Python 3.11 and cryptography 50.0.2.
#
# Expected: the header of the assertion that msal signs with a certificate follows RFC 7515: `x5t#S256` in base64url
# without padding (section 2), and each string of `x5c` in plain base64 (section 4.1.6, RFC 4648 section 4), which has no
# line breaks.
# Seen: `x5t#S256` ends with "=", and the string in `x5c` has the line breaks of the PEM file. `x5c` is sent whenever a
# certificate is given, not only where it is asked for. Microsoft Entra reads both; what decodes strictly does not.
#
# Output seen:
#   x5t#S256: 44 characters, padded
#   x5c: 1 string, with line breaks
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check msal==1.39.0 cryptography==50.0.2

cat >try.py <<'PY'
import base64
import json
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from urllib.parse import parse_qs

import msal
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example")])
now = datetime.now(timezone.utc)
certificate = (
    x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    .serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    .sign(key, hashes.SHA256())
)


class Http:
    """Answers as an issuer would, and keeps the form."""

    def get(self, url, **_):
        authority = "https://issuer.example/tenant"
        found = {"issuer": authority, "authorization_endpoint": f"{authority}/authorize", "token_endpoint": f"{authority}/token"}
        return SimpleNamespace(status_code=200, text=json.dumps(found), headers={})

    def post(self, url, *, data=None, **_):
        self.form = data if isinstance(data, dict) else {k: v[0] for k, v in parse_qs(data).items()}
        answer = {"access_token": "x", "token_type": "Bearer", "expires_in": 3600}
        return SimpleNamespace(status_code=200, text=json.dumps(answer), headers={})


http = Http()
client = msal.ConfidentialClientApplication(
    "example",
    oidc_authority="https://issuer.example/tenant",
    client_credential={
        "private_key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        "public_certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
    },
    http_client=http,
)
assert client.acquire_token_for_client(["api/.default"])["access_token"] == "x"
assertion = http.form["client_assertion"]
assertion = assertion.decode() if isinstance(assertion, bytes) else assertion
head = assertion.split(".")[0]
header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
thumbprint, chain = header["x5t#S256"], header["x5c"]
print(f"x5t#S256: {len(thumbprint)} characters, {'padded' if thumbprint.endswith('=') else 'not padded'}")
print(f"x5c: {len(chain)} string, {'with' if chr(10) in chain[0] else 'without'} line breaks")
PY
venv/bin/python try.py | tee seen
grep -qx 'x5t#S256: 44 characters, padded' seen
grep -qx 'x5c: 1 string, with line breaks' seen
