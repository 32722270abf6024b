"""For the same credential, the product sends Microsoft Entra what Microsoft's own library msal sends."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization

from connections.providers.azure_devops.entra_certificates import EntraCertificate
from connections.providers.azure_devops.entra_credentials import EntraClientSecret, EntraCredential
from connections.providers.azure_devops.entra_issuer import SCOPE, Issuer, authority
from sandbox.server import Sandbox

# What msal alone adds: it asks for details about the client, and caches by them.
ONLY_MSAL = {"client_info"}
Sent = tuple[str, dict[str, str]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """The path and the fields of each form that is sent."""
    forms: list[Sent] = []
    original = requests.Session.send

    def send(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if request.method == "POST":
            body = request.body or b""
            text = body.decode() if isinstance(body, bytes) else str(body)
            forms.append((urlsplit(str(request.url)).path, dict(parse_qsl(text))))
        return original(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", send)
    return forms


def by_msal(sandbox: Sandbox, credential: object) -> None:
    from msal import ConfidentialClientApplication

    application = sandbox.entra.directory.named("full")
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(sandbox.entra.ca_file)
        client = ConfidentialClientApplication(
            application.client_id,
            authority=f"{sandbox.entra.url}/{application.tenant}",
            client_credential=credential,
            instance_discovery=False,
            http_client=session,
            exclude_scopes=["offline_access"],
        )
        assert "access_token" in client.acquire_token_for_client([SCOPE])


def by_us(sandbox: Sandbox, credential: EntraCredential) -> None:
    entra = sandbox.entra
    Issuer(authority(entra.url, ca_bundle=str(entra.ca_file), on_this_machine=True)).fetch(credential)


def ids(sandbox: Sandbox) -> tuple[str, str]:
    application = sandbox.entra.directory.named("full")
    return application.tenant, application.client_id


def ours_and_theirs(sent: list[Sent]) -> tuple[Sent, Sent]:
    (path, form), (their_path, their_form) = sent
    return (path, form), (their_path, {name: value for name, value in their_form.items() if name not in ONLY_MSAL})


@pytest.fixture
def present(sandbox: Sandbox) -> Sandbox:
    """A sandbox of now, as msal reads its own clock."""
    sandbox.state.now = lambda: datetime.now(UTC)
    return sandbox


def test_a_secret_is_sent_as_msal_sends_it(present: Sandbox, sent: list[Sent]) -> None:
    secret = present.entra.directory.named("full").secrets[0].value
    by_us(present, EntraClientSecret.of(*ids(present), secret))
    by_msal(present, secret)
    ours, theirs = ours_and_theirs(sent)
    assert ours == theirs


def test_an_assertion_claims_what_that_of_msal_claims(present: Sandbox, sent: list[Sent]) -> None:
    content = present.entra.certificate_file("full").read_bytes()
    by_us(present, EntraCertificate.of(*ids(present), content, None, now=datetime.now(UTC)))
    by_msal(present, {"private_key": _key_of(content), "public_certificate": _certificate_of(content)})
    (path, ours), (their_path, theirs) = ours_and_theirs(sent)
    assert path == their_path
    assert _parts(ours.pop("client_assertion")) == _parts(theirs.pop("client_assertion"))
    assert ours == theirs


def _key_of(content: bytes) -> str:
    key = serialization.load_pem_private_key(content, None)
    form: Callable[..., bytes] = key.private_bytes
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return form(serialization.Encoding.PEM, pkcs8, plain).decode()


def _certificate_of(content: bytes) -> str:
    start = content.index(b"-----BEGIN CERTIFICATE-----")
    end = content.index(b"-----END CERTIFICATE-----") + len(b"-----END CERTIFICATE-----")
    return content[start:end].decode()


def _parts(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, without the chain that msal adds, and what is different each time: the id and the times."""
    header, claims = (
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in assertion.split(".")[:2]
    )
    assert len(claims.pop("jti")) >= 32
    assert claims.pop("exp") > claims.pop("nbf", claims.pop("iat"))
    claims.pop("iat", None)
    header.pop("x5c", None)
    # msal pads it, which RFC 7515 does not.
    header["x5t#S256"] = header["x5t#S256"].rstrip("=")
    return header, claims
