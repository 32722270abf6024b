"""The life of a connection by a certificate: audited, expired, reminded of and replaced; and its key is nowhere."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions import versions
from connections.actions.audit import audit
from connections.actions.refusals import CannotRotate
from connections.actions.rotate import Replacement, extend, rotate
from connections.models import Connection, Mail, StoredCredential
from connections.notifications.reminders import remind_due
from connections.providers.azure_devops.access_tokens import TOKENS
from history.models import Event
from history.record import SCHEDULER, Actor
from sandbox.entra.certificates import self_signed
from sandbox.entra.issuer import Issuer
from tests.connections.applications import (
    certificate_in,
    certificate_of,
    connected,
    credential_of,
    only_another_is_registered,
)
from tests.leaks import everything_stored, remembered, sessions

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def cold() -> None:
    """As in a process that has just started."""
    TOKENS.forget()


@pytest.fixture
def connection(entra: Issuer, maintainer: User) -> Connection:
    maintainer.email = "maya@example.com"
    maintainer.save()
    return connected(entra, maintainer, credential=certificate_of(entra))


def audited(connection: Connection) -> Connection:
    TOKENS.forget()
    audit(connection, by=SCHEDULER, now=timezone.now(), interactive=False)
    connection.refresh_from_db()
    return connection


def registered(entra: Issuer, *, days: float = 200) -> bytes:
    """Another certificate of the application, with its key."""
    content = self_signed("Sandbox full", days=days)
    entra.directory.named("full").certificates.append(certificate_in(content))
    return content


def test_a_date_that_is_in_the_certificate_cannot_be_entered(connection: Connection, client: Client) -> None:
    before = connection.expires_on
    entered = timezone.localdate() + timedelta(days=5)
    with pytest.raises(CannotRotate) as refused:
        extend(connection, expires_on=entered, by=SCHEDULER, now=timezone.now())
    client.force_login(connection.owner)
    data = {
        "same-expires": "date",
        "same-expires_on": entered,
        "version": versions.version(connection, versions.EXTEND),
    }
    page = client.post(reverse("connections:extend-token", args=[connection.pk]), data)
    connection.refresh_from_db()
    assert (refused.value.code, connection.expires_on) == ("date_is_read", before)
    assert page.status_code == 200


def test_an_audit_confirms_it(connection: Connection) -> None:
    assert (audited(connection).health, connection.problem) == ("healthy", "")


def test_a_certificate_that_was_removed_is_a_rejection(connection: Connection, entra: Issuer) -> None:
    only_another_is_registered(entra)
    assert (audited(connection).health, connection.problem) == ("rejected", "entra_certificate_unknown")


def test_a_certificate_after_its_last_day_has_expired(connection: Connection, entra: Issuer) -> None:
    only_another_is_registered(entra)
    Connection.objects.update(expires_on=timezone.localdate() - timedelta(days=1))
    connection.refresh_from_db()
    assert audited(connection).problem == "entra_certificate_ended"
    assert connection.is_token_dead(today=timezone.localdate())


def test_reminders_follow_its_date_and_say_what_to_do(connection: Connection) -> None:
    stored_on = timezone.now() - timedelta(days=40)
    Connection.objects.update(expires_on=timezone.localdate() + timedelta(days=5), token_set_at=stored_on)
    remind_due(now=timezone.now())
    mail = Mail.objects.get()
    assert "Microsoft Entra certificate" in mail.subject
    assert "upload a new certificate" in mail.text
    stored = StoredCredential.objects.get()
    assert stored.facts["sha1"] in mail.text
    assert stored.facts["sha256"] in mail.text


def rotated(client: Client, connection: Connection, content: bytes, **other: str) -> Any:
    address = reverse("connections:update-token", args=[connection.pk])
    version = client.get(address).text.split('name="version" value="')[1].split('"')[0]
    entered = {"authentication": "entra_certificate", "certificate": SimpleUploadedFile("new.pem", content)}
    return client.post(address, {**entered, "token": "", "version": version, **other}, follow=True)


def test_a_new_certificate_takes_the_place_of_the_old_one(connection: Connection, entra: Issuer, pages: Client) -> None:
    content = registered(entra)
    page = rotated(pages, connection, content).text
    assert "Certificate updated" in page
    assert "Now delete the old certificate" in page
    connection.refresh_from_db()
    assert connection.expires_on == certificate_in(content).not_valid_after_utc.date()
    assert StoredCredential.objects.get().reveal() == certificate_of(entra, content=content)


def test_a_certificate_takes_the_place_of_a_secret(entra: Issuer, maintainer: User, pages: Client) -> None:
    connection = connected(entra, maintainer)
    page = rotated(pages, connection, registered(entra)).text
    assert "now uses the new certificate" in page
    assert "Now delete the old client secret" in page
    event = Event.objects.get(kind="connection.rotated")
    assert event.detail["credential"] == {"before": "entra_client_secret", "after": "entra_certificate"}


def test_a_secret_takes_the_place_of_a_certificate(connection: Connection, entra: Issuer, pages: Client) -> None:
    secret = credential_of(entra, "full").secrets()[0]
    page = rotated(pages, connection, b"", authentication="entra_client_secret", token=secret, expires="90").text
    assert "Now delete the old certificate" in page
    connection.refresh_from_db()
    assert connection.expires_on == timezone.localdate() + timedelta(days=90)


def test_the_new_certificate_is_tested_beside_the_old_one(connection: Connection, entra: Issuer, pages: Client) -> None:
    before = StoredCredential.objects.get().fingerprint
    entered = {"authentication": "entra_certificate", "certificate": SimpleUploadedFile("x.pem", registered(entra))}
    page = pages.post(reverse("connections:test-replacement", args=[connection.pk]), entered).text
    assert "Compared with the certificate in use" in page
    assert 'data-comparison="Application"' in page
    assert StoredCredential.objects.get().fingerprint == before


def replacement_of(entra: Issuer, content: bytes = b"") -> Replacement:
    return Replacement(certificate_of(entra, content=content), expires_on=None, token_reach="")


def test_the_same_certificate_is_no_new_one(connection: Connection, entra: Issuer, maintainer: User) -> None:
    by = Actor("Maya", maintainer.pk)
    with pytest.raises(CannotRotate) as refused:
        rotate(connection, replacement_of(entra), person=maintainer, by=by, now=timezone.now())
    assert refused.value.code == "same_token"


def test_a_later_certificate_for_the_same_key_is_a_new_one(
    connection: Connection, entra: Issuer, maintainer: User
) -> None:
    content = entra.certificate_file("full").read_bytes()
    later = renewed(content)
    entra.directory.named("full").certificates.append(certificate_in(later))
    new, by = replacement_of(entra, later), Actor("Maya", maintainer.pk)
    rotate(connection, new, person=maintainer, by=by, now=timezone.now())
    assert StoredCredential.objects.get().reveal() == new.token


def renewed(content: bytes) -> bytes:
    """A certificate for the same key that is valid for longer."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    old, key = certificate_in(content), serialization.load_pem_private_key(content, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    builder = x509.CertificateBuilder(old.issuer, old.subject, key.public_key(), x509.random_serial_number())
    later = old.not_valid_after_utc + timedelta(days=30)
    made = builder.not_valid_before(old.not_valid_before_utc).not_valid_after(later).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    return made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)


def test_no_part_of_the_key_is_left_anywhere(
    entra: Issuer, maintainer: User, pages: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connection = connected(entra, maintainer, credential=certificate_of(entra))
    content = registered(entra)
    shown = rotated(pages, audited(connection), content).content
    shown += pages.get(connection.get_absolute_url()).content
    remind_due(now=timezone.now())
    keys = [certificate_of(entra).secrets()[1], certificate_of(entra, content=content).secrets()[1]]
    parts = [key[start : start + 60] for key in keys for start in range(60, len(key) - 60, 200)]
    places = {"database": everything_stored(), "sessions": sessions(), "cache": remembered(), "page": shown}
    places["log"] = (caplog.text + str([vars(record) for record in caplog.records])).encode()
    assert [(place, part) for place, found in places.items() for part in parts if part.encode() in found] == []
