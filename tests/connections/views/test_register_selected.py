"""Actions on the entries that are ticked in the register."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions import register_versions
from connections.models import Consumer, Mail, RegisterEntry
from history.models import Event
from tests.factories import make_entry, make_person

pytestmark = pytest.mark.django_db
ACTIONS = ("close", "hand-over", "delete")


@pytest.fixture
def pages(client: Client) -> Client:
    client.force_login(make_person("maya", "*"))
    return client


@pytest.fixture
def three() -> list[RegisterEntry]:
    return [make_entry(name) for name in ("Ada", "Bo", "Cy")]


def address(action: str) -> str:
    return reverse(f"connections:{action}-chosen-entries")


def ids(entries: list[RegisterEntry]) -> list[int]:
    return [entry.pk for entry in entries]


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def confirmed(entries: list[RegisterEntry], fields: tuple[str, ...]) -> dict[str, Any]:
    """What the page of confirmation sends, if all goes well."""
    versions = {f"version-{entry.pk}": register_versions.version(entry, fields) for entry in entries}
    return {"entry": ids(entries), "confirmed": "1", **versions}


def test_entries_are_closed_with_one_reason_and_a_refusal_stops_no_other(
    pages: Client, three: list[RegisterEntry]
) -> None:
    assert "Close 3 credentials" in pages.post(address("close"), {"entry": ids(three)}).content.decode()
    data = confirmed(three, register_versions.CLOSE) | {"reason": "unused", f"version-{three[1].pk}": "outdated"}
    refused, done = said(pages.post(address("close"), data, follow=True))
    assert refused.startswith("Bo was not closed.")
    assert done == "Closed: Ada, Cy."
    closed = RegisterEntry.objects.exclude(closed_at=None).order_by("name")
    assert [(entry.name, entry.closed_reason) for entry in closed] == [("Ada", "unused"), ("Cy", "unused")]
    assert Event.objects.filter(kind="register.closed", actor_name="maya").count() == 2


def test_a_reason_is_asked_for_and_another_one_explained(pages: Client, three: list[RegisterEntry]) -> None:
    data = confirmed(three, register_versions.CLOSE)
    assert "Choose why you close it." in pages.post(address("close"), data).content.decode()
    page = pages.post(address("close"), {**data, "reason": "other"}).content.decode()
    assert "Close 3 credentials" in page
    assert 'id="id_closed_note_errors"' in page or "id_closed_note_error" in page
    assert not RegisterEntry.objects.exclude(closed_at=None).exists()


def test_the_contact_of_several_closed_entries_gets_one_mail(pages: Client, three: list[RegisterEntry]) -> None:
    for entry in three[:2]:
        Consumer.objects.create(entry=entry, name="Nightly build", contact="ops@example.com")
    pages.post(address("close"), confirmed(three, register_versions.CLOSE) | {"reason": "revoked"})
    mail = Mail.objects.get()
    assert mail.recipient == "ops@example.com"
    assert "Ada" in mail.text
    assert "Bo" in mail.text


def test_closed_entries_are_left_out(pages: Client, three: list[RegisterEntry]) -> None:
    RegisterEntry.objects.filter(pk=three[0].pk).update(closed_at=timezone.now())
    assert "Close 2 credentials" in pages.post(address("close"), {"entry": ids(three)}).content.decode()
    answer = pages.post(address("close"), {"entry": three[0].pk}, follow=True)
    assert said(answer) == ["The ticked credentials are closed already."]


def test_entries_get_a_new_owner_unless_someone_changed_it(pages: Client, three: list[RegisterEntry]) -> None:
    to, other = make_person("mia"), make_person("eve")
    assert "Hand over 3 credentials" in pages.post(address("hand-over"), {"entry": ids(three)}).content.decode()
    data: dict[str, Any] = {"entry": ids(three), "confirmed": "1"}
    data |= {f"version-{entry.pk}": entry.owner_id for entry in three}
    assert "Choose the new owner." in pages.post(address("hand-over"), data).content.decode()
    RegisterEntry.objects.filter(pk=three[0].pk).update(owner=other)
    answer = pages.post(address("hand-over"), {**data, "to": to.pk}, follow=True)
    assert said(answer) == [
        "Ada was not handed over, because someone changed it in the meantime.",
        "2 credentials now belong to mia.",
    ]
    handed_over = RegisterEntry.objects.filter(owner=to).order_by("name")
    assert [(entry.name, entry.revision) for entry in handed_over] == [("Bo", 1), ("Cy", 1)]
    events = Event.objects.filter(kind="register.handed_over").order_by("subject_name")
    assert [(event.subject_name, event.detail["after"]) for event in events] == [("Bo", "mia"), ("Cy", "mia")]


def test_an_inactive_person_is_no_new_owner(pages: Client, three: list[RegisterEntry]) -> None:
    left = make_person("lea", is_active=False)
    data = {"entry": ids(three), "confirmed": "1", "to": left.pk}
    assert "Select a valid choice" in pages.post(address("hand-over"), data).content.decode()
    assert not RegisterEntry.objects.filter(owner=left).exists()


def test_entries_are_deleted_after_asking_and_their_history_is_kept(pages: Client, three: list[RegisterEntry]) -> None:
    asked = pages.post(address("delete"), {"entry": ids(three[:2])}).content.decode()
    assert "Delete 2 credentials" in asked
    assert RegisterEntry.objects.count() == 3
    data = confirmed(three[:2], register_versions.DELETE)
    RegisterEntry.objects.filter(pk=three[0].pk).update(name="Ada of the shop")
    refused, done = said(pages.post(address("delete"), data, follow=True))
    assert refused.startswith("Ada of the shop was not deleted.")
    assert done == "Deleted: Bo."
    assert list(RegisterEntry.objects.values_list("name", flat=True)) == ["Ada of the shop", "Cy"]
    assert Event.objects.get(kind="register.deleted").subject_name == "Bo"


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_ticked_is_said(pages: Client, action: str) -> None:
    for data in ({}, {"entry": ["x", "9" * 30, "77"]}):
        assert said(pages.post(address(action), data, follow=True)) == ["Choose at least one credential."]


def test_rows_have_boxes_for_those_who_may_do_something(client: Client, three: list[RegisterEntry]) -> None:
    for name, permissions, boxes in (("vi", (), 0), ("ed", ("connections.change_registerentry",), 3)):
        client.force_login(make_person(name, "connections.view_registerentry", *permissions))
        page = client.get(reverse("connections:register")).content.decode()
        assert page.count('name="entry"') == boxes
        assert (address("close") in page) is bool(boxes)
        assert address("delete") not in page


def test_an_entry_that_is_gone_is_named(three: list[RegisterEntry]) -> None:
    from connections.actions.register_selected import delete_selected
    from history.record import Actor

    RegisterEntry.objects.filter(pk=three[0].pk).delete()
    drawn = {entry.pk: register_versions.version(entry, register_versions.DELETE) for entry in three}
    outcome = delete_selected(three, by=Actor("olga"), now=timezone.now(), drawn_from=drawn)
    assert [name for name, _ in outcome.refused] == ["Ada"]
    assert outcome.changed == ("Bo", "Cy")
