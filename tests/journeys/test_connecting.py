"""A person connects an organization in a real browser."""

import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django import Settings

from connections.models import Connection
from people.models import Session
from sandbox.samples import SAMPLES
from sandbox.server import Sandbox

Token = Callable[[str], str]


def open_form(page: Page) -> None:
    """Walk as the guide says."""
    page.goto("/")
    page.get_by_role("link", name="Add Repository").first.click()
    page.get_by_label("Azure DevOps").check()
    page.get_by_role("button", name="Continue").click()


def fill_in(page: Page, token: str, organization: str = "acme") -> None:
    page.get_by_label("Name", exact=True).fill("Acme main")
    page.get_by_label("Organization Name").fill(organization)
    page.get_by_label("Personal Access Token").fill(token)
    page.get_by_label("90 days").check()


def press_test(page: Page) -> None:
    page.get_by_role("button", name="Test Connection").click()
    page.locator("#test-result .report").wait_for()


def test_a_full_token_is_tested_and_connected(page: Page, token_of: Token) -> None:
    open_form(page)
    fill_in(page, token_of("full"))
    press_test(page)
    expect(page.get_by_role("heading", name="Connection successful")).to_be_visible()
    expect(page.locator("[data-outcome=passed] .outcome svg")).to_be_visible()
    page.get_by_role("button", name="Connect Azure DevOps").click()
    expect(page.get_by_role("heading", name="Acme main")).to_be_visible()
    expect(page.get_by_text("Acme main is now connected to acme.")).to_be_visible()


def test_the_token_stays_in_the_input_and_is_nowhere_else_on_the_page(page: Page, token_of: Token) -> None:
    open_form(page)
    fill_in(page, token_of("full"))
    press_test(page)
    expect(page.get_by_label("Personal Access Token")).to_have_value(token_of("full"))
    assert token_of("full") not in page.content()


def test_a_verdict_in_hand_is_not_asked_for_again(page: Page, sandbox: Sandbox, token_of: Token) -> None:
    open_form(page)
    fill_in(page, token_of("full"))
    press_test(page)
    asked = len(sandbox.requests)
    page.get_by_role("button", name="Connect Azure DevOps").click()
    expect(page.get_by_role("heading", name="Acme main")).to_be_visible()
    assert len(sandbox.requests) == asked


@pytest.mark.parametrize(
    ("token", "organization", "title"),
    [
        ("full", "nowhere", "Organization not found"),
        ("expired", "acme", "Token has expired"),
        ("revoked", "acme", "Token not accepted"),
        ("other-organization", "acme", "Token not accepted"),
        ("not-a-member", "acme", "The token's owner is not a member"),
        ("read-only", "acme", "permissions are missing"),
        ("no-build", "acme", "permissions are missing"),
        ("no-release", "acme", "permissions are missing"),
        ("code-only", "acme", "permissions are missing"),
        ("no-rights", "guarded", "permissions are missing"),
        ("no-projects", "acme", "The token works, but some scopes are unknown"),
        ("global", "strict", "Tokens for all organizations are not allowed"),
    ],
)
def test_each_faulty_token_reads_its_own_message(
    page: Page, token_of: Token, token: str, organization: str, title: str
) -> None:
    page.goto("/code-repositories/add/azure-devops/")
    fill_in(page, token_of(token), organization)
    press_test(page)
    expect(page.get_by_role("heading", name=title)).to_be_focused()


def test_a_limited_token_is_connected_knowingly(page: Page, token_of: Token) -> None:
    open_form(page)
    fill_in(page, token_of("no-build"))
    press_test(page)
    expect(page.locator("[data-capability=build_execute]")).to_contain_text("Missing")
    page.get_by_label("Connect as Limited").check()
    page.get_by_role("button", name="Connect Azure DevOps").click()
    page.get_by_role("heading", name="Acme main").wait_for()
    expect(page.get_by_text("Limited", exact=True).first).to_be_visible()


def test_some_projects_are_searched_and_chosen(page: Page, token_of: Token) -> None:
    open_form(page)
    fill_in(page, token_of("full"))
    press_test(page)
    page.get_by_label("Only these").check()
    page.get_by_label("Search 137 projects").fill("payments")
    page.get_by_label("Payments API").check()
    expect(page.get_by_text("1 of 137 chosen")).to_be_visible()
    page.get_by_role("button", name="Connect Azure DevOps").click()
    page.get_by_role("heading", name="Acme main").wait_for()
    assert [one.name for one in Connection.objects.get().chosen_projects.all()] == ["Payments API"]


def test_the_picker_scrolls_downwards_and_ticks_what_the_filter_shows(page: Page, token_of: Token) -> None:
    open_form(page)
    fill_in(page, token_of("full"))
    press_test(page)
    page.get_by_label("Only these").check()
    page.get_by_role("button", name="Connect Azure DevOps").click()
    expect(page.get_by_text("Choose at least one project, or all projects.")).to_be_visible()
    sizes = "box => [box.scrollWidth <= box.clientWidth, box.scrollHeight > box.clientHeight]"
    assert page.locator("#project-choices").evaluate(sizes) == [True, True]
    page.get_by_label("Search 137 projects").fill("payments")
    page.get_by_role("button", name=re.compile(r"Select \d+ shown")).click()
    expect(page.get_by_text(re.compile(r"^[1-9] of 137 chosen$"))).to_be_visible()
    page.get_by_label("Search 137 projects").fill("")
    page.get_by_role("button", name="Select all").click()
    expect(page.get_by_text("137 of 137 chosen")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("0 of 137 chosen")).to_be_visible()


def test_the_result_and_what_follows_from_it_fit_on_one_screen(page: Page, token_of: Token) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    submit = page.get_by_role("button", name="Connect Azure DevOps")
    for token, is_primary in (("full", True), ("no-build", True), ("revoked", False)):
        page.goto("/code-repositories/add/azure-devops/")
        fill_in(page, token_of(token))
        press_test(page)
        for part in (page.get_by_role("button", name="Test Connection"), page.locator("#test-result"), submit):
            expect(part).to_be_in_viewport(ratio=1)
        expect(submit).to_have_class("primary" if is_primary else "")
        expect(page.locator("[data-capability=code_read]")).to_be_hidden()
    page.goto("/code-repositories/add/azure-devops/")
    fill_in(page, token_of("full"))
    press_test(page)
    assert page.locator("#test-result .outcome").evaluate("box => box.offsetHeight") < 60
    expect(page.locator(".connect-actions")).to_contain_text("Expires on")
    page.get_by_label("Organization Name").fill("fabrikam")
    expect(submit).to_have_class("")


def test_a_project_that_is_not_listed_is_explained(page: Page, token_of: Token) -> None:
    open_form(page)
    fill_in(page, token_of("full"))
    press_test(page)
    page.get_by_text("My project is not listed").click()
    for name, words in (("Old Shop", "being deleted"), ("Brand New", "being created"), ("Board Room", "not visible")):
        page.get_by_label("Project name").fill(name)
        page.get_by_role("button", name="Find project").click()
        expect(page.locator("#project-answer")).to_contain_text(words)
        expect(page.locator("#project-answer")).to_be_in_viewport(ratio=1)
    expect(page.get_by_label("Personal Access Token")).to_have_value(token_of("full"))


def test_an_edit_marks_the_result_outdated(page: Page, token_of: Token) -> None:
    open_form(page)
    fill_in(page, token_of("full"))
    press_test(page)
    expect(page.get_by_text("this result is outdated")).to_be_hidden()
    page.get_by_label("Organization Name").fill("fabrikam")
    expect(page.get_by_text("this result is outdated")).to_be_visible()


def test_a_long_test_names_its_steps_and_shows_the_time(page: Page, sandbox: Sandbox, token_of: Token) -> None:
    sandbox.behaviour.add("latency", seconds=0.5)
    open_form(page)
    fill_in(page, token_of("full"))
    page.get_by_role("button", name="Test Connection").click()
    busy = page.locator(".busy")
    expect(busy).to_contain_text("of at most 20 s")
    expect(busy).to_contain_text("Check each scope")
    page.locator("#test-result .report").wait_for()
    expect(busy).to_be_hidden()


def test_mistakes_are_shown_beside_their_fields_and_focused(page: Page) -> None:
    open_form(page)
    page.get_by_role("button", name="Test Connection").click()
    organization = page.get_by_label("Organization Name")
    expect(organization).to_be_focused()
    expect(organization).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Paste the personal access token.")).to_be_visible()


def test_the_link_to_the_tokens_follows_what_is_typed(page: Page, sandbox: Sandbox) -> None:
    open_form(page)
    page.get_by_label("Organization Name").fill("https://dev.azure.com/Fabrikam/_git/x")
    expect(page.get_by_text("Organization: fabrikam")).to_be_visible()
    link = page.get_by_role("link", name=re.compile("your personal access tokens"))
    expect(link).to_have_attribute("href", f"{sandbox.url}/fabrikam/_usersSettings/tokens")


def test_the_link_to_the_tokens_follows_the_chosen_server(page: Page, sandbox: Sandbox, settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = f"Sandbox={sandbox.url} kind=sandbox, Azure DevOps Services=https://dev.azure.com"
    open_form(page)
    page.get_by_label("Organization Name").fill("acme")
    page.get_by_label("Server").select_option("Azure DevOps Services")
    link = page.get_by_role("link", name=re.compile("your personal access tokens"))
    expect(link).to_have_attribute("href", "https://dev.azure.com/acme/_usersSettings/tokens")


def test_an_address_of_another_server_offers_to_switch_to_it(page: Page, sandbox: Sandbox, settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = f"Sandbox={sandbox.url} kind=sandbox, Azure DevOps Services=https://dev.azure.com"
    open_form(page)
    for address in ("https://dev.azure.com/acme/_git/x", "https://dev.azure.com:443/acme", "acme.visualstudio.com"):
        page.get_by_label("Server").select_option("Sandbox")
        page.get_by_label("Organization Name").fill(address)
        page.get_by_role("button", name="Switch to Azure DevOps Services").click()
        expect(page.get_by_label("Server")).to_have_value("Azure DevOps Services")
        expect(page.get_by_role("button", name="Switch to")).to_be_hidden()
        expect(page.get_by_label("Organization Name")).to_be_focused()


def test_a_sample_is_filled_in_tested_and_connected_in_five_clicks(page: Page, settings: Settings) -> None:
    settings.SAMPLE_TOKENS = [asdict(sample) for sample in SAMPLES]
    settings.AZURE_DEVOPS_SERVERS = f"Azure DevOps Services=https://dev.azure.com,{settings.AZURE_DEVOPS_SERVERS}"
    open_form(page)
    page.get_by_role("button", name="Fill in a sample").click()
    expect(page.get_by_role("button", name="Test Connection")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Connection successful")).to_be_visible()
    page.get_by_role("button", name="Connect Azure DevOps").click()
    expect(page.get_by_text("Sandbox full is now connected to acme.")).to_be_visible()


def test_everything_can_be_done_by_keyboard_alone(page: Page, token_of: Token) -> None:
    page.goto("/code-repositories/add/azure-devops/")

    def press_until(selector: str, key: str = "Tab") -> None:
        for _ in range(60):
            page.keyboard.press(key)
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        pytest.fail(f"{selector} cannot be reached by keyboard")

    for selector, text in (("#id_name", "Acme main"), ("#id_organization", "acme"), ("#id_token", token_of("full"))):
        press_until(selector)
        page.keyboard.type(text)
    press_until("[name=expires]")
    page.keyboard.press("Space")
    press_until("[data-test]")
    page.keyboard.press("Enter")
    page.locator("#test-result .report").wait_for()
    press_until(".connect-actions button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Acme main")).to_be_visible()


def test_without_javascript_the_same_works_and_the_token_is_pasted_again(
    context: BrowserContext, site: str, token_of: Token
) -> None:
    browser = context.browser
    assert browser is not None
    with browser.new_context(base_url=site, java_script_enabled=False) as plain:
        plain.add_cookies(context.cookies())  # type: ignore[arg-type]
        page = plain.new_page()
        open_form(page)
        fill_in(page, token_of("full"))
        page.get_by_role("button", name="Test Connection").click()
        expect(page.get_by_role("heading", name="Connection successful")).to_be_visible()
        expect(page.get_by_text("Paste the token again.")).to_be_visible()
        expect(page.get_by_label("Personal Access Token")).to_have_value("")
        page.get_by_label("Personal Access Token").fill(token_of("full"))
        page.get_by_role("button", name="Connect Azure DevOps").click()
        expect(page.get_by_role("heading", name="Acme main")).to_be_visible()


def test_nothing_typed_is_lost_to_any_mistake(page: Page, sandbox: Sandbox, token_of: Token) -> None:
    page.goto("/code-repositories/add/azure-devops/")
    token, connect = page.get_by_label("Personal Access Token"), page.get_by_role("button", name="Connect Azure DevOps")
    token.fill(token_of("no-build"))
    connect.click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    for words in ("Enter a name.", "Enter the name of your organization", "Choose when it expires."):
        expect(page.get_by_text(words)).to_be_visible()
    assert sandbox.requests == []
    page.get_by_label("Name", exact=True).fill("Acme main")
    expect(page.get_by_text("Enter a name.")).to_be_hidden()
    page.get_by_label("Organization Name").fill("acme/../other")
    page.get_by_label("On a date").check()
    connect.click()
    expect(page.get_by_text("Enter the date on which it expires.")).to_be_visible()
    page.get_by_label("Date", exact=True).fill("2020-01-01")
    connect.click()
    expect(page.get_by_text("leads out of the organization")).to_be_visible()
    expect(page.locator("#id_expires_on_errors li")).to_be_visible()
    page.get_by_label("Organization Name").fill("acme")
    page.get_by_label("60 days").check()
    connect.click()
    expect(page.get_by_role("heading", name="permissions are missing")).to_be_visible()
    connect.click()
    expect(page.get_by_text("Tick the box to use it as Limited")).to_be_visible()
    expect(page.get_by_label("Connect as Limited")).to_be_focused()
    expect(token).to_have_value(token_of("no-build"))
    expect(page.get_by_text("Paste the token again.")).to_be_hidden()
    page.get_by_label("Connect as Limited").check()
    connect.click()
    expect(page.get_by_text("Acme main is now connected to acme.")).to_be_visible()


def test_a_name_that_is_taken_costs_neither_the_token_nor_the_result(
    page: Page, connected: Callable[..., Connection], token_of: Token
) -> None:
    connected("Acme main")
    open_form(page)
    fill_in(page, token_of("full-again"))
    press_test(page)
    page.get_by_role("button", name="Connect Azure DevOps").click()
    expect(page.get_by_text("Another connection already has this name.")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    expect(page.get_by_label("Personal Access Token")).to_have_value(token_of("full-again"))
    expect(page.get_by_role("heading", name="Connection successful")).to_be_visible()


def test_each_choice_of_the_expiry_shows_its_date_and_none_is_preselected(page: Page) -> None:
    open_form(page)
    expect(page.locator("[name=expires]:checked")).to_have_count(0)
    day = timezone.localdate() + timedelta(days=90)
    page.get_by_label(f"90 days: {day:%-d %b %Y}").check()


@pytest.mark.parametrize("has_javascript", [True, False])
def test_a_session_that_ended_costs_only_the_token(
    context: BrowserContext, site: str, maintainer: User, token_of: Token, has_javascript: bool
) -> None:
    assert context.browser is not None
    with context.browser.new_context(
        base_url=site, java_script_enabled=has_javascript, storage_state=context.storage_state()
    ) as window:
        page = window.new_page()
        page.goto("/code-repositories/add/azure-devops/")
        fill_in(page, token_of("full"))
        Session.objects.all().delete()
        page.get_by_role("button", name="Connect Azure DevOps").click()
        expect(page.get_by_text("What you entered is still there, except the token")).to_be_visible()
        maintainer.set_password("a-long-pass-phrase")
        maintainer.save()
        page.get_by_label("Username").fill("maya")
        page.get_by_label("Password").fill("a-long-pass-phrase")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_label("Name", exact=True)).to_have_value("Acme main")
        expect(page.get_by_label("Organization Name")).to_have_value("acme")
        expect(page.get_by_label("90 days")).to_be_checked()
        page.get_by_label("Personal Access Token").fill(token_of("full"))
        page.get_by_role("button", name="Connect Azure DevOps").click()
        expect(page.get_by_text("Acme main is now connected to acme.")).to_be_visible()


def test_messages_describe_their_fields(page: Page) -> None:
    page.goto("/code-repositories/add/azure-devops/")
    organization, missing = page.get_by_label("Organization Name"), re.compile("Enter the name of your organization")
    page.get_by_role("button", name="Test Connection").click()
    # Sent by the server, then by the page itself.
    expect(organization).to_have_accessible_description(missing)
    page.get_by_role("button", name="Connect Azure DevOps").click()
    expect(page.get_by_label("Name", exact=True)).to_have_accessible_description(re.compile("Enter a name"))
    expect(page.get_by_role("group", name="Expires on")).to_have_accessible_description(
        re.compile("Choose when it expires")
    )
    organization.fill("acme")
    expect(organization).not_to_have_accessible_description(missing)
    expect(organization).to_have_accessible_description(re.compile("Its name or any URL"))
