"""What surrounds every page: menus, the theme, forced colours, the keyboard; and small tools such as copying."""

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from connections.models import Connection
from delivery.models import Repository
from tests.factories import ConnectionFactory
from tests.journeys.conftest import sign_in
from tests.journeys.worker import sync_everything

Connected = Callable[..., Connection]
DARK, LIGHT = "rgb(14, 19, 26)", "rgb(246, 247, 249)"


def expect_background(page: Page, colour: str) -> None:
    expect(page.locator("body")).to_have_css("background-color", colour)


def height_of_header(page: Page) -> float:
    box = page.locator("header").bounding_box()
    assert box
    return box["height"]


def choose_theme(page: Page, theme: str) -> None:
    page.locator("summary:visible", has_text="your account").click()
    page.get_by_role("button", name=theme).click()


def test_the_chosen_theme_is_remembered(context: BrowserContext, page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/account/")
    expect_background(page, LIGHT)
    choose_theme(page, "Dark")
    expect_background(page, DARK)
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    another = context.new_page()
    another.emulate_media(color_scheme="light")
    another.goto("/help/azure-devops/")
    expect_background(another, DARK)
    page.get_by_role("button", name="System").click()
    expect_background(page, LIGHT)
    expect_background(another, LIGHT)


@pytest.mark.parametrize(("scheme", "colour"), [("light", LIGHT), ("dark", DARK)])
def test_without_javascript_pages_follow_the_system(
    browser: Browser, site: str, maintainer: User, scheme: Literal["light", "dark"], colour: str
) -> None:
    with browser.new_context(
        base_url=site,
        java_script_enabled=False,
        color_scheme=scheme,
    ) as context:
        sign_in(context, site, maintainer)
        page = context.new_page()
        page.goto("/account/")
        expect_background(page, colour)
        page.locator("summary:visible", has_text="your account").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        expect(page.get_by_role("button", name="Dark")).to_have_count(0)


def test_forced_colours_show_the_current_tab(browser: Browser, site: str, maintainer: User) -> None:
    with browser.new_context(base_url=site, forced_colors="active") as context:
        sign_in(context, site, maintainer)
        page = context.new_page()
        page.goto("/code-repositories/calendar/")
        for menu in (".nav", ".sections"):
            of_current, of_others = (
                page.locator(f"{menu} a{which}").evaluate_all("all => all.map(a => getComputedStyle(a).outlineStyle)")
                for which in ("[aria-current]", ":not([aria-current])")
            )
            assert of_current == ["solid"], menu
            assert set(of_others) == {"none"}, menu


def test_one_menu_holds_everything_on_a_phone(page: Page, maintainer: User) -> None:
    User.objects.filter(pk=maintainer.pk).update(is_superuser=True)
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto("/code-repositories/")
    assert height_of_header(page) <= 64
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    while not page.evaluate("document.activeElement.matches('summary')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    for name in ("Builds", "Mail delivery", "Your account"):
        expect(page.get_by_role("link", name=name)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Mail delivery")).to_be_hidden()
    expect(page.locator("summary:focus")).to_have_count(1)


def test_a_chart_is_one_stop_with_arrow_keys(page: Page, connected: Connected) -> None:
    today = timezone.localdate()
    connected()
    for days in (4, 20, 60):
        ConnectionFactory(name=f"In {days}", expires_on=today + timedelta(days=days))
    Connection.objects.filter(name="Acme main").update(expires_on=None)
    page.goto("/code-repositories/")
    bars = page.locator("[data-chart] a")
    expect(bars).to_have_count(3)
    assert [bar.get_attribute("tabindex") for bar in bars.all()] == ["0", "-1", "-1"]
    bars.first.focus()
    page.keyboard.press("ArrowRight")
    expect(bars.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(bars.nth(2)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    expect(page.locator("[data-chart] :focus")).to_have_count(0)
    page.keyboard.press("Shift+Tab")
    expect(bars.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**on={today + timedelta(days=20)}*")


def test_a_copied_address_says_so_on_its_button(context: BrowserContext, page: Page, connected: Connected) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    connected(organization="fabrikam")
    sync_everything()
    repository = Repository.objects.get(name="Tailspin")
    page.goto(repository.get_absolute_url())
    button = page.locator("[data-copy='#clone-https']")
    button.click()
    expect(button).to_have_text("Copied the HTTPS address")
    expect(page.locator("#announcer")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == repository.https_url
    expect(button).to_have_text("Copy the HTTPS address")


def test_search_is_reached_within_five_tabs(page: Page, connected: Connected) -> None:
    connected()
    for address in ("/code-repositories/", "/builds/"):
        page.goto(address)
        stops = 0
        while not page.evaluate("document.activeElement.matches('[type=search]')"):
            page.keyboard.press("Tab")
            stops += 1
        assert stops <= 5, address


def test_the_first_connection_is_on_the_first_screen_of_a_phone(page: Page, connected: Connected) -> None:
    connected()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/code-repositories/")
    place = page.get_by_role("link", name="Acme main", exact=True).bounding_box()
    assert place
    assert place["y"] + place["height"] < 844
    assert height_of_header(page) <= 64


@pytest.mark.parametrize(("width", "menu"), [(375, "Menu"), (1440, "your account")])
def test_a_menu_closes_when_the_tab_key_leaves_it(page: Page, width: int, menu: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/code-repositories/")
    opened = page.locator("details.menu[open]")
    page.locator("summary:visible", has_text=menu).press("Enter")
    expect(opened).to_have_count(1)
    page.keyboard.press("Tab")
    expect(opened).to_have_count(1)
    page.get_by_role("button", name="Sign out").filter(visible=True).focus()
    page.keyboard.press("Tab")
    expect(page.locator("main :focus")).to_have_count(1)
    expect(opened).to_have_count(0)
