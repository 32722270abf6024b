"""Applications of Microsoft Entra through the API: secrets come in by the body, and nothing secret goes out."""

import base64
from typing import Any

import pytest
from pytest_django import Settings

from connections.models import StoredCredential
from sandbox.entra.issuer import Issuer
from tests.api.calls import Program, problem
from tests.connections.applications import (
    as_pfx,
    certificate_in,
    certificate_of,
    credential_of,
    in_zone_of_another_day,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def pem(entra: Issuer) -> str:
    return entra.certificate_file("full").read_text()


def application(entra: Issuer, **proof: str) -> dict[str, Any]:
    sample = entra.directory.named("full")
    return {"tenant": sample.tenant, "client": sample.client_id, **proof}


def body(entra: Issuer, **proof: str) -> dict[str, Any]:
    return {"name": "By application", "organization": "acme", "application": application(entra, **proof)}


def secret_of(entra: Issuer) -> str:
    return credential_of(entra, "full").secrets()[0]


def test_it_is_tested_and_nothing_is_stored(program: Program, entra: Issuer, pem: str) -> None:
    found = program.post("/connections/test", body(entra, certificate=pem))
    assert (found["is_accepted"], found["has_passed"]) == (True, True)
    assert not StoredCredential.objects.exists()


def test_it_is_connected_by_a_client_secret(program: Program, entra: Issuer) -> None:
    answer = program.call("POST", "/connections", body(entra, client_secret=secret_of(entra)))
    assert answer.status_code == 201
    assert secret_of(entra) not in answer.text
    assert StoredCredential.objects.get().reveal() == credential_of(entra, "full")


def test_it_is_connected_by_a_certificate_with_its_date(program: Program, entra: Issuer, pem: str) -> None:
    shown = program.post("/connections", body(entra, certificate=pem) | {"expires_on": "2026-12-01"})
    assert shown["expires_on"] == certificate_in(pem.encode()).not_valid_after_utc.date().isoformat()
    assert StoredCredential.objects.get().reveal() == certificate_of(entra)


def test_a_pfx_file_comes_in_base64(program: Program, entra: Issuer, pem: str) -> None:
    content = as_pfx(pem.encode(), "sesame")
    proof = {"certificate": base64.b64encode(content).decode(), "certificate_password": "sesame"}
    assert program.post("/connections/test", body(entra, **proof))["has_passed"]


BAD: dict[str, tuple[dict[str, str], str, str]] = {
    "no proof": ({}, "application.client_secret", "Enter a client secret or a certificate."),
    "both": (
        {"client_secret": "x", "certificate": "aGVsbG8="},
        "application.client_secret",
        "Enter a client secret or a certificate.",
    ),
    "no base64": ({"certificate": "?"}, "application.certificate", "This is neither a PEM nor a PFX file"),
    "no certificate": ({"certificate": "aGVsbG8="}, "application.certificate", "This is neither a PEM nor a PFX file"),
    "a secret id": (
        {"client_secret": "5d0c1fa2-6b3e-4d57-9a35-51c6a1d1a001"},
        "application.client_secret",
        "This is the Secret ID.",
    ),
    "no tenant": ({"client_secret": "x", "tenant": ""}, "application.tenant", "Enter the directory (tenant) ID."),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_of_its_field(program: Program, entra: Issuer, name: str) -> None:
    proof, field, message = BAD[name]
    found = problem(program.call("POST", "/connections/test", body(entra, **proof)), 422, "input_invalid")
    assert found["errors"][0]["field"] == field
    assert message in found["errors"][0]["message"]


@pytest.mark.parametrize("both", [True, False])
def test_either_a_token_or_an_application_is_needed(program: Program, entra: Issuer, both: bool) -> None:
    sent: dict[str, Any] = {"organization": "acme"}
    sent |= {"token": "x", "application": application(entra, client_secret="x")} if both else {}
    problem(program.call("POST", "/connections/test", sent), 422, "input_invalid")


def test_the_date_of_a_certificate_is_a_day_of_the_site(
    program: Program, entra: Issuer, pem: str, settings: Settings
) -> None:
    settings.TIME_ZONE, day = in_zone_of_another_day(pem.encode())
    shown = program.post("/connections", body(entra, certificate=pem))
    assert shown["expires_on"] == day.isoformat()


def test_a_certificate_takes_the_place_of_a_secret(program: Program, entra: Issuer, pem: str) -> None:
    made = program.post("/connections", body(entra, client_secret=secret_of(entra)))
    new = {"application": application(entra, certificate=pem)}
    shown = program.put(f"/connections/{made['id']}/token", new, version=made["version"])
    assert shown["same_person"]
    assert StoredCredential.objects.get().kind == "entra_certificate"


def test_settings_leave_the_date_of_a_certificate(program: Program, entra: Issuer, pem: str) -> None:
    made = program.post("/connections", body(entra, certificate=pem))
    names = ("name", "token_reach", "projects", "extra_recipients")
    settings = {name: made[name] for name in names} | {"expires_on": "2026-12-01"}
    shown = program.put(f"/connections/{made['id']}", settings, version=made["version"])
    assert shown["expires_on"] == made["expires_on"]
