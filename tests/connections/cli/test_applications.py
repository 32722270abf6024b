"""Commands connect by application: a secret from standard input, a certificate from a file."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from connections.models import Connection, StoredCredential
from sandbox.entra.certificates import self_signed
from sandbox.entra.issuer import Issuer
from tests.connections.applications import (
    certificate_in,
    certificate_of,
    connected,
    credential_of,
    in_zone_of_another_day,
    with_password,
)
from tests.connections.commands import Ran, TypeIn

pytestmark = pytest.mark.django_db


def ids(entra: Issuer) -> list[str]:
    application = entra.directory.named("full")
    return ["--tenant", application.tenant, "--client", application.client_id]


def added(entra: Issuer, owner: User, *more: str) -> Ran:
    return Ran("add", "By application", "acme", "--owner", owner.username, *ids(entra), *more)


def test_a_client_secret_is_read_from_standard_input(entra: Issuer, maintainer: User, type_in: TypeIn) -> None:
    type_in(f"{credential_of(entra, 'full').secrets()[0]}\n")
    ran = added(entra, maintainer)
    assert (ran.code, ran.err) == (0, "")
    assert StoredCredential.objects.get().reveal() == credential_of(entra, "full")


def test_a_certificate_is_read_from_a_file(entra: Issuer, maintainer: User, type_in: TypeIn) -> None:
    type_in("")
    assert added(entra, maintainer, "--certificate", str(entra.certificate_file("full"))).code == 0
    assert StoredCredential.objects.get().reveal() == certificate_of(entra)


def test_the_date_of_a_certificate_is_a_day_of_the_site(
    entra: Issuer, maintainer: User, type_in: TypeIn, settings: Settings
) -> None:
    file = entra.certificate_file("full")
    settings.TIME_ZONE, day = in_zone_of_another_day(file.read_bytes())
    type_in("")
    assert added(entra, maintainer, "--certificate", str(file)).code == 0
    assert Connection.objects.get().expires_on == day


def test_its_password_is_read_from_standard_input(
    entra: Issuer, maintainer: User, type_in: TypeIn, tmp_path: Path
) -> None:
    content = entra.certificate_file("full").read_bytes()
    file = tmp_path / "locked.pem"
    file.write_bytes(with_password(content, "sesame"))
    type_in("open\n")
    refused = added(entra, maintainer, "--certificate", str(file), "--certificate-password")
    assert (refused.code, refused.err.strip()) == (1, "The password does not open this file.")
    type_in("sesame\n")
    assert added(entra, maintainer, "--certificate", str(file), "--certificate-password").code == 0


def test_a_file_that_does_not_exist_is_said_to(entra: Issuer, maintainer: User) -> None:
    ran = added(entra, maintainer, "--certificate", "/nowhere/x.pem")
    assert (ran.code, ran.err) == (2, "The file /nowhere/x.pem cannot be read.")


def test_an_update_knows_the_application(entra: Issuer, maintainer: User, tmp_path: Path) -> None:
    connection = connected(entra, maintainer)
    file = tmp_path / "new.pem"
    file.write_bytes(self_signed("Sandbox full", days=200))
    entra.directory.named("full").certificates.append(certificate_in(file.read_bytes()))
    ran = Ran("update-token", "Ours", "--owner", maintainer.username, "--certificate", str(file))
    assert ran.code == 0
    assert "The certificate of Ours was updated." in ran.out
    assert "Delete the old client secret of" in ran.out
    assert Connection.objects.get(pk=connection.pk).expires_on
