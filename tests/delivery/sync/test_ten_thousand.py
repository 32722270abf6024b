"""Ten thousand repositories over a hundred projects come in, and cost a page no more than a few."""

from collections.abc import Callable

from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connections.models import Connection
from delivery.models import Project, Repository, SyncState
from sandbox.scale import Scale, add_benchmark
from sandbox.server import Sandbox


def test_ten_thousand_repositories_over_a_hundred_projects(
    pages: Client,
    sandbox: Sandbox,
    connected: Callable[..., Connection],
    bring_in: Callable[[Connection], SyncState],
) -> None:
    add_benchmark(sandbox.state, Scale(organizations=1, projects=100, repositories=100))
    with CaptureQueriesContext(database) as queries:
        sync_state = bring_in(connected(organization="bench-000"))
    assert (sync_state.done, sync_state.problem) == (100, "")
    assert (Project.objects.count(), Repository.objects.count()) == (100, 10_000)
    assert len(queries) < 100 * 10
    with CaptureQueriesContext(database) as queries:
        page = pages.get("/repositories/?page=200").context["page"]
    assert (page.number, page.paginator.count) == (200, 10_000)
    assert len(queries) < 12
