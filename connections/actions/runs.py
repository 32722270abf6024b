"""Runs of audits: started by the clock or by hand, watched, cancelled, and resumed by whoever comes next.

Nothing here waits: a run is rows, and the connections' own `next_check_at` is what the clock works from.
So a run goes on after a crash, and two clocks do no harm.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q

from connections.models import AuditedConnection, AuditRun, Connection
from history.record import Actor

State = AuditedConnection.State
CLOCK = Actor(name="the clock")
KEPT_RUNS = 200


def start_by_hand(*, by: Actor, now: datetime) -> AuditRun:
    """Take every enabled connection into a run and make it due. An unfinished run by hand is returned as it is."""
    with transaction.atomic():
        open_run = AuditRun.objects.filter(by_hand=True, finished_at=None).first()
        if open_run is not None:
            return open_run
        run = AuditRun.objects.create(started_at=now, started_by=by.name, by_hand=True)
        enabled = Connection.objects.filter(disabled=False)
        _add(run, enabled.values_list("pk", "name"))
        enabled.filter(next_check_at__gt=now).update(next_check_at=now)
        _finish(run.pk, at=now)
    run.refresh_from_db()
    return run


def cancel(run: AuditRun, *, now: datetime) -> bool:
    """Let those that still wait go back to their usual time. Returns whether there was anything to cancel."""
    with transaction.atomic():
        waiting = run.audited.filter(state=State.WAITING)
        connections = list(waiting.values_list("connection_id", flat=True))
        if not AuditRun.objects.filter(pk=run.pk, finished_at=None).update(cancelled_at=now, finished_at=now):
            return False
        waiting.update(state=State.CANCELLED, finished_at=now)
        usual = now + timedelta(hours=settings.AUDIT_EVERY_HOURS)
        due = Connection.objects.filter(pk__in=connections, next_check_at__lte=now, leased_until=None)
        due.update(next_check_at=usual)
    return True


def claim_due(*, now: datetime) -> list[int]:
    """Lease the connections that are due and return their ids; a few for each organization and person.

    The lease is a conditional UPDATE, so two clocks never take the same connection, and one whose worker died
    is due again when the lease ends.
    """
    lease_ends = now + timedelta(seconds=settings.AUDIT_LEASE_SECONDS)
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    due = Connection.objects.filter(free, disabled=False, next_check_at__lte=now).order_by("next_check_at", "pk")
    # More than can be taken, so that one busy organization does not hide the others.
    candidates = due.values_list("pk", "server", "organization", "identity_id")[: settings.AUDITS_PER_TICK * 10]
    room = _Room(now)
    claimed: list[int] = []
    for pk, server, organization, identity in candidates:
        if len(claimed) >= settings.AUDITS_PER_TICK:
            break
        if not room.has((server, organization), identity):
            continue
        if Connection.objects.filter(free, pk=pk, disabled=False, next_check_at__lte=now).update(
            leased_until=lease_ends
        ):
            room.take((server, organization), identity)
            claimed.append(pk)
    _join_run(claimed, now=now)
    return claimed


class _Room:
    """How many more audits an organization and a person may have at once."""

    def __init__(self, now: datetime) -> None:
        running = Connection.objects.filter(leased_until__gte=now).order_by()
        places = running.values_list("server", "organization").annotate(count=Count("pk"))
        people = running.values_list("identity_id").annotate(count=Count("pk"))
        self._places = {(server, organization): count for server, organization, count in places}
        self._people: dict[str, int] = dict(people)

    def has(self, place: tuple[str, str], person: str) -> bool:
        in_place, of_person = self._places.get(place, 0), self._people.get(person, 0)
        return bool(in_place < settings.AUDITS_PER_ORGANIZATION and of_person < settings.AUDITS_PER_PERSON)

    def take(self, place: tuple[str, str], person: str) -> None:
        self._places[place] = self._places.get(place, 0) + 1
        self._people[person] = self._people.get(person, 0) + 1


def _join_run(claimed: list[int], *, now: datetime) -> None:
    """Put what the clock took, and no run waits for, into the clock's own open run."""
    waited_for = AuditedConnection.objects.filter(connection_id__in=claimed, state=State.WAITING)
    alone = set(claimed) - set(waited_for.values_list("connection_id", flat=True))
    if not alone:
        return
    with transaction.atomic():
        run = AuditRun.objects.filter(by_hand=False, finished_at=None).first()
        run = run or AuditRun.objects.create(started_at=now, started_by=CLOCK.name, by_hand=False)
        already = set(run.audited.filter(connection_id__in=alone).values_list("connection_id", flat=True))
        run.audited.filter(connection_id__in=already).update(state=State.WAITING, finished_at=None)
        _add(run, Connection.objects.filter(pk__in=alone - already).values_list("pk", "name"))


def _add(run: AuditRun, connections: Iterable[tuple[int, str]]) -> None:
    AuditedConnection.objects.bulk_create(
        AuditedConnection(run=run, connection_id=pk, name=name) for pk, name in connections
    )


def mark_done(connection: Connection, *, at: datetime) -> None:
    """Tick the connection off in every run that waits for it, in the audit's own transaction."""
    waiting = AuditedConnection.objects.filter(connection=connection, state=State.WAITING)
    runs = set(waiting.values_list("run_id", flat=True))
    waiting.update(state=State.DONE, health=connection.health, problem=connection.problem, finished_at=at)
    for run in runs:
        _finish(run, at=at)


def release(connection_id: int, *, now: datetime) -> None:
    """Give back a lease that will not be used, and tick the connection off where a run waits for it."""
    Connection.objects.filter(pk=connection_id).update(leased_until=None)
    waiting = AuditedConnection.objects.filter(connection_id=connection_id, state=State.WAITING)
    runs = set(waiting.values_list("run_id", flat=True))
    waiting.update(state=State.CANCELLED, finished_at=now)
    for run in runs:
        _finish(run, at=now)


def _finish(run: int, *, at: datetime) -> None:
    if not AuditedConnection.objects.filter(run_id=run, state=State.WAITING).exists():
        AuditRun.objects.filter(pk=run, finished_at=None).update(finished_at=at)


def forget_old_runs() -> int:
    """Keep the newest finished runs. Returns how many were removed."""
    kept = AuditRun.objects.values_list("pk", flat=True)[:KEPT_RUNS]
    removed = AuditRun.objects.exclude(finished_at=None).exclude(pk__in=list(kept))
    count = removed.count()
    removed.delete()
    return count
