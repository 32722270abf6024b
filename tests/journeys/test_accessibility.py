"""axe-core finds nothing on our own pages, in light and dark, at three widths."""

from collections.abc import Callable
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page

from connections.models import Connection
from sandbox.server import Sandbox
from tests.journeys.conftest import sign_in
from tests.journeys.every_page import every_page

Scheme = Literal["light", "dark"]
# Without the parts of a page that pass, which are most of an answer.
ALL_RULES: dict[str, Any] = {"resultTypes": ["violations"]}
# A page in dark has other colours than in light and is the same otherwise: `light-dark()` can only give colours.
COLOUR_RULES = ALL_RULES | {"runOnly": ["color-contrast", "link-in-text-block"]}
# How each page is looked at, once it is there.
LOOKS: list[tuple[int, Scheme, dict[str, Any]]] = [
    (1280, "dark", ALL_RULES),
    (768, "light", ALL_RULES),
    (320, "light", ALL_RULES),
    (320, "dark", COLOUR_RULES),
]
RUN = "rules => axe.run(rules).then(found => found.violations)"
# Each menu is clicked where nothing else covers it. A click of the driver would wait for two drawings of the page.
OPEN_MENUS = """() => {
  for (const menu of [...document.querySelectorAll("details.menu")].filter((menu) => menu.checkVisibility())) {
    const summary = menu.querySelector("summary");
    summary.scrollIntoView({ block: "nearest" });
    const { x, y, width, height } = summary.getBoundingClientRect();
    const hit = document.elementFromPoint(x + width / 2, y + height / 2);
    if (!summary.contains(hit)) throw new Error(`${hit?.outerHTML} covers the menu ${summary.textContent}`);
    summary.click();
    if (!menu.open) throw new Error(`The menu ${summary.textContent} did not open`);
  }
}"""


def complaints(page: Page, rules: dict[str, Any] = ALL_RULES) -> list[str]:
    """What axe-core finds on the page as it is."""
    if page.evaluate("!window.axe"):
        page.evaluate(AXE_SCRIPT)
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in page.evaluate(RUN, rules)]


def from_all_sides(page: Page, place: str) -> list[str]:
    """What it finds on the page in each width and scheme."""
    found = []
    for width, scheme, rules in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        open_menus(page)
        found += [f"{place}, {width} px, {scheme}: {complaint}" for complaint in complaints(page, rules)]
    return found


def open_menus(page: Page) -> None:
    """Those of this width, one after the other; the others are closed."""
    page.keyboard.press("Escape")
    page.evaluate(OPEN_MENUS)


def look(page: Page, address: str) -> list[str]:
    """What it finds at an address, in the width and scheme of the window."""
    page.goto(address)
    open_menus(page)
    return [f"{address} {complaint}" for complaint in complaints(page)]


def test_no_page_has_a_complaint(
    browser: Browser,
    site: str,
    connected: Callable[..., Connection],
    maintainer: User,
    token_of: Callable[[str], str],
    sandbox: Sandbox,
) -> None:
    pages = every_page(connected, sandbox)
    with browser.new_context(base_url=site) as context:
        page = context.new_page()
        page.goto("/sign-in/")
        found = from_all_sides(page, "/sign-in/")
        sign_in(context, site, maintainer)
        for address in pages:
            page.goto(address)
            found += from_all_sides(page, address)
        found += results(page, token_of)
    assert found == []


def results(page: Page, token_of: Callable[[str], str]) -> list[str]:
    found = []
    for token in ("full", "no-build", "expired"):
        page.goto("/code-repositories/add/azure-devops/")
        page.get_by_label("Organization Name").fill("acme")
        page.get_by_label("Personal Access Token").fill(token_of(token))
        page.get_by_role("button", name="Test Connection").click()
        page.locator("#test-result .report").wait_for()
        found += from_all_sides(page, token)
    return found
