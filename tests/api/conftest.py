"""Programs with tokens, people to whom these belong, and what was read of an organization."""

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.utils import timezone

from api.scopes import SCOPES
from connections.models import AuditRun, Connection, Mail
from core.database_time import database_now
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import Pipeline, Project, ReleasePipeline, Repository, SyncState
from delivery.sync import sync
from tests.api.calls import Program
from tests.factories import ConnectionFactory, make_entry, make_leak, make_token

EVERYTHING = tuple(scope.permission for scope in SCOPES)


@pytest.fixture(autouse=True)
def _fresh_caches() -> None:
    for name in caches:
        caches[name].clear()


@pytest.fixture
def program(maintainer: User) -> Program:
    """A program whose token carries everything that a token can."""
    return Program(make_token(maintainer, *EVERYTHING)[1])


@pytest.fixture
def program_of() -> Callable[..., Program]:
    """`program_of(user, "connections.view_connection", connections=[1])`."""

    def make(owner: User, *permissions: str, **more: object) -> Program:
        return Program(make_token(owner, *permissions, **more)[1])  # type: ignore[arg-type]

    return make


@pytest.fixture
def ids(db: None) -> dict[str, int]:
    """An existing row for each parameter of a path, by its name, for tests of every operation.

    The connection's server is gone.
    """
    audit = AuditRun.objects.create(started_at=timezone.now(), started_by="x", by_hand=True)
    return delivered(ConnectionFactory.create(server="Gone")) | {"audit_id": audit.pk}


def delivered(connection: Connection) -> dict[str, int]:
    """The same for things that this connection leads to."""
    now = timezone.now()
    project = Project.objects.create(connection=connection, azure_id="p", name="Store", seen_at=now)
    repository = Repository.objects.create(project=project, azure_id="r", name="shop", added_at=now)
    pipeline = Pipeline.objects.create(project=project, azure_id=1, name="CI", seen_at=now)
    release_pipeline = ReleasePipeline.objects.create(project=project, azure_id=1, name="Deploy", seen_at=now)
    return {
        "connection_id": connection.pk,
        "repository_id": repository.pk,
        "pipeline_id": pipeline.pk,
        "build_id": 1,
        "log_id": 1,
        "release_pipeline_id": release_pipeline.pk,
        "release_id": 1,
        "stage_id": 1,
        "approval_id": 1,
        "mail_id": make_mail().pk,
        "entry_id": make_entry().pk,
        "leak_id": make_leak(connection).pk,
    }


def make_mail(**more: Any) -> Mail:
    """A mail that is due."""
    now, number = timezone.now(), Mail.objects.count()
    texts = {"kind": "reminder", "recipient": "ann@example.com", "subject": f"Mail {number}", "text": "the text"}
    return Mail.objects.create(
        **texts | {"message_id": f"<{number}@example.com>", "created_at": now, "due_at": now} | more
    )


@pytest.fixture
def ci(connected: Callable[..., Connection]) -> Iterator[Pipeline]:
    """A pipeline whose builds succeed, of an organization whose repositories, pipelines and releases were read."""
    connection = connected(organization="fabrikam")
    SyncState.objects.filter(connection=connection).update(next_at=database_now())
    for claim in sync.claim_due(now=database_now()):
        sync.sync(claim, clock=database_now)
    for batch in polling.claim_due(now=database_now()):
        polling.poll(batch, READERS, clock=database_now)
    with patch("delivery.live_views.enqueue"):
        yield Pipeline.objects.select_related("project__connection").get(name="Tailspin CI")
