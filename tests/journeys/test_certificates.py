"""A person connects by a certificate in a real browser, and replaces one that has expired."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from connections.actions.audit import audit
from connections.models import Connection
from connections.providers.azure_devops.access_tokens import TOKENS
from history.record import SCHEDULER
from sandbox.entra.certificates import self_signed
from sandbox.entra.issuer import Issuer
from tests.connections.applications import (
    certificate_in,
    certificate_of,
    connected,
    only_another_is_registered,
    with_password,
)
from tests.journeys.test_connecting import open_form, press_test


def test_an_application_is_tested_and_connected_by_its_certificate(page: Page, entra: Issuer) -> None:
    application, file = entra.directory.named("full"), entra.certificate_file("full")
    open_form(page)
    page.get_by_label("Microsoft Entra application with a certificate").check()
    expect(page.get_by_label("Client secret", exact=True)).to_be_hidden()
    expect(page.get_by_role("group", name="Expires on")).to_be_hidden()
    page.get_by_label("Name", exact=True).fill("By certificate")
    page.get_by_label("Organization Name").fill("acme")
    page.get_by_label("Directory (tenant) ID").fill(application.tenant)
    page.get_by_label("Application (client) ID").fill(application.client_id)
    page.get_by_label("Certificate file").set_input_files(file)
    press_test(page)
    expect(page.get_by_role("heading", name="Connection successful")).to_be_visible()
    expect(page.locator("[data-certificate]")).to_contain_text("CN=Sandbox full")
    page.get_by_role("button", name="Connect Azure DevOps").click()
    expect(page.get_by_role("heading", name="By certificate")).to_be_visible()
    ends_on = certificate_in(file.read_bytes()).not_valid_after_utc.astimezone(UTC)
    expect(page.get_by_text(f"{ends_on:%-d %B %Y}")).to_be_visible()


def test_a_wrong_password_is_said_and_the_file_stays_chosen(page: Page, entra: Issuer, tmp_path: Path) -> None:
    application = entra.directory.named("full")
    open_form(page)
    page.get_by_label("Microsoft Entra application with a certificate").check()
    page.get_by_label("Name", exact=True).fill("By certificate")
    page.get_by_label("Organization Name").fill("acme")
    page.get_by_label("Directory (tenant) ID").fill(application.tenant)
    page.get_by_label("Application (client) ID").fill(application.client_id)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(with_password(entra.certificate_file("full").read_bytes(), "sesame"))
    page.get_by_label("Certificate file").set_input_files(locked)
    page.get_by_label("Password of the file").fill("open")
    page.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_text("The password does not open this file.")).to_be_visible()
    page.get_by_label("Password of the file").fill("sesame")
    press_test(page)
    expect(page.get_by_role("heading", name="Connection successful")).to_be_visible()


def test_a_certificate_expires_and_is_replaced(page: Page, entra: Issuer, maintainer: User, tmp_path: Path) -> None:
    connection = connected(entra, maintainer, credential=certificate_of(entra))
    expire(connection, entra)
    page.goto(connection.get_absolute_url())
    expect(page.get_by_text("Certificate has expired").first).to_be_visible()
    page.get_by_role("link", name="Update certificate").first.click()
    file = tmp_path / "new.pem"
    file.write_bytes(self_signed("Sandbox full", days=300))
    entra.directory.named("full").certificates.append(certificate_in(file.read_bytes()))
    page.get_by_label("Certificate file").set_input_files(file)
    press_test(page)
    expect(page.get_by_role("heading", name="Connection successful")).to_be_visible()
    page.get_by_role("button", name="Update certificate").click()
    expect(page.get_by_role("heading", name="Certificate updated")).to_be_visible()
    expect(page.get_by_text("Now delete the old certificate")).to_be_visible()
    page.get_by_role("link", name="Back to").click()
    expect(page.get_by_role("heading", name=re.compile(r"\d{3} days left"))).to_be_visible()


def expire(connection: Connection, entra: Issuer) -> None:
    """Microsoft Entra no longer accepts the certificate, whose last day was yesterday, and an audit has found out."""
    only_another_is_registered(entra)
    connection.expires_on = timezone.localdate() - timedelta(days=1)
    connection.save()
    TOKENS.forget()
    audit(connection, by=SCHEDULER, now=datetime.now(UTC), interactive=False)


def test_the_workload_identity_of_this_server_is_connected(
    page: Page, entra: Issuer, settings: Settings, tmp_path: Path
) -> None:
    application, file = entra.directory.named("full"), tmp_path / "token"
    file.write_text(entra.workload_token())
    settings.AZURE_DEVOPS_WORKLOAD_IDENTITY = True
    settings.AZURE_TENANT_ID, settings.AZURE_CLIENT_ID = application.tenant, application.client_id
    settings.AZURE_FEDERATED_TOKEN_FILE = str(file)
    open_form(page)
    page.get_by_label("Workload identity of this server").check()
    expect(page.get_by_label("Directory (tenant) ID")).to_be_hidden()
    expect(page.get_by_role("group", name="Expires on")).to_be_hidden()
    page.get_by_label("Name", exact=True).fill("By identity")
    page.get_by_label("Organization Name").fill("acme")
    press_test(page)
    expect(page.get_by_role("heading", name="Connection successful")).to_be_visible()
    page.get_by_role("button", name="Connect Azure DevOps").click()
    expect(page.get_by_role("heading", name="By identity")).to_be_visible()
    expect(page.get_by_role("heading", name="Never expires")).to_be_visible()
