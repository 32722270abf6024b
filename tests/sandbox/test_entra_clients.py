"""Microsoft's own clients take the sandbox for Microsoft Entra: msal, and azure-identity, which is built upon it."""

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from sandbox.entra.managed_identity import IDENTITY_HEADER
from sandbox.people import AZURE_DEVOPS
from sandbox.server import Sandbox
from tests.sandbox.entra import SCOPE, Client
from tests.sandbox.official import connect

PASSWORD = b"a password"


@pytest.fixture(autouse=True)
def as_elsewhere(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients read their own clock, and look into the environment for where they run."""
    sandbox.state.now = lambda: datetime.now(UTC)
    for name in os.environ:
        if name.startswith(("AZURE_", "IDENTITY_", "IMDS_", "MSI_")) or name == "REQUESTS_CA_BUNDLE":
            monkeypatch.delenv(name)


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[requests.Session]:
    """What msal sends its requests with."""
    with requests.Session() as opened:
        opened.trust_env = False
        opened.verify = str(sandbox.entra.ca_file)
        yield opened


def pem(entra: Client) -> tuple[str, str]:
    """The certificate and its key."""
    certificate, key = entra.key()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), secret.decode()


def pfx(entra: Client, folder: Path) -> str:
    certificate, key = entra.key()
    path = folder / "full.pfx"
    encryption = serialization.BestAvailableEncryption(PASSWORD)
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"full", key, certificate, None, encryption))
    return str(path)


def thumbprint(certificate: x509.Certificate) -> str:
    """By SHA-1, which libraries still send."""
    return hashlib.sha1(certificate.public_bytes(serialization.Encoding.DER), usedforsecurity=False).hexdigest()


def credentials(entra: Client, folder: Path) -> dict[str, Any]:
    """All ways in which msal lets an application sign in."""
    certificate, key = pem(entra)
    return {
        "secret": entra.application().secrets[0].value,
        "certificate": {"private_key": key, "public_certificate": certificate},
        "thumbprint": {"private_key": key, "thumbprint": thumbprint(entra.key()[0])},
        "pfx": {"private_key_pfx_path": pfx(entra, folder), "passphrase": PASSWORD.decode()},
        "federated": {"client_assertion": entra.sandbox.entra.workload_token},
    }


def confidential(
    entra: Client, session: requests.Session, credential: Any, *, tenant: str = "", name: str = "full"
) -> Any:
    from msal import ConfidentialClientApplication

    application = entra.application(name)
    return ConfidentialClientApplication(
        application.client_id,
        authority=f"{entra.sandbox.entra.url}/{tenant or application.tenant}",
        client_credential=credential,
        instance_discovery=False,
        http_client=session,
        exclude_scopes=["offline_access"],
    )


def project_names(sandbox: Sandbox, token: str) -> list[str]:
    """What the official client of Azure DevOps sees with an access token."""
    from msrest.authentication import BasicTokenAuthentication

    connection = connect(f"{sandbox.url}/acme", credentials=BasicTokenAuthentication({"access_token": token}))
    return [project.name for project in connection.clients.get_core_client().get_projects(top=2)]


@pytest.mark.parametrize("kind", ["secret", "certificate", "thumbprint", "pfx", "federated"])
def test_msal_gets_a_token_that_opens_azure_devops(
    entra: Client, session: requests.Session, tmp_path: Path, kind: str
) -> None:
    client = confidential(entra, session, credentials(entra, tmp_path)[kind])
    answer = client.acquire_token_for_client([SCOPE])
    assert answer["token_source"] == "identity_provider"
    assert project_names(entra.sandbox, answer["access_token"]) == ["Storefront", "Payments API"]
    assert client.acquire_token_for_client([SCOPE])["token_source"] == "cache"


def test_msal_does_not_keep_a_token_that_ends_soon(entra: Client, session: requests.Session) -> None:
    entra.sandbox.entra.lifetime = 299
    client = confidential(entra, session, entra.application().secrets[0].value)
    tokens = {client.acquire_token_for_client([SCOPE])["access_token"] for _ in range(2)}
    assert len(tokens) == 2


@pytest.mark.parametrize(
    ("prepare", "number"),
    [
        (lambda entra: entra.sandbox.entra.expire_secrets("full"), 7000222),
        (lambda entra: entra.application().secrets.clear(), 7000215),
        (lambda entra: setattr(entra.application(), "is_enabled", False), 7000112),
        (lambda entra: entra.sandbox.entra.behaviour.add("entra_error", code=53003, path="/token"), 53003),
    ],
)
def test_msal_reads_the_code_of_a_refusal(
    entra: Client, session: requests.Session, prepare: Callable[[Client], object], number: int
) -> None:
    client = confidential(entra, session, entra.application().secrets[0].value)
    prepare(entra)
    assert client.acquire_token_for_client([SCOPE])["error_codes"] == [number]


def test_msal_says_that_a_tenant_does_not_exist(entra: Client, session: requests.Session) -> None:
    with pytest.raises(ValueError, match="tenant"):
        confidential(entra, session, "secret", tenant="00000000-1111-4222-8333-444444444444")


@pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning")
def test_msal_signs_a_person_in_with_pkce(entra: Client, session: requests.Session) -> None:
    secret = entra.application("sign-in").secrets[0].value
    client = confidential(entra, session, secret, name="sign-in")
    scopes = [f"{AZURE_DEVOPS}/vso.pats", f"{AZURE_DEVOPS}/vso.pats_manage"]
    flow = client.initiate_auth_code_flow(scopes, redirect_uri="http://127.0.0.1:9999/back", prompt="select_account")
    page = entra.session.get(f"{flow['auth_uri']}&person=maya@example.com", allow_redirects=False, timeout=10).headers[
        "Location"
    ]
    said = {name: value for name, [value] in parse_qs(urlsplit(page).query).items()}
    answer = client.acquire_token_by_auth_code_flow(flow, said)
    assert set(answer["scope"].split()) == set(scopes)
    assert answer["id_token_claims"]["preferred_username"] == "maya@example.com"
    assert "refresh_token" not in answer


def managed(session: requests.Session) -> Any:
    from msal import ManagedIdentityClient, SystemAssignedManagedIdentity

    return ManagedIdentityClient(SystemAssignedManagedIdentity(), http_client=session)


def on_machine(sandbox: Sandbox) -> dict[str, str]:
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": sandbox.url}


def in_app_service(sandbox: Sandbox) -> dict[str, str]:
    return {"IDENTITY_ENDPOINT": f"{sandbox.url}/msi/token", "IDENTITY_HEADER": IDENTITY_HEADER}


@pytest.mark.parametrize("place", [on_machine, in_app_service])
def test_msal_gets_a_token_of_a_managed_identity(
    sandbox: Sandbox,
    session: requests.Session,
    monkeypatch: pytest.MonkeyPatch,
    place: Callable[[Sandbox], dict[str, str]],
) -> None:
    for name, value in place(sandbox).items():
        monkeypatch.setenv(name, value)
    answer = managed(session).acquire_token_for_client(resource=AZURE_DEVOPS)
    assert project_names(sandbox, answer["access_token"]) == ["Storefront", "Payments API"]


@pytest.fixture
def azure(entra: Client) -> dict[str, Any]:
    """What every credential of azure-identity is told."""
    entra_url, ca_file = entra.sandbox.entra.url, str(entra.sandbox.entra.ca_file)
    return {"authority": entra_url, "disable_instance_discovery": True, "connection_verify": ca_file}


@pytest.mark.parametrize("kind", ["secret", "certificate", "pfx", "federated"])
def test_azure_identity_gets_a_token_that_opens_azure_devops(
    entra: Client, azure: dict[str, Any], tmp_path: Path, kind: str
) -> None:
    from azure.identity import CertificateCredential, ClientSecretCredential, WorkloadIdentityCredential

    application = entra.application()
    who = {"tenant_id": application.tenant, "client_id": application.client_id}
    token_file = tmp_path / "workload.jwt"
    token_file.write_text(entra.sandbox.entra.workload_token())
    made: dict[str, Callable[[], Any]] = {
        "secret": lambda: ClientSecretCredential(**who, client_secret=application.secrets[0].value, **azure),
        "certificate": lambda: CertificateCredential(
            **who, certificate_path=str(entra.sandbox.entra.certificate_file("full")), **azure
        ),
        "pfx": lambda: CertificateCredential(**who, certificate_path=pfx(entra, tmp_path), password=PASSWORD, **azure),
        "federated": lambda: WorkloadIdentityCredential(**who, token_file_path=str(token_file), **azure),
    }
    with made[kind]() as credential:
        assert project_names(entra.sandbox, credential.get_token(SCOPE).token) == ["Storefront", "Payments API"]


@pytest.mark.parametrize("place", [on_machine, in_app_service])
def test_azure_identity_gets_a_token_of_a_managed_identity(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, place: Callable[[Sandbox], dict[str, str]]
) -> None:
    from azure.identity import ManagedIdentityCredential

    for name, value in place(sandbox).items():
        monkeypatch.setenv(name, value)
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(f"{AZURE_DEVOPS}/.default").token
    assert project_names(sandbox, token) == ["Storefront", "Payments API"]


def test_azure_identity_waits_and_asks_again_when_it_is_throttled(entra: Client, azure: dict[str, Any]) -> None:
    from azure.identity import ClientSecretCredential

    application, issuer = entra.application(), entra.sandbox.entra
    issuer.behaviour.add("throttle", retry_after=1, times=1, path="/token")
    secret = application.secrets[0].value
    with ClientSecretCredential(application.tenant, application.client_id, secret, **azure) as credential:
        assert credential.get_token(SCOPE).token in entra.sandbox.state.access_tokens
    assert [seen.status for seen in issuer.requests if seen.path.endswith("/token")] == [429, 200]
