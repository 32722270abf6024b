"""The search for tokens finds them, in every place."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.cache import caches
from django.test import Client

from orchestrator.celery import app
from sandbox.server import Sandbox
from tests.everything import tasks
from tests.factories import make_person
from tests.leaks import everywhere, hits, traces

Token = Callable[[str], str]


def test_the_search_would_find_a_planted_token(token_of: Token) -> None:
    secret = token_of("full")
    header = b"Authorization: Basic " + base64.b64encode(b":" + secret.encode())
    assert any(trace in header for trace in traces(secret))
    assert any(trace in secret.encode() for trace in traces(secret))


@pytest.mark.parametrize("place", ["database", "caches", "broker", "sessions"])
def test_the_search_looks_into_every_place(
    root: Client,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    place: str,
) -> None:
    if place == "database":
        make_person("planted", first_name=secrets["full"][:60])
    elif place == "caches":
        caches["azure_devops"].set("x", {"token": secrets["full"]})
    elif place == "broker":
        assert "connections.tasks.audit_due" in tasks()
        # Past the check of arguments, which would refuse it.
        app.send_task("connections.tasks.audit_due", kwargs={"token": secrets["full"]})
    else:
        session = root.session
        session["token"] = secrets["full"]
        session.save()
    assert (place, "full") in hits(secrets, everywhere([], log, sandbox, capfd))
