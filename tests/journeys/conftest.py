"""A real browser: Debian's Chromium, driven by playwright, against the product on loopback."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Condition

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from sandbox.server import Sandbox
from tests.needs import need

# Playwright's own loop makes Django believe that it runs in async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
# Milliseconds. Pages update themselves every few seconds: beside other work the usual five do not suffice.
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)
FLAGS = [
    "--no-sandbox",
    # Nobody looks at the pages. Without these it draws as for a graphics card, in software.
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    for item in items:
        if "journeys" in Path(item.fspath).parts:
            item.add_marker(pytest.mark.browser)
    yield
    # Playwright's loop runs on to the end of the process: tests with a loop of their own come before it.
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, once for all journeys."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    need(found=bool(path), lacking="Chromium", remedy="apt-get install chromium, or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


class _UnderWay:
    """How many requests the product is answering."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._count = 0
        request_started.connect(self._begin)
        request_finished.connect(self._end)

    def _begin(self, **_: object) -> None:
        self._add(1)

    def _end(self, **_: object) -> None:
        self._add(-1)

    def _add(self, change: int) -> None:
        with self._changed:
            self._count += change
            self._changed.notify_all()

    def await_none(self, within: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._count <= 0, within)


@pytest.fixture
def site(live_server: LiveServer, sandbox: Sandbox) -> Iterator[str]:
    """The product's address, connected to a sandbox of its own."""
    under_way = _UnderWay()
    yield str(live_server.url)
    # A page may have been left while it still asked for something, and the database is emptied next.
    under_way.await_none(within=60)


def sign_in(context: BrowserContext, site: str, user: User) -> None:
    """Give the browser a session, as the sign-in page would."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies["sessionid"]
    context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": site}])


@pytest.fixture
def context(browser: Browser, site: str, maintainer: User) -> Iterator[BrowserContext]:
    """A browser window's memory, in which the maintainer is signed in."""
    with browser.new_context(base_url=site, viewport={"width": 1440, "height": 900}) as opened:
        opened.set_default_timeout(PATIENCE)
        sign_in(opened, site, maintainer)
        yield opened


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails the test when the browser reports an error or a breach of the policy."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    yield page
    assert complaints == []
