"""Actions on the connections that are ticked in the list."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions import versions
from connections.models import AuditedConnection, AuditRun, Connection
from history.models import Event
from history.record import Actor
from tests.factories import ConnectionFactory, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def pages(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def three() -> list[Connection]:
    return [ConnectionFactory.create(name=name) for name in ("Ada", "Bo", "Cy")]


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def ids(connections: list[Connection]) -> list[int]:
    return [connection.pk for connection in connections]


def test_ticked_connections_are_audited_in_one_run(pages: Client, three: list[Connection]) -> None:
    ConnectionFactory(name="Dot")
    answer = pages.post(reverse("connections:audit-chosen"), {"connection": ids(three)})
    run = AuditRun.objects.get()
    assert answer["Location"] == reverse("connections:audit-run", args=[run.pk])
    assert {row.name for row in run.audited.all()} == {"Ada", "Bo", "Cy"}
    assert Connection.objects.filter(next_check_at__lte=timezone.now()).count() == 3


def test_an_open_run_takes_those_that_it_lacks(pages: Client, three: list[Connection]) -> None:
    for few in (three[:1], three):
        pages.post(reverse("connections:audit-chosen"), {"connection": ids(few)})
    run = AuditRun.objects.get()
    assert run.audited.filter(state=AuditedConnection.State.WAITING).count() == 3


def test_their_tokens_are_updated_one_after_the_other(pages: Client, three: list[Connection]) -> None:
    Connection.objects.filter(name="Bo").update(disabled=True)
    answer = pages.post(reverse("connections:update-chosen"), {"connection": ids(three)}, follow=True)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "1 of 2" in page


def test_disabling_asks_first_and_a_failure_hides_no_success(pages: Client, three: list[Connection]) -> None:
    address = reverse("connections:disable-chosen")
    asked = pages.post(address, {"connection": ids(three)}).content.decode()
    assert "Disable 3 connections" in asked
    assert not Connection.objects.filter(disabled=True)
    drawn = {f"version-{connection.pk}": versions.version(connection, versions.DISABLE) for connection in three}
    drawn[f"version-{three[1].pk}"] = "outdated"
    answer = pages.post(address, {"connection": ids(three), "confirmed": "1", **drawn}, follow=True)
    assert set(Connection.objects.filter(disabled=True).values_list("name", flat=True)) == {"Ada", "Cy"}
    refused, done = said(answer)
    assert refused.startswith("Bo was not disabled.")
    assert done.startswith("Disabled: Ada, Cy.")
    assert Event.objects.filter(kind="connection.disabled", actor_name="olga").count() == 2


def test_they_are_handed_over_to_someone_who_may_own_them(pages: Client, three: list[Connection]) -> None:
    to, other = make_person("mia", "connections.rotate_connection"), make_person("eve")
    address, ticked = reverse("connections:hand-over-chosen"), {"connection": ids(three)}
    assert "Hand over 3 connections" in pages.post(address, ticked).content.decode()
    refused = pages.post(address, {**ticked, "confirmed": "1", "to": other.pk})
    assert refused.status_code == 200
    assert not Connection.objects.filter(owner=other)
    answer = pages.post(address, {**ticked, "confirmed": "1", "to": to.pk}, follow=True)
    assert said(answer) == ["3 connections now belong to mia."]
    assert Connection.objects.filter(owner=to).count() == 3


@pytest.mark.parametrize("action", ["audit", "update", "hand-over", "disable"])
def test_nothing_ticked_is_said(pages: Client, action: str) -> None:
    for data in ({}, {"connection": ["x", "9" * 30, "77"]}):
        answer = pages.post(reverse(f"connections:{action}-chosen"), data, follow=True)
        assert said(answer) == ["Choose at least one connection."]


def test_rows_have_boxes_for_those_who_may_do_something(client: Client, three: list[Connection]) -> None:
    for name, permissions, boxes in (("vi", (), 0), ("op", ("connections.audit_connection",), 3)):
        client.force_login(make_person(name, "connections.view_connection", *permissions))
        page = client.get(reverse("connections:list")).content.decode()
        assert page.count('name="connection"') == boxes
        assert (reverse("connections:audit-chosen") in page) is bool(boxes)
        assert reverse("connections:disable-chosen") not in page


def test_a_connection_that_is_gone_is_named(three: list[Connection]) -> None:
    from connections.actions.selected import disable_selected

    Connection.objects.filter(pk=three[0].pk).delete()
    outcome = disable_selected(three[:1], by=Actor("olga"), now=timezone.now(), drawn_from={})
    assert [name for name, _ in outcome.refused] == ["Ada"]


def test_ids_that_no_row_can_have_are_left_out(pages: Client) -> None:
    address = reverse("connections:audit-chosen")
    answer = pages.post(address, {"connection": ["9" * 5000, "x", "-1"]}, follow=True)
    assert said(answer) == ["Choose at least one connection."]


def test_ticked_connections_that_are_disabled_are_not_called_none(pages: Client) -> None:
    disabled = ConnectionFactory.create(disabled=True)
    answer = pages.post(reverse("connections:audit-chosen"), {"connection": disabled.pk}, follow=True)
    assert said(answer) == ["The ticked connections are disabled. Enable them first."]


def test_a_hand_over_whose_owner_changed_after_the_question_is_refused(pages: Client, three: list[Connection]) -> None:
    to, other = make_person("mia", "connections.rotate_connection"), make_person("eve")
    shown = {f"version-{connection.pk}": connection.owner_id for connection in three}
    Connection.objects.filter(pk=three[0].pk).update(owner=other)
    data = {"connection": ids(three), "confirmed": "1", "to": to.pk, **shown}
    answer = pages.post(reverse("connections:hand-over-chosen"), data, follow=True)
    assert said(answer)[0] == f"{three[0].name} was not handed over, because someone changed it in the meantime."
    assert list(Connection.objects.filter(owner=to).order_by("pk")) == three[1:]
