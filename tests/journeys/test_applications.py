"""Applications: connected by a secret, whose date is read, and a new secret for all connections that share it."""

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from connections.models import StoredCredential
from sandbox.entra.issuer import Issuer
from tests.connections.applications import connected
from tests.journeys.test_connecting import open_form, press_test


def test_an_application_is_tested_and_connected_by_its_secret(page: Page, entra: Issuer) -> None:
    application = entra.directory.named("full")
    open_form(page)
    expect(page.get_by_role("textbox", name="Personal Access Token")).to_be_visible()
    expect(page.get_by_label("Client secret", exact=True)).to_be_hidden()
    page.get_by_label("Microsoft Entra application with a client secret").check()
    expect(page.get_by_role("textbox", name="Personal Access Token")).to_be_hidden()
    page.get_by_label("Name", exact=True).fill("By application")
    page.get_by_label("Organization Name").fill("acme")
    page.get_by_label("Directory (tenant) ID").fill(application.tenant)
    page.get_by_label("Application (client) ID").fill(application.client_id)
    page.get_by_label("Client secret", exact=True).fill(application.secrets[0].value)
    page.get_by_label("90 days").check()
    press_test(page)
    expect(page.get_by_role("heading", name="Connection successful")).to_be_visible()
    page.get_by_role("button", name="Connect Azure DevOps").click()
    expect(page.get_by_role("heading", name="By application")).to_be_visible()
    expect(page.get_by_text(application.client_id)).to_be_visible()


def test_the_date_of_a_secret_is_read_from_microsoft_graph(page: Page, entra: Issuer) -> None:
    application = entra.directory.named("dated")
    ends_at = application.secrets[0].expires_at
    assert ends_at is not None
    open_form(page)
    page.get_by_label("Microsoft Entra application with a client secret").check()
    page.get_by_label("Name", exact=True).fill("Dated")
    page.get_by_label("Organization Name").fill("acme")
    page.get_by_label("Directory (tenant) ID").fill(application.tenant)
    page.get_by_label("Application (client) ID").fill(application.client_id)
    page.get_by_label("Client secret", exact=True).fill(application.secrets[0].value)
    page.get_by_role("group", name="Expires on").get_by_label("I don't know").check()
    press_test(page)
    expect(page.get_by_role("heading", name="Connection successful")).to_be_visible()
    expect(page.get_by_text("Read from Microsoft Graph.")).to_be_visible()
    page.get_by_role("button", name="Connect Azure DevOps").click()
    expect(page.get_by_role("heading", name="Dated", exact=True)).to_be_visible()
    expect(page.get_by_text(f"{ends_at:%-d %B %Y}").first).to_be_visible()
    expect(page.get_by_text("read from Microsoft Graph", exact=True)).to_be_visible()


def test_a_new_secret_is_used_by_all_connections_of_the_application(
    page: Page, entra: Issuer, maintainer: User
) -> None:
    connected(entra, maintainer)
    connected(entra, maintainer, name="Theirs", organization="fabrikam")
    page.goto("/code-repositories/")
    page.get_by_role("link", name="Update client secret of Theirs").click()
    page.get_by_role("link", name="Update both at once").click()
    expect(page.get_by_text("One new client secret for all of them.")).to_be_visible()
    page.get_by_label("New client secret").fill(entra.add_secret("full"))
    page.get_by_label("90 days").check()
    page.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_role("heading", name="Connection successful")).to_have_count(2)
    page.get_by_role("button", name="Update 2 connections").click()
    expect(page.get_by_role("heading", name="2 of 2 updated")).to_be_visible()
    expect(page.get_by_text("Now delete the old client secret")).to_be_visible()
    assert len({stored.fingerprint for stored in StoredCredential.objects.all()}) == 1
