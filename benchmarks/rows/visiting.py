"""Row 9: the first visit in Chromium, with the files as production serves them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, Response, sync_playwright

from benchmarks.data import make_connections
from benchmarks.place import ROOT
from benchmarks.result import Measured
from orchestrator.free_ports import free_near

FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run"]
# Sums up what moves after it was drawn, as the browser itself counts it.
SHIFTS = (
    "new PerformanceObserver(list => list.getEntries().forEach(one => window.shift = (window.shift || 0) + one.value))"
)
WATCH = f"{SHIFTS}.observe({{type: 'layout-shift', buffered: true}})"


def measure(*, short: bool) -> Iterator[Measured]:
    """One page of connections, an empty cache, nothing else."""
    make_connections(25, ending_within=90)
    # Playwright's own loop makes Django believe that it runs in async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with _web() as url, sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        sizes, hosts, shift, lasting = _visit(browser, url)
        browser.close()
    facts: dict[str, float | int | str] = {name: round(size / 1024, 1) for name, size in sizes.items()}
    work = "first visit of Code Repositories"
    yield Measured(9, f"{work}: compressed bytes", "", sum(sizes.values()) / 1024, 60.0, unit="KB", facts=facts)
    yield Measured(9, f"{work}: requests", "", len(sizes), 6, unit="requests")
    yield Measured(9, f"{work}: other hosts asked", "", len(hosts - {urlsplit(url).hostname}), 0, unit="hosts")
    yield Measured(9, f"{work}: layout shift", "", shift, 0.0, unit="score")
    yield Measured(9, f"{work}: files that a browser may not keep for ever", "", lasting, 0, unit="files")


def _visit(browser: Browser, url: str) -> tuple[dict[str, int], set[str | None], float, int]:
    signed_in = Client()
    signed_in.force_login(User.objects.create_superuser("bench"))
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    session = signed_in.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.add_init_script(WATCH)
    page.goto(f"{url}/code-repositories/", wait_until="networkidle")
    return _sizes(answers), {urlsplit(answer.url).hostname for answer in answers}, _shift(page), _short_lived(answers)


def _sizes(answers: list[Response]) -> dict[str, int]:
    found = {}
    for answer in answers:
        sizes = answer.request.sizes()
        found[urlsplit(answer.url).path.rsplit("/", 1)[-1] or "page"] = sizes["responseBodySize"]
    return found


def _shift(page: Page) -> float:
    return float(page.evaluate("window.shift || 0"))


def _short_lived(answers: list[Response]) -> int:
    files = [answer for answer in answers if "/static/" in answer.url]
    return sum("immutable" not in file.headers.get("cache-control", "") for file in files)


@contextmanager
def _web() -> Iterator[str]:
    environment = os.environ | {"STATIC_MANIFEST": "true"}
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(collect, cwd=ROOT, env=environment, check=True)
    port = free_near(8750)
    bind = ["--config", "python:orchestrator.gunicorn", "--bind", f"127.0.0.1:{port}"]
    command = [sys.executable, "-m", "gunicorn", "orchestrator.wsgi", *bind]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            _await(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _await(port: int) -> None:
    deadline = monotonic() + 30
    while True:
        try:
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10).raise_for_status()
            return
        except requests.ConnectionError:
            assert monotonic() < deadline, "The web did not answer."
            sleep(0.05)
