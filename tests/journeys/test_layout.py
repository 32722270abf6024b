"""No page scrolls sideways: at 30 widths from 320 to 2560 px, at 200 % zoom, and with letters twice as large."""

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

import pytest
from csp.constants import SELF
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, Frame, Page
from pytest_django import Settings

from connections.models import Connection
from sandbox.server import Sandbox
from tests.journeys.conftest import sign_in
from tests.journeys.every_page import every_page

WIDTHS = [320, 344, 360, 375, 393, 414, 430, 480, 540, 600, 640, 704, 705, 736, 768, 800, 820, 834, 900, 960]
WIDTHS += [1024, 1100, 1152, 1280, 1366, 1440, 1600, 1920, 2240, 2560]
# Letters twice as large, as browsers set them, where a window of a desktop is at least this wide.
LARGE_LETTERS = [640, 800, 1024, 1280, 1920]
# Code and logs keep their lines as they are, and have a scroll bar of their own.
MEASURE = """() => {
  const name = (element) => element.tagName.toLowerCase() + (element.className ? `.${element.className}` : "");
  const wide = (element) => element.scrollWidth > element.clientWidth + 1;
  const scrolls = (element) => /auto|scroll/.test(getComputedStyle(element).overflowX);
  const sticksOut = (element, edge) => element.getBoundingClientRect().right > edge + 1;
  const cause = (box, edge) => {
    const outside = [...box.querySelectorAll("*")].filter((element) => sticksOut(element, edge));
    return outside.slice(-1).map(name).join() || "text";
  };
  const page = document.documentElement;
  const found = wide(page) ? [`the page, for ${cause(document.body, page.clientWidth)}`] : [];
  for (const box of document.querySelectorAll("main *, header *")) {
    if (!wide(box) || !scrolls(box) || box.matches(".code, .log, textarea")) continue;
    found.push(`${name(box)}, for ${cause(box, box.getBoundingClientRect().right)}`);
  }
  return found;
}"""


# Drawing each width would take most of the time, and what a page is wider than does not depend on it.
MEASURE_ALL = f"""(widths) => {{
  const measure = {MEASURE};
  return widths.map((width) => {{
    frameElement.style.width = `${{width}}px`;
    return [width, measure()];
  }});
}}"""
FRAME = """() => {
  const frame = document.createElement("iframe");
  Object.assign(frame.style, { position: "fixed", inset: 0, height: "900px", border: 0 });
  document.documentElement.replaceChildren(frame);
}"""


@pytest.fixture
def may_be_framed(settings: Settings) -> None:
    """Pages may be in a frame of the product's own, which this test makes as wide as it likes."""
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    of_frames = {"frame-src": [SELF], "frame-ancestors": [SELF]}
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": directives | of_frames}
    settings.X_FRAME_OPTIONS = "SAMEORIGIN"


def window(page: Page) -> Frame:
    """A window in the page whose width changes without a new drawing."""
    page.goto("/sign-in/")
    page.evaluate(FRAME)
    (frame,) = page.main_frame.child_frames
    return frame


def measured(frame: Frame, widths: list[int]) -> dict[str, list[int]]:
    """What scrolls sideways, and at which widths."""
    found: dict[str, list[int]] = defaultdict(list)
    for width, everything in frame.evaluate(MEASURE_ALL, widths):
        for what in everything:
            found[what].append(width)
    return found


def sideways(frame: Frame, address: str) -> list[str]:
    """What scrolls sideways on this page. A zoom of 200 % is half the width at twice the density."""
    frame.goto(address)
    # Parts of some pages come by themselves, right after the page.
    frame.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')")
    found = [f"{address}: {what} at {widths}" for what, widths in measured(frame, WIDTHS).items()]
    frame.evaluate("document.documentElement.style.fontSize = '200%'")
    large = measured(frame, LARGE_LETTERS)
    return found + [f"{address}: {what} with large letters at {widths}" for what, widths in large.items()]


@pytest.mark.usefixtures("may_be_framed")
def test_no_page_scrolls_sideways(
    browser: Browser, site: str, connected: Callable[..., Connection], maintainer: User, sandbox: Sandbox
) -> None:
    assert len(WIDTHS) == 30
    pages = every_page(connected, sandbox)
    # The density of 200 % zoom: each width is measured as a window twice as wide would show it.
    with browser.new_context(base_url=site, device_scale_factor=2) as context:
        frame = window(context.new_page())
        found = sideways(frame, "/sign-in/")
        sign_in(context, site, maintainer)
        for address in pages:
            found += sideways(frame, address)
    assert found == []


def test_a_long_word_widens_no_page(page: Page, connected: Callable[..., Connection]) -> None:
    connection, word = connected(), "W" * 60
    soon = timezone.localdate() + timedelta(days=3)
    Connection.objects.update(name=word, identity_name=word, expires_on=soon)
    page.set_viewport_size({"width": 320, "height": 700})
    here = connection.get_absolute_url()
    wide = {}
    for address in (
        here,
        f"{here}token/updated/",
        f"{here}leaked/",
        f"/search/?q={word}",
        "/code-repositories/rotation/",
    ):
        page.goto(address)
        wide[address] = page.evaluate("document.documentElement.scrollWidth")
    assert set(wide.values()) == {320}, wide
