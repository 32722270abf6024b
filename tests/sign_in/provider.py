"""A pretend Microsoft Entra ID on loopback: the pages and keys of one tenant, and tokens that it signs."""

import base64
import hashlib
import json
import time
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

TENANT, CLIENT, SECRET = "11111111-2222-4333-8444-555555555555", "our-client", "our-client-secret"
KID = "key-1"
# In place of a claim, or of a part of the answer: it is not there.
LEFT_OUT = object()


def new_key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Entra:
    """What it says next stands in `claims`; `signed_with` may be another key than the one it publishes."""

    key: RSAPrivateKey = field(default_factory=new_key)
    claims: dict[str, Any] = field(default_factory=dict)
    signed_with: Any = None
    algorithm: str = "RS256"
    kid: str | None = KID
    answer: dict[str, Any] = field(default_factory=dict)
    published: dict[str, Any] | None = None
    configured: dict[str, Any] = field(default_factory=dict)
    challenge: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/{TENANT}/v2.0"

    def configuration(self) -> dict[str, Any]:
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return {name: value for name, value in (found | self.configured).items() if value is not LEFT_OUT}

    def keys(self) -> dict[str, Any]:
        if self.published is not None:
            return self.published
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [public | {"kid": KID, "alg": "RS256", "use": "sig"}]}

    def token(self, form: dict[str, str]) -> dict[str, Any]:
        """The answer to a code; the verifier of PKCE has to fit."""
        self.asked.append(form)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        fits = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.challenge
        if not fits or form.get("client_secret") != SECRET or form.get("code") != "good":
            return {"error": "invalid_grant"}
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "sub": "s",
            "tid": TENANT,
        } | self.claims
        key = self.signed_with if self.signed_with is not None else self.key
        claims = {name: value for name, value in claims.items() if value is not LEFT_OUT}
        headers = {"kid": self.kid} if self.kid is not None else {}
        signed = jwt.encode(claims, key, algorithm=self.algorithm, headers=headers)
        answer = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": signed}
        return {name: value for name, value in (answer | self.answer).items() if value is not LEFT_OUT}


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, entra: Entra, *args: Any) -> None:
        self.entra = entra
        super().__init__(*args)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self._say(self.entra.keys() if path.endswith("/keys") else self.entra.configuration())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._say(self.entra.token({name: values[0] for name, values in parse_qs(body).items()}))

    def _say(self, answer: dict[str, Any]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(400 if "error" in answer else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def serve(entra: Entra) -> ThreadingHTTPServer:
    """Starts it on a free port; the caller ends it with `shutdown` and `server_close`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, entra))
    entra.port = server.server_port
    Thread(target=server.serve_forever, daemon=True).start()
    return server
