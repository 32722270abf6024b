"""Issuers of access tokens that are not ours, in a Node.js process of their own: see `issuers.mjs`."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connections.providers.azure_devops.entra_issuer import SCOPE
from sandbox.entra.certificates import self_signed
from tests.clients.javascript import HERE, INSTALLED
from tests.connections.providers.azure_devops.authority import Authority
from tests.needs import need

TENANT = "8d4a2f10-5c3b-4e7a-9f21-6b0c1d2e3f40"
BY_SECRET, BY_CERTIFICATE = "1b2c3d4e-0001-4a5b-8c6d-7e8f90a1b2c3", "1b2c3d4e-0002-4a5b-8c6d-7e8f90a1b2c3"
SECRET = "a-client-secret-of-the-strict-issuer"


@dataclass(frozen=True)
class Issuers:
    """The addresses of both, the file that trusts them, and a certificate with its key that the strict one knows."""

    mock: str
    strict: str
    bundle: str
    certificate: bytes


@contextmanager
def running(folder: Path) -> Iterator[Issuers]:
    """Start both issuers."""
    node, authority = shutil.which("node"), Authority(folder)
    need(found=node is not None, lacking="Node.js", remedy="install Debian's nodejs and npm")
    need(
        found=(INSTALLED / "node_modules" / "oidc-provider").is_dir(),
        lacking="What tests/clients/package.json names",
        remedy="run `make test-clients`, which installs it with npm",
    )
    certificate = self_signed("Strict", days=30)
    command = [str(node), str(HERE / "issuers.mjs"), str(INSTALLED), authority.server_file("127.0.0.1")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"]}
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"tenant": TENANT, "scope": SCOPE, "clients": _clients(certificate)}) + "\n")
        process.stdin.flush()
        addresses = json.loads(process.stdout.readline())
        yield Issuers(**addresses, bundle=authority.bundle, certificate=certificate)
        process.stdin.close()


def _clients(certificate: bytes) -> list[dict[str, Any]]:
    common = {"grant_types": ["client_credentials"], "redirect_uris": [], "response_types": [], "scope": SCOPE}
    by_secret = {"client_id": BY_SECRET, "client_secret": SECRET, "token_endpoint_auth_method": "client_secret_post"}
    by_certificate = {
        "client_id": BY_CERTIFICATE,
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [_public_key(certificate)]},
    }
    return [common | by_secret, common | by_certificate]


def _public_key(certificate: bytes) -> dict[str, str]:
    """The public key as a JSON Web Key (RFC 7517)."""
    key = serialization.load_pem_private_key(certificate, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "n": _encoded(numbers.n), "e": _encoded(numbers.e), "use": "sig"}


def _encoded(number: int) -> str:
    whole = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(whole).decode().rstrip("=")
