"""Rows for benchmarks, in batches and the same in every run."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from random import Random

from django.contrib.auth.models import User
from django.utils import timezone

from connections.models import Connection
from delivery.models import Pipeline, Project, Repository
from history.models import Event
from history.record import SCHEDULER, Actor

BATCH = 5000
HEALTHS = ("healthy",) * 7 + ("limited", "rejected", "unreachable")
WORDS = ("payments", "shop", "ledger", "search", "mobile", "data", "platform", "web")
KINDS = ("connection.tested",) * 6 + ("connection.mailed", "connection.rotated", "connection.edited")


def make_connections(count: int, *, first: int = 0, ending_within: int = 366) -> None:
    """Connections of fifty owners in `count` / 10 organizations, with dates over a year."""
    random = Random(first)
    owners = [User.objects.get_or_create(username=f"owner{number}")[0] for number in range(50)]
    rows = (_connection(number, owners, random, ending_within) for number in range(first, first + count))
    while some := list(islice(rows, BATCH)):
        Connection.objects.bulk_create(some)


def _connection(number: int, owners: list[User], random: Random, ending_within: int) -> Connection:
    now = timezone.now()
    health = random.choice(HEALTHS)
    return Connection(
        name=f"{random.choice(WORDS).title()} {number}",
        server="Sandbox",
        organization=f"bench-{number // 10:04}",
        organization_id=f"11111111-1111-4111-8111-{number // 10:012}",
        identity_id=f"22222222-2222-4222-8222-{number % 997:012}",
        identity_name=f"Person {number % 997}",
        owner=random.choice(owners),
        health=health,
        notified_health=health,
        health_since=now,
        token_set_at=now - timedelta(days=random.randrange(90)),
        expires_on=timezone.localdate() + timedelta(days=random.randrange(-5, ending_within)),
        created_at=now,
        checked_at=now - timedelta(minutes=random.randrange(360)),
        next_check_at=now + timedelta(hours=6),
    )


def make_events(count: int, *, until: datetime, actor: Actor = SCHEDULER) -> None:
    """Events of the connections that there are, one a second."""
    subjects = list(Connection.objects.values_list("pk", "name")[:10_000])
    rows = _events(count, subjects, until, actor)
    while some := list(islice(rows, BATCH)):
        Event.objects.bulk_create(some)


def _events(count: int, subjects: list[tuple[int, str]], until: datetime, actor: Actor) -> Iterator[Event]:
    random = Random(count)
    for number in range(count):
        pk, name = random.choice(subjects)
        yield Event(
            at=until - timedelta(seconds=count - number),
            kind=random.choice(KINDS),
            actor_name=actor.name,
            subject_kind="connection",
            subject_id=pk,
            subject_name=name,
            detail={"health": "healthy"},
        )


def make_repositories(count: int) -> None:
    """Repositories of one project, which the first two connections see: they are to the same organization."""
    now = timezone.now()
    for connection in Connection.objects.order_by("pk")[:2]:
        project = Project.objects.create(connection=connection, azure_id="p", name="Store", seen_at=now)
        Repository.objects.bulk_create(
            Repository(
                project=project,
                azure_id=str(number),
                name=f"service {number:04}",
                default_branch="refs/heads/main",
                size=number,
                added_at=now,
            )
            for number in range(count)
        )


def make_pipelines(count: int) -> None:
    """Pipelines in each project, each with a build."""
    now = timezone.now()
    for project in Project.objects.all():
        Pipeline.objects.bulk_create(
            Pipeline(
                project=project,
                azure_id=number,
                name=f"service {number:04}",
                folder="\\Services",
                state="succeeded",
                build_id=number,
                build_number=f"2026.{number}",
                branch="refs/heads/main",
                requested_for="Bench",
                queued_at=now,
                started_at=now,
                finished_at=now,
                seen_at=now,
            )
            for number in range(count)
        )
