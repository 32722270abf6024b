"""Programs with tokens, and people to whom these belong."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.utils import timezone

from api.scopes import SCOPES
from connections.models import AuditRun
from tests.api.calls import Program
from tests.factories import ConnectionFactory, make_token

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
    return {
        "connection_id": ConnectionFactory.create(server="Gone").pk,
        "audit_id": AuditRun.objects.create(started_at=timezone.now(), started_by="x", by_hand=True).pk,
    }
