"""axe-core finds nothing on our own pages, in light and dark, at three widths."""

from collections.abc import Callable
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page

from connections.models import Connection
from sandbox.server import Sandbox
from tests.journeys.conftest import sign_in
from tests.journeys.every_page import every_page

Token = Callable[[str], str]


def complaints(page: Page) -> list[str]:
    # Without the parts of the page that pass, which are most of an answer.
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]


def look(page: Page, address: str) -> list[str]:
    page.goto(address)
    for menu in page.locator("details.menu:visible").all():
        menu.locator("summary").click()
    return [f"{address} {complaint}" for complaint in complaints(page)]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (768, "light"), (320, "light"), (320, "dark")])
def test_no_page_has_a_complaint(
    browser: Browser,
    site: str,
    connected: Callable[..., Connection],
    maintainer: User,
    token_of: Token,
    sandbox: Sandbox,
    scheme: Literal["light", "dark"],
    width: int,
) -> None:
    pages = every_page(connected, sandbox)
    with browser.new_context(
        base_url=site,
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
    ) as context:
        page = context.new_page()
        found = look(page, "/sign-in/")
        sign_in(context, site, maintainer)
        for address in pages:
            found += look(page, address)
        found += results(page, token_of)
    assert found == []


def results(page: Page, token_of: Token) -> list[str]:
    found = []
    for token in ("full", "no-build", "expired"):
        page.goto("/code-repositories/add/azure-devops/")
        page.get_by_label("Organization Name").fill("acme")
        page.get_by_label("Personal Access Token").fill(token_of(token))
        page.get_by_role("button", name="Test Connection").click()
        page.locator("#test-result .report").wait_for()
        found += [f"{token} {complaint}" for complaint in complaints(page)]
    return found
