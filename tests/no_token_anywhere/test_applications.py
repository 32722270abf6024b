"""What applications prove who they are with is nowhere but sealed: secrets, keys, assertions, access tokens."""

import base64
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections.actions.audit import audit
from connections.models import Connection
from connections.providers.azure_devops.access_tokens import TOKENS
from history.record import SCHEDULER
from sandbox.entra.issuer import Issuer
from sandbox.server import Sandbox
from tests.api.calls import Program
from tests.api.conftest import EVERYTHING
from tests.connections.applications import as_pfx, credential_of, fields_of, with_password
from tests.connections.commands import Ran
from tests.factories import make_token
from tests.leaks import everywhere, hits, of_answer

PASSWORD, WRONG = "a password of key files, " + "p" * 40, "another password, " + "q" * 40
LINE = 64


def private_parts(pem: bytes) -> dict[str, str]:
    """Lines of a key file that say what only its owner knows. What is before them is in the certificate, too."""
    key = serialization.load_pem_private_key(pem, None)
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
    whole = "".join(text.splitlines()[1:-1])
    return {f"key at {start}": whole[start : start + LINE] for start in range(512, len(whole) - LINE, LINE)}


@pytest.fixture
def assertions(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Every assertion that is sent, once it was sent."""
    sent: dict[str, str] = {}
    original = requests.Session.send

    def send(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        body = request.body.decode() if isinstance(request.body, bytes) else ""
        for text in parse_qs(body).get("client_assertion", []):
            sent[f"assertion {len(sent)}"] = text
        return original(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", send)
    return sent


@pytest.fixture
def pem(entra: Issuer) -> bytes:
    TOKENS.forget()
    return entra.certificate_file("full").read_bytes()


@pytest.fixture
def proofs(entra: Issuer, pem: bytes) -> dict[str, str]:
    """What people enter, and the token of the workload."""
    return {
        "client secret": credential_of(entra, "full").secrets()[0],
        "password": PASSWORD,
        "wrong password": WRONG,
        "workload token": entra.workload_token(),
        "pasted access token": entra.access_token(),
        **private_parts(pem),
    }


def files(pem: bytes) -> Iterator[dict[str, Any]]:
    """Key files with the right and the wrong password, and with none."""
    for content in (as_pfx(pem, PASSWORD), with_password(pem, PASSWORD)):
        for password in (PASSWORD, WRONG, ""):
            yield {"certificate": BytesIO(content), "certificate_password": password}
    yield {"certificate": BytesIO(pem), "certificate_password": PASSWORD}
    yield {"certificate": BytesIO(pem[:-200])}


def entered(entra: Issuer, pem: bytes, proofs: dict[str, str]) -> Iterator[dict[str, Any]]:
    """What a person enters, some of it into the wrong field."""
    for file in files(pem):
        yield fields_of(entra, authentication="entra_certificate", client_secret="", **file)
    texts = [pem.decode(), *(proofs[name] for name in ("client secret", "workload token", "pasted access token"))]
    for text in texts:
        for field in ("client_secret", "tenant", "client", "organization", "extra_recipients"):
            yield fields_of(entra, **{field: text})
        yield fields_of(entra, authentication="personal_access_token", token=text)
    yield fields_of(entra)


def of_program(pem: bytes, proofs: dict[str, str]) -> Iterator[dict[str, str]]:
    """What a program sends beside the ids of the application."""
    yield {"client_secret": proofs["client secret"]}
    yield {"client_secret": pem.decode()}
    yield {"client_secret": proofs["workload token"]}
    yield {"tenant": proofs["client secret"], "client_secret": proofs["client secret"]}
    yield {"certificate": pem.decode()}
    for content in (as_pfx(pem, PASSWORD), with_password(pem, PASSWORD)):
        encoded = base64.b64encode(content).decode()
        for password in (PASSWORD, WRONG, ""):
            yield {"certificate": encoded, "certificate_password": password}
    yield {"surplus": pem.decode(), "client_secret": proofs["client secret"]}


def access_tokens(sandbox: Sandbox) -> dict[str, str]:
    return {f"access token {number}": text for number, text in enumerate(sandbox.state.access_tokens)}


def audited() -> None:
    for connection in Connection.objects.order_by("pk"):
        TOKENS.forget()
        audit(connection, by=SCHEDULER, now=timezone.now(), interactive=False)


def test_no_page_gives_a_proof_away(
    root: Client,
    entra: Issuer,
    sandbox: Sandbox,
    pem: bytes,
    proofs: dict[str, str],
    assertions: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    shown = []
    for name in ("test-new", "add-azure-devops"):
        for number, fields in enumerate(entered(entra, pem, proofs)):
            named = {**fields, "name": f"{number} {name}"}
            shown.append(of_answer(root.post(reverse(f"connections:{name}"), named, follow=True)))
    assert Connection.objects.count() >= 4
    for connection in Connection.objects.order_by("pk"):
        page = reverse("connections:update-token", args=[connection.pk])
        shown += [of_answer(root.post(page, file)) for file in files(pem)]
        shown += [of_answer(root.get(address)) for address in (page, connection.get_absolute_url())]
    audited()
    shown.append(of_answer(root.get("/history/")))
    assert assertions
    places = everywhere(shown, log, sandbox, capfd)
    assert hits(proofs | assertions | access_tokens(sandbox), places) == set()


def test_neither_the_api_nor_a_command_gives_a_proof_away(
    maintainer: User,
    entra: Issuer,
    sandbox: Sandbox,
    pem: bytes,
    proofs: dict[str, str],
    assertions: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 0
    program, sample = Program(make_token(maintainer, *EVERYTHING)[1]), entra.directory.named("full")
    ids = {"tenant": sample.tenant, "client": sample.client_id}
    shown = []
    for number, proof in enumerate(of_program(pem, proofs)):
        body = {"name": f"By API {number}", "organization": "acme", "application": {**ids, **proof}}
        shown += [of_answer(program.call("POST", path, body)) for path in ("/connections/test", "/connections")]
    for number, (password, content) in enumerate(
        ((PASSWORD, as_pfx(pem, PASSWORD)), (WRONG, with_password(pem, WRONG)))
    ):
        file = tmp_path / f"{number}.pfx"
        file.write_bytes(content)
        for typed in (password, proofs["client secret"]):
            monkeypatch.setattr("sys.stdin", StringIO(typed))
            words = ["--owner", maintainer.username, "--tenant", ids["tenant"], "--client", ids["client"]]
            ran = Ran("add", f"By file {number}", "acme", *words, "--certificate", str(file), "--certificate-password")
            shown.append(f"{ran.out}{ran.err}".encode())
    assert Connection.objects.count() >= 4
    audited()
    assert assertions
    places = everywhere(shown, log, sandbox, capfd)
    assert hits(proofs | assertions | access_tokens(sandbox), places) == set()


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "place",
    [
        "core.encryption.encrypt",
        "connections.providers.azure_devops.entra_issuer.issued",
        "connections.providers.azure_devops.entra_certificates.EntraCertificate._assertion",
        "connections.providers.azure_devops.entra_certificates._parts",
        "connections.domain.principal_verification.check",
    ],
)
def test_no_fault_of_ours_gives_a_proof_away(
    root: Client,
    entra: Issuer,
    sandbox: Sandbox,
    settings: Settings,
    pem: bytes,
    proofs: dict[str, str],
    assertions: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    place: str,
    debug: bool,
) -> None:
    settings.DEBUG = debug
    shown = []
    with patch(place, side_effect=RuntimeError("broken")):
        for name in ("test-new", "add-azure-devops"):
            file: dict[str, Any] = {
                "certificate": BytesIO(as_pfx(pem, PASSWORD)),
                "certificate_password": PASSWORD,
            }
            by_file = fields_of(entra, authentication="entra_certificate", client_secret="", **file)
            for fields in (by_file, fields_of(entra)):
                shown.append(of_answer(root.post(reverse(f"connections:{name}"), fields)))
    places = everywhere(shown, log, sandbox, capfd)
    assert hits(proofs | assertions | access_tokens(sandbox), places) == set()


def test_a_workload_identity_gives_its_token_away_nowhere(
    root: Client,
    entra: Issuer,
    sandbox: Sandbox,
    settings: Settings,
    proofs: dict[str, str],
    assertions: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    sample, file = entra.directory.named("full"), tmp_path / "token"
    settings.AZURE_DEVOPS_WORKLOAD_IDENTITY, settings.AZURE_FEDERATED_TOKEN_FILE = True, str(file)
    settings.AZURE_TENANT_ID, settings.AZURE_CLIENT_ID = sample.tenant, sample.client_id
    fields = fields_of(
        entra, authentication="entra_federated_token", tenant="", client="", client_secret="", expires=""
    )
    shown = []
    old = entra.workload_token(seconds=-600)
    for text in (old, f"{old}\n{proofs['workload token']}", proofs["workload token"]):
        file.write_text(text)
        shown += [
            of_answer(root.post(reverse(f"connections:{name}"), fields)) for name in ("test-new", "add-azure-devops")
        ]
    shown.append(of_answer(root.get(Connection.objects.get().get_absolute_url())))
    audited()
    assert proofs["workload token"] in assertions.values()
    places = everywhere(shown, log, sandbox, capfd)
    assert hits(proofs | assertions | access_tokens(sandbox), places) == set()
