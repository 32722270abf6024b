"""Audits for benchmarks: connections that can really be audited, and the product's own workers and scheduler."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import requests
from celery import Celery
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from benchmarks.place import ROOT
from connections import clients
from connections.actions import audit_runs
from connections.models import AuditRun, CapabilityState, Connection, StoredCredential
from connections.providers.azure_devops.capabilities import CAPABILITIES
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.capability import Verdict
from delivery.models import SyncState
from history.record import Actor
from orchestrator import celery_settings, embedded_broker
from orchestrator.supervisor import process_specs
from orchestrator.supervisor.process_specs import ProcessSpec
from sandbox.samples import secret
from sandbox.scale import bench_name

AskedFor = tuple[str, str, str]
PATIENCE = 3600.0
NO_PACE = {"AUDITS_PER_ORGANIZATION": "1000", "AUDITS_PER_PERSON": "1000"}


@contextmanager
def running_broker() -> Iterator[str]:
    """The broker of `make run`, in a folder of its own: its URL."""
    with tempfile.TemporaryDirectory(prefix="bench-broker-") as folder, ExitStack() as stack:
        command, url = embedded_broker.command(Path(folder)), embedded_broker.url(Path(folder))
        stack.enter_context(process(process_specs.broker(os.environ, command)))
        wait_until(lambda: embedded_broker.answers(url))
        yield url


@contextmanager
def process(service: ProcessSpec) -> Iterator[int]:
    """Run one of the product's processes during the block; its process id."""
    nothing = subprocess.DEVNULL
    started = subprocess.Popen(
        service.command,
        cwd=ROOT,
        env=dict(service.environment),
        stdin=nothing,
        stdout=nothing,
        pass_fds=service.open_files,
    )
    try:
        yield started.pid
    finally:
        started.terminate()
        try:
            started.wait(timeout=20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@contextmanager
def team(broker_url: str, azure_url: str, *, width: int, workers: int = 1, paced: bool = True) -> Iterator[list[int]]:
    """Run workers with `width` audits at once each, and a scheduler; the workers' process ids."""
    environment = {
        **os.environ,
        "REDIS_URL": broker_url,
        "AZURE_DEVOPS_SERVERS": f"Sandbox={azure_url} kind=sandbox",
        "WORKER_THREADS": str(width + 2),
        "AUDITS_AT_ONCE": str(width * workers),
        **({} if paced else NO_PACE),
    }
    with ExitStack() as stack:
        pids = [stack.enter_context(process(_worker(environment, number))) for number in range(workers)]
        app = Celery(broker=broker_url)
        # The workers' keys begin with a prefix of our own.
        app.conf.broker_transport_options = celery_settings.SETTINGS["CELERY_BROKER_TRANSPORT_OPTIONS"]
        wait_until(lambda: len(app.control.ping(timeout=1.0) or ()) >= workers)
        stack.enter_context(process(process_specs.beat(environment)))
        yield pids


def _worker(environment: Mapping[str, str], number: int) -> ProcessSpec:
    service = process_specs.worker(environment, int(environment["WORKER_THREADS"]))
    return ProcessSpec("worker", (*service.command, "--hostname", f"worker-{number}@benchmark"), service.environment)


def audit_all(azure_url: str) -> tuple[float, int]:
    """Duration in seconds and number of requests of a run over all connections, from its first request."""
    # Wait until audits that the scheduler started before have finished.
    before = settled(azure_url)
    run = audit_runs.start_by_hand(by=Actor("bench"), now=timezone.now())
    wait_until(lambda: answered(azure_url) > before, every=0.01)
    begun = perf_counter()
    wait_until(lambda: AuditRun.objects.filter(pk=run.pk).exclude(finished_at=None).exists(), every=0.1)
    return perf_counter() - begun, answered(azure_url) - before


def settled(azure_url: str) -> int:
    """The number of answered requests, once it no longer grows."""
    while True:
        before = answered(azure_url)
        sleep(1.5)
        if answered(azure_url) == before:
            return before


def answered(azure_url: str) -> int:
    """How many requests the sandbox has answered."""
    return int(requests.get(f"{azure_url}/_sandbox/", timeout=30).json()["answered"])


def log_of(azure_url: str) -> list[dict[str, Any]]:
    """The requests that the sandbox still remembers."""
    found: list[dict[str, Any]] = requests.get(f"{azure_url}/_sandbox/requests", timeout=30).json()
    return found


def requests_of_one(azure_url: str) -> list[AskedFor]:
    """The method, path and query of each request of an audit, in its order."""
    before, name = answered(azure_url), bench_name(0)
    clients.check_sequentially(clients.servers()[0], name, PersonalAccessToken(secret(name)))
    asked = answered(azure_url) - before
    return [(request["method"], request["path"], request["query"]) for request in log_of(azure_url)[-asked:]]


def wait_until(look: Callable[[], object], *, every: float = 0.05) -> None:
    """Wait until the condition is true. Raises `TimeoutError` after an hour."""
    ends = perf_counter() + PATIENCE
    while not look():
        if perf_counter() > ends:
            raise TimeoutError
        sleep(every)


def make_auditable(azure_url: str, count: int, *, organizations: int) -> None:
    """Healthy connections whose tokens open the sandbox's organizations; each organization is one person's."""
    settings.AZURE_DEVOPS_SERVERS = f"Sandbox={azure_url} kind=sandbox"
    owner = User.objects.get_or_create(username="owner")[0]
    first = Connection.objects.count()
    with ThreadPoolExecutor(16) as pool:
        models = list(pool.map(_model, range(organizations)))
    for model in models:
        model.owner = owner
    made = [_copy(models[number % organizations], number) for number in range(first, first + count)]
    Connection.objects.bulk_create(made, batch_size=500)
    StoredCredential.objects.bulk_create([_token(connection) for connection in made], batch_size=500)
    CapabilityState.objects.bulk_create((state for connection in made for state in _states(connection)), batch_size=500)
    # The next syncs are due only in hours, so that nothing but audits is running.
    later = timezone.now() + timedelta(hours=6)
    SyncState.objects.bulk_create(
        (SyncState(connection=connection, next_at=later) for connection in made), batch_size=500
    )


def _model(number: int) -> Connection:
    server, name = clients.servers()[0], bench_name(number)
    with clients.azure_devops(server, name, PersonalAccessToken(secret(name)), seconds=60) as client:
        found = client.connection_data()
    return Connection(
        server=server.name,
        organization=name,
        organization_id=found.organization_id,
        identity_id=found.identity.id,
        identity_name=found.identity.display_name,
    )


def _copy(model: Connection, number: int) -> Connection:
    now = timezone.now()
    return Connection(
        name=f"Audited {number}",
        server=model.server,
        organization=model.organization,
        organization_id=model.organization_id,
        identity_id=model.identity_id,
        identity_name=model.identity_name,
        owner=model.owner,
        all_projects=True,
        health="healthy",
        notified_health="healthy",
        health_since=now,
        token_set_at=now - timedelta(days=40),
        expires_on=timezone.localdate() + timedelta(days=80),
        created_at=now,
        next_check_at=now + timedelta(hours=6),
    )


def _token(connection: Connection) -> StoredCredential:
    stored = StoredCredential(connection=connection)
    stored.seal(PersonalAccessToken(secret(connection.organization)))
    return stored


def _states(connection: Connection) -> Iterator[CapabilityState]:
    now = timezone.now()
    for capability in CAPABILITIES:
        yield CapabilityState(
            connection=connection, capability=capability.key, verdict=Verdict.GRANTED, verified_at=now, checked_at=now
        )
