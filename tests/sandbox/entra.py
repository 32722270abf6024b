"""Requests to the simulated Microsoft Entra, as a client makes them that shares no code with it."""

import base64
import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.entra.directory import Application
from sandbox.server import Sandbox

SCOPE = "499b84ac-1321-427f-aa17-267ca6975798/.default"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Form = dict[str, str]


def encoded(content: bytes) -> str:
    """Base64 as tokens have it."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def signed(key: rsa.RSAPrivateKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token signed with this key, PS256 or RS256 as its header says."""
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    content = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    how = pss if header["alg"] == "PS256" else padding.PKCS1v15()
    return f"{content}.{encoded(key.sign(content.encode(), how, hashes.SHA256()))}"


@dataclass
class Client:
    """Asks the issuer for tokens of one application, or of whom it is told."""

    sandbox: Sandbox
    session: requests.Session = field(default_factory=requests.Session)

    def application(self, name: str = "full") -> Application:
        """One of the sample applications."""
        return self.sandbox.entra.directory.named(name)

    def endpoint(self, tenant: str) -> str:
        """The token endpoint of a tenant."""
        return f"{self.sandbox.entra.url}/{tenant}/oauth2/v2.0/token"

    def get(self, path: str) -> requests.Response:
        """Read something below the authority."""
        entra = self.sandbox.entra
        return self.session.get(entra.url + path, verify=str(entra.ca_file), timeout=10, allow_redirects=False)

    def token(self, name: str = "full", *, tenant: str = "", without: str = "", **fields: str) -> requests.Response:
        """Ask for a token with these fields beside the usual ones."""
        application = self.application(name)
        usual = {"client_id": application.client_id, "scope": SCOPE, "grant_type": "client_credentials"}
        form = {key: value for key, value in {**usual, **fields}.items() if key != without}
        ca_file = str(self.sandbox.entra.ca_file)
        return self.session.post(self.endpoint(tenant or application.tenant), form, verify=ca_file, timeout=10)

    def by_secret(self, name: str = "full") -> requests.Response:
        """Ask for a token with the first secret."""
        return self.token(name, client_secret=self.application(name).secrets[0].value)

    def by_assertion(self, assertion: str, name: str = "full") -> requests.Response:
        """Ask for a token with an assertion."""
        return self.token(name, client_assertion_type=ASSERTION_TYPE, client_assertion=assertion)

    def key(self, name: str = "full") -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
        """The certificate of an application, and its key."""
        content = Path(self.sandbox.entra.certificate_file(name)).read_bytes()
        key = serialization.load_pem_private_key(content, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return x509.load_pem_x509_certificate(content), key

    def claims(self, name: str = "full", **more: Any) -> dict[str, Any]:
        """What an assertion says that is in order."""
        application, now = self.application(name), self.sandbox.state.now().timestamp()
        usual = {"aud": self.endpoint(application.tenant), "iss": application.client_id, "sub": application.client_id}
        return {**usual, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 600, **more}

    def assertion(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """An assertion that is in order, but for what is given."""
        certificate, key = self.key()
        thumbprint = encoded(certificate.fingerprint(hashes.SHA256()))
        return signed(key, header or {"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}, self.claims(**claims))


def code(answer: requests.Response) -> tuple[int, int]:
    """The status and the code of a refusal, which has the recorded shape."""
    body = answer.json()
    [number] = body["error_codes"]
    names = ["error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id", "error_uri"]
    assert list(body) == names
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert body["error_uri"].endswith(f"error?code={number}")
    return answer.status_code, number
