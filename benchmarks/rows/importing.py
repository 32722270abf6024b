"""Row 8: importing ten thousand repositories in a hundred projects."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from time import process_time

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection as database
from django.utils import timezone

from benchmarks.place import cpu_seconds, peak_memory, sandbox
from benchmarks.result import Measured, seconds
from connections import clients
from connections.actions.connect import ConnectRequest, connect
from connections.actions.verify_credential import Credentials
from connections.models import Connection
from connections.providers.azure_devops import git
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.identifiers import parse_organization
from delivery.models import Repository, SyncState
from delivery.sync import sync
from history.record import Actor
from sandbox.samples import SAMPLES

# Seconds that an answer of Azure DevOps takes from a machine in the same part of the world.
FAR = 0.05
SECRET = next(sample.secret for sample in SAMPLES if sample.name == "full")


def measure(*, short: bool) -> Iterator[Measured]:
    """The same lists are fetched and thrown away for the floor, by the product's own client.

    Once from a sandbox that answers at once, where only the processor counts, and once from afar, as Azure DevOps is.
    """
    for latency in (0.0, 0.005 if short else FAR):
        yield from _measure(latency, short=short)


def _measure(latency: float, *, short: bool) -> Iterator[Measured]:
    projects, repositories, times = (10, 10, 1) if short else (100, 100, 3)
    scale = ("--organizations", "1", "--projects", str(projects), "--repositories", str(repositories))
    with sandbox("--latency", str(latency), *scale) as (url, pid):
        settings.AZURE_DEVOPS_SERVERS = f"Sandbox={url} kind=sandbox"
        connection = _connected(f"{latency:g} s away")
        busy = cpu_seconds(pid)
        fetch = _quickest(lambda: _fetch(connection), times)
        before = peak_memory()
        first = _quickest(lambda: _refresh(connection), times, before=connection.projects.all().delete)
        grown = peak_memory() - before
        again = _quickest(lambda: _refresh(connection), times)
        busy = cpu_seconds(pid) - busy
    count = Repository.objects.filter(project__connection=connection).count()
    work = f"importing {count:,} repositories over {projects} projects, {1000 * latency:g} ms an answer"
    facts = {"MB added at the peak": grown, "sandbox's processor time": busy}
    for found, when, goal in zip((first, again), ("the first time", "again"), _goals(latency), strict=True):
        took = {"fetching": fetch.seconds, "importing": found.seconds, "processor time": found.busy / fetch.busy}
        ratio = found.seconds / fetch.seconds
        yield Measured(8, f"{work}, {when}", "fetching and throwing away", ratio, goal, facts={**took, **facts})


def _goals(latency: float) -> tuple[float, float]:
    """For the first import and the next. From afar, waiting hides the work."""
    if latency:
        return 1.5, 1.5
    return (2.0, 1.4) if database.vendor == "postgresql" else (1.5, 1.35)


@dataclass(frozen=True, slots=True)
class _Taken:
    """Seconds of the clock on the wall, and of processor time of this process."""

    seconds: float
    busy: float


def _quickest(work: Callable[[], object], times: int, *, before: Callable[[], object] = bool) -> _Taken:
    """The least of each; `before` is not measured."""
    taken = []
    for _ in range(times):
        before()
        busy = process_time()
        taken.append((seconds(work), process_time() - busy))
    return _Taken(*map(min, zip(*taken, strict=True)))


def _connected(name: str) -> Connection:
    owner = User.objects.get_or_create(username="bench")[0]
    server = clients.servers()[0]
    credentials = Credentials(server, parse_organization("bench-000", server), PersonalAccessToken(SECRET))
    wishes = ConnectRequest(
        name=name, expires_on=timezone.localdate() + timedelta(days=60), token_reach="one", accept_limited=True
    )
    return connect(credentials, wishes, owner=owner, by=Actor("bench", owner.pk), now=timezone.now())


def _fetch(connection: Connection) -> None:
    server = clients.server(connection.server)
    with clients.azure_devops(server, connection.organization, PersonalAccessToken(SECRET), seconds=60) as client:
        for page in client.projects():
            for project in page.items:
                git.repositories(client.transport, project.id, max_bytes=settings.REPOSITORY_LIST_MAX_BYTES)


def _refresh(connection: Connection) -> None:
    SyncState.objects.filter(connection=connection).update(next_at=timezone.now(), leased_until=None)
    (claim,) = sync.claim_due(now=timezone.now())
    sync.sync(claim, clock=timezone.now)
