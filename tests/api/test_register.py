"""The register by API, and what uses a credential."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone

from api.v1 import register_schemas
from connections.models import Mail, RegisterEntry
from history.models import Event
from tests.api.calls import Program, pages_of, problem
from tests.factories import ConnectionFactory, make_entry, make_person

USERS = [{"name": "Nightly", "url": "https://x.example.com/", "contact": "ops@example.com"}, {"name": "Script"}]
SHOWN = [USERS[0], {"name": "Script", "url": None, "contact": None}]
SECRET = "ghp_" + "a" * 36
pytestmark = pytest.mark.django_db


def fields_of(shown: dict[str, Any], **more: Any) -> dict[str, Any]:
    names = register_schemas.RegisterEntryInput.model_fields
    return {name: shown[name] for name in names} | more


def versioned(program: Program, method: str, path: str, version: str, body: Any = None) -> Any:
    return program.call(method, path, body, headers={"If-Match": f'"{version}"'})


def test_an_entry_is_created_and_read(program: Program) -> None:
    body = {"name": "Deploy key", "kind": "ssh_key", "expires_on": "2027-01-31", "used_by": USERS}
    response = program.call("POST", "/register", body)
    assert response.status_code == 201, response.content
    created = response.json()
    assert (created["owner"], created["used_by"], created["is_closed"]) == ("maya", SHOWN, False)
    assert response.headers["Location"].endswith(f"/api/v1/register/{created['id']}")
    assert response.headers["ETag"] == f'"{created["version"]}"'
    assert program.get(f"/register/{created['id']}") == created
    assert Event.objects.get(kind="register.added").actor_name == "maya, API token “token 0”"


def test_a_repeated_creation_adds_one_entry(program: Program) -> None:
    body, headers = {"name": "Deploy key", "kind": "ssh_key"}, {"Idempotency-Key": "run-42"}
    first = program.call("POST", "/register", body, headers=headers)
    again = program.call("POST", "/register", body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Location"] == first.headers["Location"]
    assert RegisterEntry.objects.count() == Event.objects.filter(kind="register.added").count() == 1
    other = program.call("POST", "/register", body | {"name": "Other"}, headers=headers)
    problem(other, 422, "idempotency_key_reused")


def test_a_refused_creation_can_be_corrected_under_its_key(program: Program) -> None:
    body, headers = {"name": "Deploy key", "kind": "ssh_key"}, {"Idempotency-Key": "run-42"}
    problem(program.call("POST", "/register", body | {"notes": SECRET}, headers=headers), 422, "secret_in_text")
    assert program.post("/register", body, headers=headers)["name"] == "Deploy key"


def test_an_entry_that_was_deleted_is_not_added_again_under_its_key(program: Program) -> None:
    body, headers = {"name": "Deploy key", "kind": "ssh_key"}, {"Idempotency-Key": "run-42"}
    program.post("/register", body, headers=headers)
    RegisterEntry.objects.all().delete()
    problem(program.call("POST", "/register", body, headers=headers), 404, "entry_gone")


def test_an_entry_and_its_key_are_stored_together_or_not_at_all(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, headers = {"name": "Deploy key", "kind": "ssh_key"}, {"Idempotency-Key": "run-42"}

    def away(*_: object, **_more: object) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr("api.actions.idempotency.finish", away)
        assert program.call("POST", "/register", body, headers=headers).status_code == 503
    assert not RegisterEntry.objects.exists()
    assert program.call("POST", "/register", body, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"name": " "}, 422, "name_missing", "name"),
        ({"name": "deploy KEY"}, 409, "entry_name_taken", "name"),
        ({"name": "a\x00b"}, 422, "name_invisible", "name"),
        ({"kind": "password"}, 422, "input_invalid", "kind"),
        ({"owner": "nobody"}, 422, "owner_unknown", "owner"),
        ({"owner": "a\ud800b"}, 422, "input_invalid", "owner"),
        ({"notes": SECRET}, 422, "secret_in_text", "notes"),
        ({"expires_on": "1999-12-31"}, 422, "expiry_too_old", "expires_on"),
        ({"extra_recipients": ["ann"]}, 422, "recipient_invalid", "extra_recipients"),
        ({"used_by": [{"name": "Shop", "url": "x.example.com"}]}, 422, "consumer_unreadable", "used_by"),
        ({"used_by": [{"name": "Shop", "contact": "ann"}]}, 422, "consumer_unreadable", "used_by"),
        ({"used_by": [{"name": "Shop ann@example.com"}]}, 422, "consumer_unreadable", "used_by"),
        ({"used_by": [{}]}, 422, "consumer_unreadable", "used_by"),
        ({"used_by": [{"name": SECRET}]}, 422, "secret_in_text", "used_by"),
        ({"used_by": [{"name": "x"}] * 51}, 422, "input_invalid", "used_by"),
    ],
)
def test_what_cannot_be_added_is_refused_as_on_the_page(
    program: Program, changes: dict[str, Any], status: int, code: str, field: str
) -> None:
    make_entry("Deploy key")
    response = program.call("POST", "/register", {"name": "New", "kind": "pat"} | changes)
    assert problem(response, status, code)["errors"][0]["field"] == field
    assert SECRET not in response.text
    assert RegisterEntry.objects.count() == 1


def test_the_list_is_filtered_searched_and_paged_as_on_the_page(program: Program) -> None:
    today = timezone.localdate()
    make_entry("Beta", kind="certificate", expires_on=today + timedelta(days=3))
    make_entry("alpha", purpose="Deploys the shop")
    make_entry("Gamma", closed_at=timezone.now(), closed_reason="unused", expires_on=today - timedelta(days=3))

    def names(query: str) -> list[str]:
        return [row["name"] for page in pages_of(program, f"/register?{query}") for row in page["entries"]]

    assert names("limit=1") == names("") == ["alpha", "Beta", "Gamma"]
    assert names("sort=expiry&limit=1") == names("sort=expiry") == ["Gamma", "Beta", "alpha"]
    assert names("status=closed") == ["Gamma"]
    assert names("status=week") == ["Beta"]
    assert names("kind=certificate") == ["Beta"]
    assert names("q=SHOP") == ["alpha"]
    assert names(f"on={today + timedelta(days=3)}") == ["Beta"]
    problem(program.call("GET", "/register?cursor=x"), 422, "cursor_invalid")
    problem(program.call("GET", "/register?colour=red"), 422, "input_invalid")


def test_a_cursor_of_another_order_is_refused(program: Program) -> None:
    make_entry("One")
    make_entry("Two")
    cursor = program.get("/register?limit=1")["next"].partition("cursor=")[2]
    problem(program.call("GET", f"/register?sort=expiry&cursor={cursor}"), 422, "cursor_invalid")


@pytest.mark.parametrize("number", [2, 12])
def test_a_page_takes_the_same_number_of_queries(
    program: Program, number: int, django_assert_max_num_queries: Any
) -> None:
    for count in range(number):
        make_entry(f"Entry {count}").consumers.create(name="Shop")
    with django_assert_max_num_queries(11):
        assert len(program.get("/register")["entries"]) == number


def test_an_update_needs_the_version_that_was_read(program: Program) -> None:
    entry = make_entry("Deploy key", purpose="Shop")
    path = f"/register/{entry.pk}"
    shown = program.get(path)
    RegisterEntry.objects.update(purpose="Theirs")
    found = problem(
        versioned(program, "PUT", path, shown["version"], fields_of(shown, purpose="Mine")), 412, "changed_meanwhile"
    )
    assert found["errors"][0] == {"field": "purpose", "message": "Purpose: Theirs"}
    problem(program.call("PUT", path, fields_of(shown)), 428, "precondition_missing")
    changed = program.put(path, fields_of(shown, purpose="Mine"), version=program.get(path)["version"])
    assert changed["purpose"] == "Mine"


def test_an_owner_who_left_may_stay_and_is_replaced_by_an_active_person(program: Program) -> None:
    olga, nina = make_person("olga"), make_person("nina")
    User.objects.filter(pk=olga.pk).update(is_active=False)
    path = f"/register/{make_entry(owner=olga).pk}"
    shown = program.get(path)
    assert not shown["is_owner_active"]
    renamed = program.put(path, fields_of(shown, name="Renamed"), version=shown["version"])
    assert renamed["owner"] == "olga"
    moved = program.put(path, fields_of(renamed, owner=nina.username), version=renamed["version"])
    assert moved["owner"] == "nina"
    refused = versioned(program, "PUT", path, moved["version"], fields_of(moved, owner="olga"))
    problem(refused, 422, "owner_unknown")


def test_an_entry_is_closed_with_a_reason_and_reopened(program: Program) -> None:
    path = f"/register/{make_entry().pk}"
    problem(program.call("POST", f"{path}/close", {"reason": "other"}), 422, "closed_note_missing")
    problem(program.call("POST", f"{path}/close", {"reason": "bored"}), 422, "input_invalid")
    closed = program.post(f"{path}/close", {"reason": "other", "note": "Sold"})
    assert (closed["is_closed"], closed["closed_reason"], closed["closed_note"]) == (True, "other", "Sold")
    assert program.post(f"{path}/close", {"reason": "unused"})["closed_reason"] == "other"
    reopened = program.post(f"{path}/reopen")
    assert (reopened["is_closed"], reopened["closed_reason"]) == (False, None)
    problem(
        versioned(program, "POST", f"{path}/close", closed["version"], {"reason": "unused"}), 412, "changed_meanwhile"
    )


def test_an_entry_is_deleted_in_the_version_that_was_read(program: Program) -> None:
    entry = make_entry()
    path = f"/register/{entry.pk}"
    problem(program.call("DELETE", path), 428, "precondition_missing")
    version = program.get(path)["version"]
    RegisterEntry.objects.update(name="Renamed")
    problem(versioned(program, "DELETE", path, version), 412, "changed_meanwhile")
    response = versioned(program, "DELETE", path, program.get(path)["version"])
    assert (response.status_code, response.content) == (204, b"")
    problem(program.call("GET", path), 404, "entry_gone")
    assert Event.objects.filter(kind="register.deleted", subject_id=entry.pk).exists()


def test_what_uses_a_connection_is_read_and_replaced(program: Program) -> None:
    row = ConnectionFactory.create()
    path = f"/connections/{row.pk}/used-by"
    empty = program.get(path)
    assert empty["used_by"] == []
    changed = program.put(path, {"used_by": USERS}, version=empty["version"])
    assert changed["used_by"] == program.get(path)["used_by"] == SHOWN
    assert Event.objects.filter(kind="connection.used_by_changed").count() == 1
    problem(versioned(program, "PUT", path, empty["version"], {"used_by": []}), 412, "changed_meanwhile")
    problem(program.call("PUT", path, {"used_by": []}), 428, "precondition_missing")


def test_what_uses_a_connection_is_open_to_a_token_of_that_connection_only(program_of: Any, maintainer: User) -> None:
    mine, other = ConnectionFactory.create(name="Mine"), ConnectionFactory.create(name="Other")
    program = program_of(maintainer, "connections.view_connection", connections=[mine.pk])
    assert program.get(f"/connections/{mine.pk}/used-by")["used_by"] == []
    problem(program.call("GET", f"/connections/{other.pk}/used-by"), 404, "connection_gone")


def test_contacts_are_notified_of_a_renewal_by_api(program: Program) -> None:
    body = {"name": "Key", "kind": "pat", "expires_on": "2027-01-01", "used_by": USERS}
    created = program.post("/register", body)
    path = f"/register/{created['id']}"
    program.put(path, fields_of(created, expires_on="2027-06-01"), version=created["version"])
    assert [mail.recipient for mail in Mail.objects.filter(kind="credential_replaced")] == ["ops@example.com"]


def test_the_list_is_filtered_by_every_kind(program: Program) -> None:
    for kind in RegisterEntry.Kind.values:
        entry = make_entry(kind, kind=kind)
        assert [row["id"] for row in program.get(f"/register?kind={kind}")["entries"]] == [entry.pk]
