"""A ring names a task that there is, says when nobody hears, and Celery is loaded by whoever rings first."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from kombu.exceptions import OperationalError

from orchestrator.celery import app
from orchestrator.ringing import NobodyHears, ring

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("connections", "delivery", "history", "people", "throttling")


def rung() -> Iterator[str]:
    """The name in every call of `ring` in the product."""
    for path in (file for folder in APPS for file in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            # A ring of keys has no name.
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "ring" and node.args:
                assert isinstance(node.args[0], ast.Constant)
                yield str(node.args[0].value)


def test_every_name_that_is_rung_is_a_task() -> None:
    app.loader.import_default_modules()
    names = set(rung())
    assert len(names) > 3
    assert names <= set(app.tasks)


def test_a_broker_that_is_away_is_told_in_our_own_words() -> None:
    with patch.object(app, "send_task", side_effect=OperationalError("away")), pytest.raises(NobodyHears):
        ring("connections.tasks.audit_due")


def test_pages_are_there_before_celery_is_loaded() -> None:
    listed = "import sys, orchestrator.wsgi; print({'celery', 'kombu', 'connections.urls'} & set(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", listed],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "{'connections.urls'}\n"
