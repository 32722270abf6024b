"""Repositories and their sync by API."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from unittest.mock import Mock, patch

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connections.models import Connection
from core.tasks import BrokerUnavailable
from delivery.models import Repository, SyncState
from tests.api.calls import SITE, Program, pages_of, problem
from tests.api.conftest import EVERYTHING
from tests.factories import ConnectionFactory, make_repositories


@pytest.fixture(autouse=True)
def enqueued() -> Iterator[Mock]:
    with patch("api.v1.repositories.enqueue") as enqueue:
        yield enqueue


@pytest.fixture
def many(db: None) -> Connection:
    return make_repositories(("delta", "Bravo", "alpha", "charlie", "alpha", "echo"))


def names(program: Program, query: str = "") -> list[str]:
    pages = pages_of(program, f"/repositories?{query}")
    return [row["name"] for page in pages for row in page["repositories"]]


@pytest.mark.parametrize("limit", [1, 2, 5, 200])
def test_repositories_come_by_name_in_pages(program: Program, many: Connection, limit: int) -> None:
    assert names(program, f"limit={limit}") == ["alpha", "alpha", "Bravo", "delta", "echo"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ALPHA store", ["alpha", "alpha"]),
        ("q=acme echo", ["echo"]),
        ("q=nothing", []),
        ("state=empty", ["Bravo"]),
        ("state=disabled", ["alpha"]),
        ("state=gone", ["charlie"]),
        ("connection=999", []),
    ],
)
def test_filters_are_those_of_the_page(program: Program, many: Connection, query: str, found: list[str]) -> None:
    assert names(program, query) == found


@pytest.mark.parametrize("query", ["state=x", "connection=0", "connection=x", "sort=size", "limit=0", "cursor=x"])
def test_filters_that_cannot_be(program: Program, many: Connection, query: str) -> None:
    assert program.call("GET", f"/repositories?{query}").status_code == 422


def test_a_repository_is_read(program: Program, many: Connection) -> None:
    row = Repository.objects.get(name="delta")
    shown = program.get(f"/repositories/{row.pk}")
    assert (shown["name"], shown["default_branch"], shown["is_empty"]) == ("delta", "main", False)
    assert shown["project"]["connection"] == {"id": many.pk, "name": "Acme main"}
    assert shown == program.get("/repositories?q=delta")["repositories"][0]
    problem(program.call("GET", "/repositories/999999"), 404, "address_unknown")


def test_a_limited_token_sees_the_repositories_of_its_connections(
    maintainer: User, program_of: Callable[..., Program], many: Connection
) -> None:
    other = ConnectionFactory.create()
    row = Repository.objects.get(name="delta")
    outside = program_of(maintainer, *EVERYTHING, connections=[other.pk])
    assert names(outside) == names(outside, f"connection={many.pk}") == []
    for method, path in (("GET", f"/repositories/{row.pk}"), ("POST", f"/connections/{many.pk}/sync")):
        assert outside.call(method, path).status_code == 404
    assert len(names(program_of(maintainer, *EVERYTHING, connections=[many.pk]))) == 5


def test_a_sync_is_requested_and_followed(program: Program, many: Connection, enqueued: Mock) -> None:
    path = f"/connections/{many.pk}/sync"
    assert (program.get(path)["state"], program.get(path)["started_by"]) == ("waiting", None)
    response = program.call("POST", path)
    assert response.status_code == 202
    shown = response.json()
    assert response.headers["Location"] == shown["url"] == f"{SITE}{path}"
    assert (shown["state"], shown["warnings"], response.headers["Retry-After"]) == ("waiting", [], "5")
    assert shown["started_by"] == "maya, API token “token 0”"
    assert enqueued.called
    state = SyncState.objects.get(connection=many)
    state.started_at = timezone.now()
    state.save()
    assert program.get(path)["state"] == "running"
    later = timezone.now() + timedelta(hours=1)
    SyncState.objects.update(finished_at=timezone.now(), next_at=later, problem="list_incomplete")
    response = program.call("GET", path)
    assert "Retry-After" not in response.headers
    shown = response.json()
    assert (shown["state"], shown["problem"]["code"], shown["repositories"]) == ("finished", "list_incomplete", 5)


def test_a_request_waits_until_the_sync_has_ended(program: Program, many: Connection) -> None:
    path, later = f"/connections/{many.pk}/sync", timezone.now() + timedelta(hours=1)

    def pause(_seconds: float) -> bool:
        SyncState.objects.update(started_at=timezone.now(), finished_at=timezone.now(), next_at=later)
        return False

    with patch("api.waiting.pause", pause):
        assert program.get(f"{path}?wait=30")["state"] == "finished"


def test_a_disabled_connection_is_not_synced(program: Program, many: Connection) -> None:
    Connection.objects.update(disabled=True)
    problem(program.call("POST", f"/connections/{many.pk}/sync"), 409, "connection_disabled")
    assert not SyncState.objects.filter(by_hand=True).exists()


def test_a_sync_without_a_broker_waits_for_the_scheduler(program: Program, many: Connection, enqueued: Mock) -> None:
    enqueued.side_effect = BrokerUnavailable
    shown = program.post(f"/connections/{many.pk}/sync")
    assert [warning["code"] for warning in shown["warnings"]] == ["broker_unavailable"]
