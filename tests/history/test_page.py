"""The History page: filters, pages that begin anywhere, export, and the state of the seals."""

import re
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from history import export, queries
from history.models import Event
from history.queries import Edge, Filters, read_edge
from history.record import Actor, Named, record
from history.tasks import seal_waiting, verify
from tests.factories import ConnectionFactory
from tests.history.conftest import NOW, Append, Intrude

Person = Callable[..., User]


@pytest.fixture
def auditor(person: Person, client: Client) -> Client:
    """Somebody who may see the whole history and nothing else."""
    client.force_login(person("auditor", "history.view_all_events"))
    return client


def shown(auditor: Client, **asked: object) -> str:
    return auditor.get(reverse("history:all"), {name: str(value) for name, value in asked.items()}).content.decode()


def ids(page: str) -> list[int]:
    return [int(part.partition('"')[0]) for part in page.split('<tr id="event-')[1:]]


def note(kind: str, connection: int, name: str, by: Actor, minutes: int = 0) -> Event:
    at = NOW + timedelta(minutes=minutes)
    return record(kind, Named("connection", connection, name), by=by, at=at)


def test_an_event_says_who_when_from_where_and_what(auditor: Client, append: Append) -> None:
    append(1)
    page = shown(auditor)
    for words in ("Tested", "Healthy", "Maya", "192.0.2.7", "Acme main", "24 Nov 2026, 12:00:00"):
        assert words in page


@pytest.mark.parametrize("detail", [{"health": 7}, {"changes": None}, ["x"], "x", 7])
def test_an_event_whose_detail_cannot_be_worded_is_shown_as_stored(auditor: Client, detail: object) -> None:
    Event(at=NOW, kind="connection.tested", actor_name="x", subject_kind="odd", subject_id=1, detail=detail).save()
    assert len(ids(shown(auditor))) == 1


def test_the_page_wants_its_own_permission(client: Client, person: Person, append: Append) -> None:
    client.force_login(person("viewer", "history.view_event", "connections.view_connection"))
    assert client.get(reverse("history:all")).status_code == 403
    assert client.get(reverse("history:csv")).status_code == 403


def test_events_of_a_connection_that_is_there_link_to_it(auditor: Client) -> None:
    connection = ConnectionFactory.create(name="Acme main")
    note("connection.tested", connection.pk, "Acme main", Actor("Maya"))
    note("connection.disconnected", connection.pk + 1, "Gone", Actor("Maya"))
    page = shown(auditor)
    assert f'<a href="{connection.get_absolute_url()}">Acme main</a>' in page
    assert 'href="/code-repositories/2/"' not in page or connection.pk == 2


@pytest.fixture
def mixed(person: Person) -> list[Event]:
    """Events of two people, of the scheduler under both of its names, and of a connection that was renamed."""
    olga = person("olga", first_name="Olga", last_name="Sample")
    maya = Actor("Maya Sample", 901, "192.0.2.1")
    return [
        note("connection.connected", 1, "Acme", maya),
        note("connection.tested", 1, "Acme", Actor("the scheduler"), 10),
        note("connection.edited", 1, "Acme renamed", Actor("Olga Sample", olga.pk, "192.0.2.2"), 60 * 24),
        note("connection.connected", 2, "Fabrikam", Actor("olga", olga.pk), 60 * 48),
        note("connection.tested", 3, "Contoso", Actor("the clock"), 60 * 72),
    ]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [3, 2, 0]),
        ({"automatic": "on"}, [4, 3, 2, 1, 0]),
        ({"kind": "connection.connected"}, [3, 0]),
        ({"person": "olga"}, [3, 2]),
        ({"person": "Olga Sample"}, [3, 2]),
        ({"person": "the scheduler"}, [4, 1]),
        ({"person": "Maya Sample"}, [0]),
        ({"person": "nobody"}, []),
        ({"connection": "Acme", "automatic": "on"}, [2, 1, 0]),
        ({"connection": "Acme renamed"}, [2, 0]),
        ({"connection": "Nowhere"}, []),
        ({"since": "2026-11-25"}, [3, 2]),
        ({"until": "2026-11-25", "automatic": "on"}, [2, 1, 0]),
        ({"since": "2026-11-25", "until": "2026-11-25"}, [2]),
        ({"q": "fabri"}, [3]),
        ({"q": "acme 192.0.2.2"}, [2]),
        ({"kind": "connection.tested", "person": "the scheduler", "connection": "Contoso"}, [4]),
        ({"kind": "nonsense"}, [3, 2, 0]),
        ({"since": "nonsense", "automatic": "on"}, [4, 3, 2, 1, 0]),
    ],
)
def test_each_filter_shows_its_own(
    auditor: Client, mixed: list[Event], asked: dict[str, str], expected: list[int]
) -> None:
    assert ids(shown(auditor, **asked)) == [mixed[place].pk for place in expected]


def test_what_the_scheduler_did_is_hidden_and_offered(auditor: Client, mixed: list[Event]) -> None:
    link = 'href="/history/?q=acme&amp;automatic=on"'
    assert link in shown(auditor, q="acme")
    assert "Show automatic events" not in shown(auditor, q="acme", automatic="on")


def test_an_edit_shows_what_was_removed_and_added(auditor: Client) -> None:
    detail = {
        "name": {"before": "Acme", "after": "Acme main"},
        "projects": {"before": ["Store", "Ledger"], "after": ["Store", "Shop"]},
    }
    record("connection.edited", Named("connection", 1, "Acme"), by=Actor("Maya", 9), at=NOW, detail=detail)
    page = shown(auditor)
    for removed, added in (("Acme", "Acme main"), ("Ledger", "Shop")):
        assert f'<del><span class="visually-hidden">was </span>{removed}</del>' in page
        assert f'<ins><span class="visually-hidden">is now </span>{added}</ins>' in page


def test_a_day_that_cannot_be_read_is_said_beside_it(auditor: Client, mixed: list[Event]) -> None:
    assert "Enter a date as year, month and day" in shown(auditor, since="yesterday")


def test_pages_join_without_gap_or_overlap_in_both_directions(auditor: Client, append: Append) -> None:
    # Several events share a moment, as those of one transaction do.
    events = [*append(9), *append(4, at=NOW)]
    expected = sorted(((event.at, event.pk) for event in events), reverse=True)
    with patch.object(queries, "PAGE_SIZE", 5):
        down = _walk(auditor, "Older", reverse("history:all"))
        up = _walk(auditor, "Newer", f"{reverse('history:all')}?end=oldest")
    assert [pk for page in down for pk in page] == [pk for _, pk in expected]
    assert [len(page) for page in down] == [5, 5, 3]
    # Upwards the first page is filled, so its end may repeat what the page below began with.
    assert list(dict.fromkeys(pk for page in reversed(up) for pk in page)) == [pk for _, pk in expected]


def _walk(auditor: Client, link: str, address: str) -> list[list[int]]:
    pages = []
    while address:
        page = auditor.get(address).content.decode()
        pages.append(ids(page))
        before, found, _ = page.partition(f'">{link}</a>')
        address = before.rpartition('href="')[2].replace("&amp;", "&") if found else ""
    return pages


def test_the_filters_stay_while_paging(auditor: Client, append: Append) -> None:
    append(9)
    with patch.object(queries, "PAGE_SIZE", 5):
        page = shown(auditor, kind="connection.tested", person="Maya")
    assert "?kind=connection.tested&amp;person=Maya&amp;before=" in page


def test_any_page_costs_the_same_few_queries(
    auditor: Client, append: Append, django_assert_max_num_queries: Callable[..., object]
) -> None:
    append(120)
    edge = Edge(NOW + timedelta(minutes=60), 60)
    for asked in ({}, {"before": edge}, {"after": edge}, {"end": "oldest"}):
        with django_assert_max_num_queries(15):  # type: ignore[attr-defined]
            shown(auditor, **asked)


@pytest.mark.parametrize(
    "nonsense", ["", "x", "1", "1.", ".1", "-1.5", "1.5.7", "9" * 30 + ".1", "1." + "9" * 38, "².1"]
)
def test_a_place_that_cannot_be_read_is_the_first_page(auditor: Client, append: Append, nonsense: str) -> None:
    append(1)
    assert len(ids(shown(auditor, before=nonsense))) <= 1
    assert auditor.get(reverse("history:all"), {"after": nonsense}).status_code == 200


def test_an_edge_survives_the_address() -> None:
    edge = Edge(NOW + timedelta(microseconds=1), 4711)
    assert read_edge(str(edge)) == edge


def test_everything_is_exported_in_steps_that_join(auditor: Client, append: Append) -> None:
    append(23)
    with patch.object(queries, "STEP", 5):
        answer = auditor.get(reverse("history:csv"), {"kind": "connection.tested"})
        lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert lines[0] == ",".join(export.HEADER)
    assert [line.split(",")[8] for line in lines[1:]] == [str(event.pk) for event in queries.events(Filters())]


def test_an_export_never_holds_more_than_one_step(append: Append) -> None:
    append(23)
    with patch.object(queries, "STEP", 5):
        assert {len(some) for some in queries.in_steps(queries.events(Filters()))} == {5, 3}


def test_the_state_of_the_seals_is_shown(auditor: Client, append: Append, intrude: Intrude) -> None:
    assert "Nothing is sealed yet" in shown(auditor)
    (event,) = append(1, at=timezone.now())
    seal_waiting()
    assert "<strong>Sealed</strong>" in shown(auditor)
    verify()
    assert "Sealed and verified" in shown(auditor)
    intrude("UPDATE history_event SET kind = 'x' WHERE id = %s", event.pk)
    verify()
    page = shown(auditor)
    assert "The history was tampered with" in page
    assert f"Batch 1: Event {event.pk} was changed." in page


def test_events_that_wait_for_long_are_a_warning(auditor: Client, append: Append) -> None:
    append(1, at=timezone.now() - timedelta(minutes=11))
    assert "Events are waiting to be sealed" in shown(auditor)


def test_a_page_says_from_when_to_when_its_events_are(auditor: Client, append: Append) -> None:
    append(9)
    with patch.object(queries, "PAGE_SIZE", 5):
        pages = shown(auditor).split('<nav class="pages"')[1]
    assert re.findall(r"<time [^>]*>([^<]*)</time>", pages) == ["24 Nov 2026, 12:04", "24 Nov 2026, 12:08"]
