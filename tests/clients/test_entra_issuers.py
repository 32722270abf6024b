"""The product gets access tokens from issuers that are not ours: one that checks little, and a strict one."""

import base64
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.entra_certificates import EntraCertificate
from connections.providers.azure_devops.entra_credentials import EntraClientSecret, EntraCredential
from connections.providers.azure_devops.entra_issuer import SCOPE, AccessToken, Issuer, authority
from connections.providers.azure_devops.entra_workloads import EntraFederatedToken
from sandbox.entra.certificates import self_signed
from tests.clients.issuers import BY_CERTIFICATE, BY_SECRET, SECRET, TENANT, Issuers, running

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def issuers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuers]:
    """Both, once for all tests."""
    with running(tmp_path_factory.mktemp("issuers")) as started:
        yield started


def fetch(url: str, issuers: Issuers, credential: EntraCredential) -> AccessToken:
    return Issuer(authority(url, ca_bundle=issuers.bundle, on_this_machine=True)).fetch(credential)


def secret(value: str = SECRET, *, client: str = BY_SECRET) -> EntraClientSecret:
    return EntraClientSecret.of(TENANT, client, value)


def certificate(content: bytes, *, client: str = BY_CERTIFICATE) -> EntraCertificate:
    return EntraCertificate.of(TENANT, client, content, None, now=datetime.now(UTC))


def test_a_secret_gets_a_token_from_the_mock(issuers: Issuers) -> None:
    token = fetch(issuers.mock, issuers, secret())
    assert token.text.reveal().count(".") == 2
    assert token.lasts == 3600


def test_a_certificate_gets_a_token_from_the_mock(issuers: Issuers) -> None:
    assert fetch(issuers.mock, issuers, certificate(issuers.certificate)).lasts == 3600


def test_a_federated_token_is_sent_unchanged_and_as_its_file_has_it_now(issuers: Issuers, tmp_path: Path) -> None:
    file = tmp_path / "token"
    credential = EntraFederatedToken.of(TENANT, BY_SECRET).reading(str(file))
    for text in (
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJvbmUifQ.c2lnbmVk",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0d28ifQ.c2lnbmVk",
    ):
        file.write_text(f"{text}\n")
        token = fetch(issuers.mock, issuers, credential)
        assert claims_of(token)["form"] == {
            "client_id": BY_SECRET,
            "scope": SCOPE,
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": text,
        }
        assert token.lasts == 3600


def claims_of(token: AccessToken) -> dict[str, Any]:
    """What the token of the mock says. Its signature is not checked."""
    claims = token.text.reveal().split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return found


def test_the_strict_one_accepts_the_secret(issuers: Issuers) -> None:
    assert fetch(issuers.strict, issuers, secret()).lasts == 3599


def test_the_strict_one_accepts_an_assertion_that_the_certificate_signed(issuers: Issuers) -> None:
    assert fetch(issuers.strict, issuers, certificate(issuers.certificate)).lasts == 3599


def test_each_assertion_is_a_new_one(issuers: Issuers) -> None:
    credential = certificate(issuers.certificate)
    tokens = {fetch(issuers.strict, issuers, credential).text.reveal() for _ in range(3)}
    assert len(tokens) == 3


@pytest.mark.parametrize(
    "credential",
    [
        pytest.param(secret("another-secret-of-nobody-at-all"), id="wrong secret"),
        pytest.param(secret(client="1b2c3d4e-0009-4a5b-8c6d-7e8f90a1b2c3"), id="unknown application"),
        pytest.param(certificate(self_signed("Other", days=30)), id="certificate of another key"),
        pytest.param(secret(client=BY_CERTIFICATE), id="a secret where a certificate is expected"),
    ],
)
def test_a_refusal_of_the_strict_one_is_a_refusal(issuers: Issuers, credential: EntraCredential) -> None:
    with pytest.raises(errors.EntraRefused) as raised:
        fetch(issuers.strict, issuers, credential)
    assert raised.value.status == 401


def test_an_issuer_that_is_not_there_is_no_refusal(issuers: Issuers) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(errors.EntraUnreachable):
            fetch(f"https://127.0.0.1:{unused.getsockname()[1]}", issuers, secret())
