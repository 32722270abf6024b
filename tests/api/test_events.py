"""The history by API: of one connection, and all of it."""

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from connections.models import Connection
from history.models import Event
from history.record import SCHEDULER, Actor, record
from tests.api.calls import Program, problem
from tests.api.conftest import EVERYTHING
from tests.factories import ConnectionFactory

HERE = "http://127.0.0.1:8000/api/v1"
ANN, BEN = Actor("Ann", 1, "192.0.2.7"), Actor("Ben", 2)


def lived(row: Connection) -> None:
    """Three events of a connection, one on each of the last days."""
    now = timezone.now()
    for days, kind, by in (
        (2, "connection.connected", ANN),
        (1, "connection.edited", BEN),
        (0, "connection.muted", ANN),
    ):
        record(kind, row, by=by, at=now - timedelta(days=days), detail={"number": days})


def all_of(program: Program, path: str) -> list[int]:
    """The ids of all events, over all pages."""
    ids: list[int] = []
    while path:
        page = program.get(path)
        ids += [event["id"] for event in page["events"]]
        path = (page["next"] or "").removeprefix(HERE)
    return ids


def test_the_events_of_a_connection_come_newest_first(program: Program) -> None:
    row, other = ConnectionFactory.create(name="Acme main"), ConnectionFactory.create()
    lived(row)
    lived(other)
    path = f"/connections/{row.pk}/events"
    newest, _, oldest = program.get(path)["events"]
    assert (newest["kind"], oldest["kind"]) == ("connection.muted", "connection.connected")
    assert oldest["subject"] == {"kind": "connection", "id": row.pk, "name": "Acme main"}
    assert (oldest["actor"], oldest["address"], oldest["details"]) == ("Ann", "192.0.2.7", {"number": 2})
    assert oldest["title"]
    assert all_of(program, f"{path}?limit=1") == [event["id"] for event in program.get(path)["events"]]
    cursor = program.get(f"{path}?limit=1")["next"].rpartition("cursor=")[2]
    problem(program.call("GET", f"/connections/{other.pk}/events?cursor={cursor}"), 422, "cursor_invalid")


def test_the_filters_of_a_connection_are_those_of_its_page(program: Program) -> None:
    row = ConnectionFactory.create()
    lived(row)
    path, today = f"/connections/{row.pk}/events", timezone.localdate()
    assert len(all_of(program, f"{path}?kind=connection.edited")) == 1
    assert len(all_of(program, f"{path}?actor=Ann")) == 2
    assert len(all_of(program, f"{path}?since={today}")) == 1
    assert len(all_of(program, f"{path}?until={today - timedelta(days=1)}")) == 2
    assert all_of(program, f"{path}?kind=nothing") == []


def test_the_whole_history_has_the_filters_of_its_page(program: Program) -> None:
    row, other = ConnectionFactory.create(name="Acme main"), ConnectionFactory.create(name="Other")
    lived(row)
    lived(other)
    assert len(all_of(program, "/events?limit=4")) == 6
    assert len(all_of(program, "/events?connection=acme main")) == 3
    assert len(all_of(program, "/events?actor=Ben")) == 2
    assert len(all_of(program, "/events?person=Ben")) == 2, "the earlier name"
    assert len(all_of(program, "/events?actor=Ben&person=Ann")) == 2
    assert len(all_of(program, "/events?q=192.0.2.7 acme")) == 2
    assert len(all_of(program, f"/events?kind=connection.edited&since={timezone.localdate()}")) == 0


def test_what_the_scheduler_did_can_be_left_out(program: Program) -> None:
    row = ConnectionFactory.create()
    lived(row)
    record("connection.tested", row, by=SCHEDULER, at=timezone.now())
    assert len(all_of(program, "/events")) == 4
    assert len(all_of(program, "/events?automatic=false")) == 3


def test_unknown_filters_and_days_are_refused(program: Program) -> None:
    row = ConnectionFactory.create()
    for query in ("who=Ann", "since=yesterday", "limit=0", "limit=201", "cursor=x"):
        for path in ("/events", f"/connections/{row.pk}/events"):
            assert program.call("GET", f"{path}?{query}").status_code == 422, query
    problem(program.call("GET", "/events?cursor=x"), 422, "cursor_invalid")


def test_a_limited_token_reads_the_events_of_its_connections_only(
    maintainer: User, program_of: Callable[..., Program]
) -> None:
    row, other = ConnectionFactory.create(), ConnectionFactory.create()
    lived(row)
    limited = program_of(maintainer, *EVERYTHING, connections=[row.pk])
    assert len(all_of(limited, f"/connections/{row.pk}/events")) == 3
    problem(limited.call("GET", f"/connections/{other.pk}/events"), 404, "connection_gone")
    problem(limited.call("GET", "/events"), 403, "limited_to_connections")


def test_an_event_of_another_version_is_shown_as_it_is(program: Program) -> None:
    row = ConnectionFactory.create()
    record("connection.from_the_future", row, by=ANN, at=timezone.now(), detail={"x": [1]})
    (event,) = program.get(f"/connections/{row.pk}/events")["events"]
    assert (event["kind"], event["title"], event["details"]) == (*["connection.from_the_future"] * 2, {"x": [1]})
    assert Event.objects.count() == 1
