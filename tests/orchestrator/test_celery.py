"""Tasks use the connection to the database that their thread has, until Django would close it."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from celery.app.trace import trace_task
from celery.fixups.django import DjangoFixup
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from orchestrator.celery import app


@pytest.fixture
def database(tmp_path: Path, django_db_blocker: Any) -> Iterator[BaseDatabaseWrapper]:
    """An open connection to a file. The one of the tests is in a transaction, or in memory, and never closed."""
    like = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "db.sqlite3", "OPTIONS": {}}
    connections.settings["file"] = connections.settings["default"] | like
    with django_db_blocker.unblock():
        connections["file"].ensure_connection()
        yield connections["file"]
        connections["file"].close()
    del connections["file"], connections.settings["file"]


@pytest.fixture
def fixup() -> Any:
    """What Celery does in a worker around each task."""
    return DjangoFixup(app).worker_fixup.install()


def run_a_task(*, is_eager: bool = False) -> None:
    task_id = str(uuid4())
    request = {"id": task_id, "is_eager": is_eager}
    trace_task(app.tasks["celery.accumulate"], task_id, (), {}, request, app=app)


def test_a_connection_stays_open_for_the_next_task(database: BaseDatabaseWrapper, fixup: Any) -> None:
    opened = database.connection
    run_a_task()
    assert database.connection is opened


def test_an_old_connection_is_closed(database: BaseDatabaseWrapper, fixup: Any) -> None:
    database.close_at = monotonic() - 1
    run_a_task()
    assert database.connection is None


def test_a_broken_connection_is_closed(
    database: BaseDatabaseWrapper, fixup: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.errors_occurred = True
    monkeypatch.setattr(database, "is_usable", lambda: False)
    run_a_task()
    assert database.connection is None


def test_a_task_that_is_called_in_place_leaves_the_callers_connection(
    database: BaseDatabaseWrapper, fixup: Any
) -> None:
    database.close_at = monotonic() - 1
    run_a_task(is_eager=True)
    assert database.connection is not None
