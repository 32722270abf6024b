"""A person connects a collection of a server on their own premises, which stands beside the service in the list."""

import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django import Settings

from connections.models import Connection
from sandbox.editions import SERVERS
from sandbox.server import Sandbox
from tests.connections.providers.azure_devops.authority import Authority
from tests.journeys.test_accessibility import complaints, look

Token = Callable[[str], str]
FORM = "/code-repositories/add/azure-devops/"


@pytest.fixture
def own(sandbox: Sandbox, settings: Settings, authority: Authority) -> Iterator[Sandbox]:
    """A server of 2019 below /tfs, over TLS with an authority of its own; the service stands first in the list."""
    with Sandbox(edition=SERVERS["2019"], path="tfs", ssl_context=authority.server("127.0.0.1")) as running:
        settings.AZURE_DEVOPS_SERVERS = f"Sandbox={sandbox.url} kind=sandbox, Own={running.url}"
        settings.AZURE_DEVOPS_CA_BUNDLES = f"Own={authority.bundle}"
        yield running


def test_a_collection_is_chosen_tested_and_connected(page: Page, own: Sandbox, token_of: Token) -> None:
    page.goto(FORM)
    expect(page.get_by_label("Organization Name", exact=True)).to_be_visible()
    expect(page.get_by_text("All accessible organizations").first).to_be_visible()
    page.get_by_label("Server", exact=True).select_option("Own")
    expect(page.get_by_text("All accessible organizations").first).to_be_hidden()
    expect(page.get_by_text("Token is valid for")).to_be_hidden()
    page.get_by_label("Name", exact=True).fill("Own main")
    page.get_by_label("Collection Name", exact=True).fill(f"{own.url}/DefaultCollection/Storefront/_git/Storefront")
    expect(page.get_by_text("Collection: DefaultCollection")).to_be_visible()
    link = page.get_by_role("link", name=re.compile("your personal access tokens"))
    expect(link).to_have_attribute("href", f"{own.url}/DefaultCollection/_usersSettings/tokens")
    page.get_by_label("Personal Access Token").fill(token_of("full"))
    page.locator("#connect-form").get_by_label("90 days").check()
    page.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_role("heading", name="Connection successful")).to_be_focused()
    expect(page.locator("[data-step=organization]")).to_contain_text("Find the collection DefaultCollection")
    page.get_by_role("button", name="Connect Azure DevOps").click()
    expect(page.get_by_text("Own main is now connected to DefaultCollection.")).to_be_visible()
    assert Connection.objects.get().token_reach == "unknown"


@pytest.mark.parametrize(
    ("typed", "echo"),
    [
        ("Our%20Collection", "Collection: Our Collection"),
        ("https://127.0.0.1/tfs/Our%20Collection/_git/x", "Collection: Our Collection"),
        ("ssh://git@127.0.0.1:22/tfs/Main/_git/x", "Collection: Main"),
        ("Main", ""),
        ("https://elsewhere.example.com/tfs/Main", ""),
        ("a..b", ""),
        ("%2e%2e", ""),
        ("%E0%A4%A", ""),
    ],
)
def test_what_was_understood_is_said_as_it_is_typed(page: Page, own: Sandbox, typed: str, echo: str) -> None:
    page.goto(FORM)
    page.get_by_label("Server", exact=True).select_option("Own")
    page.get_by_label("Collection Name", exact=True).fill(typed)
    understood = page.locator("[data-understood]")
    if echo:
        expect(understood).to_have_text(echo)
    else:
        expect(understood).to_be_hidden()


def test_a_certificate_that_nobody_vouches_for_is_said_with_the_setting(
    page: Page, own: Sandbox, settings: Settings, token_of: Token
) -> None:
    settings.AZURE_DEVOPS_CA_BUNDLES = ""
    page.goto(FORM)
    page.get_by_label("Server", exact=True).select_option("Own")
    page.get_by_label("Collection Name", exact=True).fill("DefaultCollection")
    page.get_by_label("Personal Access Token").fill(token_of("full"))
    page.locator("#connect-form").get_by_label("90 days").check()
    page.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_role("heading", name="Secure connection failed")).to_be_focused()
    expect(page.get_by_text("AZURE_DEVOPS_CA_BUNDLES")).to_be_visible()
    assert own.requests == []


def test_without_javascript_both_names_are_said(context: BrowserContext, own: Sandbox, site: str) -> None:
    assert context.browser is not None
    with context.browser.new_context(
        base_url=site, java_script_enabled=False, storage_state=context.storage_state()
    ) as plain:
        page = plain.new_page()
        page.goto(FORM)
        expect(page.get_by_label("Organization or Collection Name")).to_be_visible()
        expect(page.get_by_text("All accessible organizations").first).to_be_visible()
        expect(page.get_by_text("On Azure DevOps Server, create it in the collection")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_of_a_server_has_no_complaint(
    context: BrowserContext, own: Sandbox, site: str, settings: Settings, scheme: Literal["light", "dark"]
) -> None:
    settings.AZURE_DEVOPS_SERVERS += ", Plain=http://devops.example.com/tfs"
    settings.AZURE_DEVOPS_PLAIN_HTTP = "Plain=anybody on the network can read the tokens"
    assert context.browser is not None
    with context.browser.new_context(
        base_url=site,
        color_scheme=scheme,
        viewport={"width": 320, "height": 900},
        storage_state=context.storage_state(),
    ) as narrow:
        page = narrow.new_page()
        page.goto(FORM)
        page.get_by_label("Server", exact=True).select_option("Plain")
        expect(page.get_by_text("uses plain HTTP")).to_be_visible()
        assert complaints(page) == []
        assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert look(page, "/help/azure-devops/") == []
