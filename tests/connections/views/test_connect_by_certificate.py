"""Connect by an application with a certificate: the file, its password, what is shown of it and what is stored."""

import hashlib
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connections.models import Connection, StoredCredential
from sandbox.entra.certificates import self_signed
from sandbox.entra.issuer import Issuer
from tests.connections.applications import as_pfx, certificate_in, fields_of, in_zone_of_another_day

pytestmark = pytest.mark.django_db
Fields = Callable[..., dict[str, Any]]


@pytest.fixture
def content(entra: Issuer) -> bytes:
    """The file of the sample application."""
    return entra.certificate_file("full").read_bytes()


@pytest.fixture
def fields(entra: Issuer, content: bytes) -> Fields:
    """What a person enters about the sample application and its certificate."""

    def of(file: bytes = content, **other: Any) -> dict[str, Any]:
        return fields_of(entra, authentication="entra_certificate", certificate=uploaded(file), **other)

    return of


def uploaded(content: bytes, name: str = "ours.pem") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def page_of_test(client: Client, fields: dict[str, Any]) -> str:
    answer = client.post(reverse("connections:test-new"), fields)
    assert answer.status_code == 200
    return str(answer.text)


def connected(client: Client, fields: dict[str, Any]) -> Any:
    return client.post(reverse("connections:add-azure-devops"), fields)


def shown(certificate: x509.Certificate) -> str:
    day = certificate.not_valid_after_utc.date()
    return f"Expires on {day:%-d %b %Y}"


def test_it_is_tested_in_the_same_steps(pages: Client, fields: Fields) -> None:
    page = page_of_test(pages, fields())
    assert "Connection successful" in page
    for step in ("tenant", "application", "credential", "member", "projects", "scopes"):
        assert f'data-step="{step}" data-state="done"' in page


def test_its_date_subject_and_thumbprints_are_shown_before_connecting(
    pages: Client, fields: Fields, content: bytes
) -> None:
    page = page_of_test(pages, fields())
    certificate = certificate_in(content)
    facts = page.split("data-certificate>")[1].split("</dl>")[0]
    assert shown(certificate) in facts
    assert f"<code>{certificate.subject.rfc4514_string()}</code>" in facts
    for thumbprint in certificate_thumbprints(certificate):
        assert thumbprint in facts


def certificate_thumbprints(certificate: x509.Certificate) -> list[str]:
    content = certificate.public_bytes(serialization.Encoding.DER)
    # SHA-1, as Microsoft Entra shows it.
    sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest().upper()
    return [sha1, certificate.fingerprint(hashes.SHA256()).hex().upper()]


def test_its_date_is_a_day_of_the_site(pages: Client, fields: Fields, content: bytes, settings: Settings) -> None:
    settings.TIME_ZONE, day = in_zone_of_another_day(content)
    connected(pages, fields())
    assert Connection.objects.get().expires_on == day


def test_it_is_connected_with_its_own_date(pages: Client, fields: Fields, content: bytes) -> None:
    entered = fields(expires="date", expires_on="2026-12-01")
    assert connected(pages, entered).status_code == 302
    connection, stored = Connection.objects.get(), StoredCredential.objects.get()
    assert connection.expires_on == certificate_in(content).not_valid_after_utc.date()
    assert (stored.kind, stored.principal) == ("entra_certificate", f"{entered['tenant']}/{entered['client']}")
    assert b"PRIVATE KEY" not in bytes(stored.sealed)


def test_its_page_shows_what_is_no_secret(pages: Client, fields: Fields, content: bytes) -> None:
    connected(pages, fields())
    page = pages.get(Connection.objects.get().get_absolute_url()).text
    assert "Microsoft Entra certificate" in page
    assert all(thumbprint in page for thumbprint in certificate_thumbprints(certificate_in(content)))
    assert "This certificate leaked" in page
    assert "PRIVATE KEY" not in page


def test_a_pfx_file_is_opened_by_its_password(pages: Client, fields: Fields, content: bytes) -> None:
    entered = fields(as_pfx(content, "sesame"), certificate_password="sesame")
    assert "Connection successful" in page_of_test(pages, entered)


def errors_of(page: str, field: str) -> str:
    return page.split(f'id="id_{field}_errors"')[1].split("</div>")[0]


def test_a_wrong_password_is_said_beside_it_and_nothing_is_sent(pages: Client, fields: Fields, content: bytes) -> None:
    page = page_of_test(pages, fields(as_pfx(content, "sesame"), certificate_password="open"))
    assert "The password does not open this file." in errors_of(page, "certificate_password")
    assert 'data-outcome="' not in page
    assert "sesame" not in page


BAD = {
    "nothing": (b"", "Choose the file with the certificate and its private key."),
    "a text": (b"hello", "This is neither a PEM nor a PFX file that we can read."),
    "too much": (b"-----BEGIN" + b"x" * 70_000, "This is too long for a certificate."),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_used_is_refused_with_a_reason(pages: Client, fields: Fields, name: str) -> None:
    content, message = BAD[name]
    assert message in errors_of(page_of_test(pages, fields(content)), "certificate")


def test_an_expired_certificate_is_not_sent(pages: Client, fields: Fields) -> None:
    page = page_of_test(pages, fields(self_signed("Old", days=-1)))
    assert "This certificate has expired." in errors_of(page, "certificate")
    assert 'data-outcome="' not in page


def test_a_certificate_that_microsoft_entra_does_not_know_is_named_with_its_thumbprint(
    pages: Client, fields: Fields
) -> None:
    other = self_signed("Other", days=100)
    page = page_of_test(pages, fields(other))
    assert 'data-problem="entra_certificate_unknown"' in page
    assert 'data-step="credential" data-state="failed"' in page
    assert certificate_thumbprints(certificate_in(other))[0] in page


def test_the_ids_are_asked_for_beside_their_fields(pages: Client, fields: Fields) -> None:
    page = page_of_test(pages, fields(tenant="", client="x"))
    assert "Enter the directory (tenant) ID." in errors_of(page, "tenant")
    assert "A client ID looks like" in errors_of(page, "client")


def test_no_certificate_is_read_where_another_way_was_chosen(pages: Client, entra: Issuer) -> None:
    entered = fields_of(entra, certificate=uploaded(b"hello"), certificate_password="x")
    assert "Connection successful" in page_of_test(pages, entered)


def test_the_file_is_asked_for_again_without_javascript(pages: Client, fields: Fields) -> None:
    page = connected(pages, fields(name="")).text
    assert "Choose the file again, and enter its password." in page
    assert "PRIVATE KEY" not in page


def test_the_date_cannot_be_edited(pages: Client, fields: Fields, content: bytes) -> None:
    connected(pages, fields())
    connection = Connection.objects.get()
    address = reverse("connections:edit", args=[connection.pk])
    page = pages.get(address).text
    assert "The expiry date is read from the certificate." in page
    assert 'name="expires"' not in page
    version = page.split('name="version" value="')[1].split('"')[0]
    entered = {"name": "Renamed", "version": version, "expires": "date", "expires_on": "2026-12-01"}
    assert pages.post(address, entered).status_code == 302
    connection.refresh_from_db()
    kept: tuple[str, date | None] = (connection.name, connection.expires_on)
    assert kept == ("Renamed", certificate_in(content).not_valid_after_utc.date())
