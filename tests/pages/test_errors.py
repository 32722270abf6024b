"""Our own error pages: the product's look, an id that finds the log line, and a part for a part of a page."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError, InternalError, OperationalError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from core.database_errors import DatabaseProblem, database_problem
from core.request_id import HEADER
from sandbox.server import Sandbox
from throttling.rate_limits import Rate, TooMany

ROOT = Path(__file__).resolve().parents[2]
HTMX = {"HX-Request": "true", "HX-Target": "test-result"}
Answer = Any


@pytest.fixture
def forgiving(pages: Client) -> Client:
    """A browser that shows an error instead of raising it."""
    pages.raise_request_exception = False
    return pages


def instead(error: Exception) -> Any:
    """The help page raises."""
    return patch("connections.views.guide.guide_context", side_effect=error)


def ask(browser: Client, **more: Any) -> Answer:
    return browser.get(reverse("connections:guide"), **more)


def is_ours(answer: Answer, status: int, title: str) -> None:
    page = answer.content.decode()
    assert answer.status_code == status
    assert f"<h1>{title}</h1>" in page
    assert "MFE Orchestrator" in page
    assert f"Request ID: <code>{answer.headers[HEADER]}</code>" in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "style=" not in page


def test_400(forgiving: Client, sandbox: Sandbox) -> None:
    with instead(SuspiciousOperation("odd")):
        is_ours(ask(forgiving), 400, "Invalid request")


def test_400_for_another_host_name(client: Client, db: None) -> None:
    client.raise_request_exception = False
    is_ours(client.get("/", headers={"host": "evil.example.com"}), 400, "Unknown host name")


def test_403(client: Client, person: Callable[..., User]) -> None:
    client.force_login(person("nobody"))
    answer = client.get(reverse("connections:list"))
    is_ours(answer, 403, "You don&#x27;t have permission")
    assert reverse("people:account") in answer.content.decode()


def test_403_for_a_form_that_this_site_did_not_make(person: Callable[..., User]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person("ann"))
    is_ours(browser.post(reverse("people:sign-out-elsewhere")), 403, "The page was open too long")


def test_404(pages: Client) -> None:
    is_ours(pages.get("/nowhere/"), 404, "Not found")


def test_404_for_a_stranger_tells_nothing_of_the_menu(client: Client, db: None) -> None:
    answer = client.get("/nowhere/")
    is_ours(answer, 404, "Not found")
    assert "<nav" not in answer.content.decode()


def test_405(pages: Client) -> None:
    answer = pages.get(reverse("connections:test-new"))
    is_ours(answer, 405, "This request is not supported")
    assert answer.headers["Allow"] == "POST"
    is_ours(pages.put("/"), 405, "This request is not supported")


def test_413(forgiving: Client, settings: Settings, sandbox: Sandbox) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = forgiving.post(reverse("connections:add-azure-devops"), {"name": "x" * 2000})
    is_ours(answer, 413, "Too much data")


def test_429_says_when_to_try_again(forgiving: Client, sandbox: Sandbox) -> None:
    with instead(TooMany(Rate("x", 1, timedelta(minutes=1)), timedelta(seconds=41.2))):
        answer = ask(forgiving)
    is_ours(answer, 429, "Too many requests")
    assert "Try again in 42 seconds." in answer.content.decode()
    assert answer.headers["Retry-After"] == "42"


def test_500(forgiving: Client, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    with instead(RuntimeError("broken")):
        answer = ask(forgiving)
    is_ours(answer, 500, "Something went wrong")
    assert "broken" not in answer.content.decode()
    assert "RuntimeError: broken" in caplog.text


@pytest.mark.parametrize(
    ("words", "status"),
    [("database is locked", 503), ("unable to open database file", 503), ("no such table: x", 500)],
)
def test_only_a_database_that_is_away_is_a_503(forgiving: Client, sandbox: Sandbox, words: str, status: int) -> None:
    error = OperationalError(words)
    error.__cause__ = sqlite3.OperationalError(words)
    with instead(error):
        assert ask(forgiving).status_code == status


@pytest.mark.parametrize(
    ("error", "cause", "trouble"),
    [
        (OperationalError, psycopg.errors.DiskFull, DatabaseProblem.FULL),
        (InternalError, psycopg.errors.ReadOnlySqlTransaction, DatabaseProblem.READ_ONLY),
        (OperationalError, psycopg.errors.LockNotAvailable, DatabaseProblem.BUSY),
        (OperationalError, psycopg.errors.DeadlockDetected, DatabaseProblem.BUSY),
        (OperationalError, psycopg.errors.AdminShutdown, DatabaseProblem.AWAY),
        (InternalError, psycopg.errors.InFailedSqlTransaction, None),
    ],
)
def test_troubles_of_postgresql_are_told_apart(
    error: type[DatabaseError], cause: type[psycopg.Error], trouble: DatabaseProblem | None
) -> None:
    raised = error("x")
    raised.__cause__ = cause("x")
    assert database_problem(raised) is trouble


ASK = """
from django.test import Client
browser = Client(raise_request_exception=False)
browser.cookies["sessionid"] = "x" * 32
answer = browser.get("/account/", headers={"host": "localhost"})
print(answer.status_code, answer.headers.get("Retry-After"), answer.content.decode())
"""


def asked_with(url: str) -> str:
    ours = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings", "LOG_LEVEL": "CRITICAL"}
    command = [sys.executable, "-W", "ignore", "manage.py", "shell", "--verbosity", "0", "--command", ASK]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | ours, capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_503_when_postgresql_is_away() -> None:
    page = asked_with("postgres://nobody@127.0.0.1:9/nothing")
    assert page.startswith("503 30 ")
    assert "<h1>The database is not responding</h1>" in page
    assert re.search(r"Request ID: <code>[0-9a-f-]{36}</code>", page)


def test_503_when_sqlite_cannot_be_opened(tmp_path: Path) -> None:
    assert asked_with(f"sqlite:///{tmp_path}/nowhere/db.sqlite3").startswith("503 30 ")


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (RuntimeError("broken"), 500, "Something went wrong"),
        (TooMany(Rate("x", 1, timedelta(minutes=1)), timedelta(seconds=5)), 429, "Too many requests"),
    ],
)
def test_a_part_of_a_page_gets_the_error_where_its_result_would_stand(
    forgiving: Client, sandbox: Sandbox, error: Exception, status: int, title: str
) -> None:
    with instead(error):
        answer = ask(forgiving, headers=HTMX)
    part = answer.content.decode()
    assert answer.status_code == status
    assert part.startswith('<div id="test-result"')
    assert title in part
    assert "<html" not in part
    assert answer.headers["HX-Retarget"] == answer.headers["HX-Reselect"] == "#test-result"
    assert answer.headers[HEADER] in part


@pytest.mark.parametrize("target", ["main", "", '"><script>', "x" * 100])
def test_a_part_without_a_usable_place_takes_the_main_one(forgiving: Client, sandbox: Sandbox, target: str) -> None:
    with instead(RuntimeError("broken")):
        answer = ask(forgiving, headers=HTMX | {"HX-Target": target})
    assert answer.content.decode().startswith('<main id="main"')


def test_a_part_that_needs_a_sign_in_leads_the_whole_browser_there(client: Client, db: None) -> None:
    headers = HTMX | {"HX-Current-URL": "http://testserver/code-repositories/7/?x=1"}
    answer = client.post("/code-repositories/7/test/", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["HX-Redirect"] == "/sign-in/?next=%2Fcode-repositories%2F7%2F%3Fx%3D1&ended=lost"


def test_the_page_for_a_fault_asks_no_database(
    forgiving: Client, sandbox: Sandbox, django_assert_num_queries: Any
) -> None:
    ask(forgiving)
    with instead(RuntimeError("broken")), django_assert_num_queries(2):
        # The session and the person, before the fault; none for the page.
        ask(forgiving)
