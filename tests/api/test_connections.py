"""Operations on connections, against the sandbox."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone

from api.models import IdempotentRequest
from connections import reads
from connections.models import Connection, StoredTokenPolicy
from history.models import Event
from sandbox.server import Sandbox
from tests.api.calls import Program, problem
from tests.api.conftest import EVERYTHING
from tests.factories import ConnectionFactory

Token = Callable[[str], str]
Connected = Callable[..., Connection]


def new(text: str, **more: Any) -> dict[str, Any]:
    return {"name": "Acme main", "organization": "acme", "token": text, "token_reach": "one"} | more


def settings_of(shown: dict[str, Any], **more: Any) -> dict[str, Any]:
    fields = ("name", "expires_on", "token_reach", "extra_recipients")
    projects = None if shown["projects"] is None else [project["id"] for project in shown["projects"]]
    return {field: shown[field] for field in fields} | {"projects": projects} | more


@pytest.mark.usefixtures("sandbox")
def test_a_connection_is_created_and_read(program: Program, token_of: Token) -> None:
    body = new(token_of("full"), expires_on=(timezone.localdate() + timedelta(days=30)).isoformat())
    response = program.call("POST", "/connections", body)
    assert response.status_code == 201, response.content
    created = response.json()
    assert created["health"] == "healthy"
    assert created["warnings"] == []
    assert created["owner"] == "maya"
    assert response.headers["Location"].endswith(f"/api/v1/connections/{created['id']}")
    assert response.headers["ETag"] == f'"{created["version"]}"'
    shown = program.get(f"/connections/{created['id']}")
    assert shown == {name: value for name, value in created.items() if name != "warnings"}


@pytest.mark.usefixtures("sandbox")
def test_the_history_names_the_api_token(program: Program, token_of: Token) -> None:
    program.post("/connections", new(token_of("full")))
    event = Event.objects.get(kind="connection.connected")
    assert event.actor_name == "maya, API token “token 0”"
    assert event.address == "127.0.0.1"


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"organization": "a b"}, 422, "not_an_organization", "organization"),
        ({"organization": "unheard-of"}, 422, "organization_not_found", "token"),
        ({"server": "Elsewhere"}, 422, "server_unknown", "server"),
        ({"name": " "}, 422, "name_missing", "name"),
        ({"name": "x" * 65}, 422, "name_too_long", "name"),
        ({"name": "a\ud800b"}, 422, "input_invalid", "name"),
        ({"name": "a\x00b"}, 422, "name_invisible", "name"),
        ({"token": "a b"}, 422, "input_invalid", "token"),
        ({"token": ""}, 422, "input_invalid", "token"),
        ({"projects": []}, 422, "no_project_chosen", "projects"),
        ({"projects": ["nothing"]}, 422, "project_not_visible", "projects"),
        ({"expires_on": "2020-01-01"}, 422, "expiry_passed", "expires_on"),
        ({"organization": "stopped"}, 422, "organization_unavailable", "token"),
    ],
)
def test_what_cannot_be_connected_is_refused_as_on_the_page(
    program: Program, token_of: Token, changes: dict[str, Any], status: int, code: str, field: str
) -> None:
    found = problem(program.call("POST", "/connections", new(token_of("full"), **changes)), status, code)
    assert found["errors"][0]["field"] == field
    assert not Connection.objects.exists()


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(("token", "code"), [("expired", "token_expired"), ("no-release", "limited_not_accepted")])
def test_a_token_that_does_not_do_is_refused(program: Program, token_of: Token, token: str, code: str) -> None:
    problem(program.call("POST", "/connections", new(token_of(token))), 422, code)
    assert not Connection.objects.exists()


@pytest.mark.usefixtures("sandbox")
def test_a_limited_token_is_accepted_when_the_caller_says_so(program: Program, token_of: Token) -> None:
    created = program.post("/connections", new(token_of("no-release"), accept_limited=True))
    assert created["health"] == "limited"
    listed = program.get(f"/connections/{created['id']}/capabilities")["capabilities"]
    assert {row["capability"]: row["verdict"] for row in listed}["release_read"] == "missing"


def test_a_name_is_given_once(program: Program, connected: Connected, token_of: Token) -> None:
    connected("Acme main")
    problem(program.call("POST", "/connections", new(token_of("full-again"))), 409, "name_taken")


def test_warnings_of_the_token_policy_come_along(program: Program, connected: Connected, token_of: Token) -> None:
    connected("Fabrikam", organization="fabrikam")
    created = program.post("/connections", new(token_of("full")))
    assert [warning["code"] for warning in created["warnings"]] == ["token_reused"]
    StoredTokenPolicy.objects.all().delete()


@pytest.mark.usefixtures("sandbox")
def test_a_repeated_creation_creates_once(program: Program, token_of: Token) -> None:
    body, headers = new(token_of("full")), {"Idempotency-Key": "run-42"}
    first = program.post("/connections", body, headers=headers)
    assert program.post("/connections", body, headers=headers)["id"] == first["id"]
    assert Connection.objects.count() == 1
    assert Event.objects.filter(kind="connection.connected").count() == 1
    other = program.call("POST", "/connections", body | {"name": "Other"}, headers=headers)
    problem(other, 422, "idempotency_key_reused")


@pytest.mark.usefixtures("sandbox")
def test_a_creation_that_was_refused_can_be_corrected_under_its_key(program: Program, token_of: Token) -> None:
    headers = {"Idempotency-Key": "run-42"}
    problem(program.call("POST", "/connections", new(token_of("expired")), headers=headers), 422, "token_expired")
    assert program.post("/connections", new(token_of("full")), headers=headers)["health"] == "healthy"


@pytest.mark.usefixtures("sandbox")
def test_a_creation_under_way_is_not_begun_twice(program: Program, token_of: Token) -> None:
    body, headers = new(token_of("full")), {"Idempotency-Key": "run-42"}
    program.post("/connections", body, headers=headers)
    IdempotentRequest.objects.update(connection_id=None)
    Connection.objects.all().delete()
    response = program.call("POST", "/connections", body, headers=headers)
    problem(response, 409, "idempotency_key_in_use")
    assert response.headers["Retry-After"] == "5"
    # Its process is gone.
    IdempotentRequest.objects.update(started_at=timezone.now() - timedelta(minutes=6))
    program.post("/connections", body, headers=headers)
    assert Connection.objects.count() == 1


@pytest.mark.usefixtures("sandbox")
def test_keys_of_two_tokens_do_not_meet(
    program: Program, program_of: Callable[..., Program], maintainer: Any, token_of: Token
) -> None:
    headers = {"Idempotency-Key": "run-42"}
    program.post("/connections", new(token_of("full")), headers=headers)
    other = program_of(maintainer, "connections.add_connection", "connections.view_connection")
    body = new(token_of("full"), name="Other")
    assert other.post("/connections", body, headers=headers)["name"] == "Other"


def test_settings_are_replaced(program: Program, connected: Connected) -> None:
    row = connected()
    shown = program.get(f"/connections/{row.pk}")
    day = (timezone.localdate() + timedelta(days=20)).isoformat()
    wanted = settings_of(shown, name="Acme", expires_on=day, extra_recipients=["ops@example.com"])
    changed = program.put(f"/connections/{row.pk}", wanted, version=shown["version"])
    assert (changed["name"], changed["expires_on"]) == ("Acme", day)
    assert changed["extra_recipients"] == ["ops@example.com"]
    assert changed["version"] != shown["version"]


def test_a_stale_update_is_refused_and_a_repeated_one_succeeds(program: Program, connected: Connected) -> None:
    row = connected()
    shown = program.get(f"/connections/{row.pk}")
    wanted = settings_of(shown, name="Mine")
    program.put(f"/connections/{row.pk}", wanted, version=shown["version"])
    # The response may have been lost; nothing is lost by saying it again.
    program.put(f"/connections/{row.pk}", wanted, version=shown["version"])
    stale = {"If-Match": f'"{shown["version"]}"'}
    theirs = program.call("PUT", f"/connections/{row.pk}", wanted | {"name": "Theirs"}, headers=stale)
    found = problem(theirs, 412, "changed_meanwhile")
    assert [error["field"] for error in found["errors"]] == ["name"]
    assert Connection.objects.get().name == "Mine"


def test_an_update_says_which_version_it_changes(program: Program, connected: Connected) -> None:
    row = connected()
    wanted = settings_of(program.get(f"/connections/{row.pk}"), name="Mine")
    for method, path in (("PUT", ""), ("DELETE", "")):
        problem(program.call(method, f"/connections/{row.pk}{path}", wanted), 428, "precondition_missing")
    for nonsense in ('"nonsense"', 'W/"x"', "x"):
        answer = program.call("PUT", f"/connections/{row.pk}", wanted, headers={"If-Match": nonsense})
        problem(answer, 412, "changed_meanwhile")
    assert program.call("PUT", f"/connections/{row.pk}", wanted, headers={"If-Match": "*"}).status_code == 200


def test_projects_are_limited_and_freed(program: Program, connected: Connected, sandbox: Sandbox) -> None:
    row = connected()
    project = sandbox.state.organizations["acme"].projects[0]
    shown = program.get(f"/connections/{row.pk}")
    limited = program.put(f"/connections/{row.pk}", settings_of(shown, projects=[project.id]), version=shown["version"])
    assert limited["projects"] == [{"id": project.id, "name": project.name, "is_visible": True}]
    freed = program.put(f"/connections/{row.pk}", settings_of(limited, projects=None), version=limited["version"])
    assert freed["projects"] is None
    unknown = settings_of(freed, projects=["x"])
    answer = program.call("PUT", f"/connections/{row.pk}", unknown, headers={"If-Match": "*"})
    problem(answer, 422, "project_not_visible")


def test_a_token_is_updated(program: Program, connected: Connected, token_of: Token) -> None:
    row = connected()
    version = program.get(f"/connections/{row.pk}")["version"]
    body = {"token": token_of("full-again"), "expires_on": (timezone.localdate() + timedelta(days=60)).isoformat()}
    rotated = program.put(f"/connections/{row.pk}/token", body, version=version)
    assert rotated["same_person"]
    assert (rotated["lost"], rotated["gained"]) == ([], [])
    assert rotated["old_token"]["still_used_by"] == []
    row.refresh_from_db()
    assert row.stored_credential.reveal().reveal() == token_of("full-again")
    again = program.call("PUT", f"/connections/{row.pk}/token", body, headers={"If-Match": f'"{rotated["version"]}"'})
    problem(again, 409, "same_token")
    stale = program.call("PUT", f"/connections/{row.pk}/token", body, headers={"If-Match": f'"{version}"'})
    problem(stale, 412, "changed_meanwhile")


def test_a_rejected_new_token_changes_nothing(program: Program, connected: Connected, token_of: Token) -> None:
    row = connected()
    version = program.get(f"/connections/{row.pk}")["version"]
    headers = {"If-Match": f'"{version}"'}
    answer = program.call("PUT", f"/connections/{row.pk}/token", {"token": token_of("revoked")}, headers=headers)
    problem(answer, 422, "token_refused")
    assert program.get(f"/connections/{row.pk}")["version"] == version


def test_a_stored_connection_is_tested(program: Program, connected: Connected) -> None:
    row = connected()
    found = program.post(f"/connections/{row.pk}/test")
    assert (found["health"], found["is_accepted"], found["has_passed"]) == ("healthy", True, True)
    assert found["problem"] is None
    assert {capability["verdict"] for capability in found["capabilities"]} == {"granted"}
    Connection.objects.filter(pk=row.pk).update(server="Gone")
    found = program.post(f"/connections/{row.pk}/test")
    assert found["problem"]["code"] == "server_unknown"


def test_tests_are_limited_as_on_the_page(program: Program, connected: Connected, settings: Any) -> None:
    row = connected()
    settings.TESTS_PER_PERSON = 1
    program.post(f"/connections/{row.pk}/test")
    response = program.call("POST", f"/connections/{row.pk}/test")
    problem(response, 429, "too_many_tests")
    assert int(response.headers["Retry-After"]) > 0


def test_a_connection_is_disabled_and_enabled(program: Program, connected: Connected) -> None:
    row = connected()
    version = program.get(f"/connections/{row.pk}")["version"]
    for _ in range(2):
        assert program.post(f"/connections/{row.pk}/disable")["is_disabled"]
    stale = program.call("POST", f"/connections/{row.pk}/enable", headers={"If-Match": f'"{version}"'})
    problem(stale, 412, "changed_meanwhile")
    assert not program.post(f"/connections/{row.pk}/enable")["is_disabled"]
    kinds = Event.objects.filter(kind__in=("connection.disabled", "connection.enabled")).order_by("pk")
    assert [event.kind for event in kinds] == ["connection.disabled", "connection.enabled"]


def test_a_connection_is_disconnected(program: Program, connected: Connected) -> None:
    row, other = connected(), connected("Other", organization="fabrikam")
    version = program.get(f"/connections/{row.pk}")["version"]
    old = program.call("DELETE", f"/connections/{row.pk}", headers={"If-Match": f'"{version}"'})
    assert old.status_code == 200, old.content
    assert old.json()["still_used_by"] == [{"id": other.pk, "name": "Other"}]
    problem(program.call("GET", f"/connections/{row.pk}"), 404, "connection_gone")
    again = program.call("DELETE", f"/connections/{row.pk}", headers={"If-Match": f'"{version}"'})
    problem(again, 404, "connection_gone")


def names(program: Program, query: str) -> list[str]:
    """All pages, by the links."""
    found: list[str] = []
    path: str | None = f"/connections?{query}"
    while path is not None:
        page = program.get(path)
        found += [row["name"] for row in page["connections"]]
        path = page["next"] and page["next"].removeprefix("http://127.0.0.1:8000/api/v1")
    return found


@pytest.mark.parametrize("sort", ["", "expiry", "checked"])
@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_pages_by_cursor_have_each_row_once_in_the_order_of_the_page(program: Program, sort: str, limit: int) -> None:
    days = [None, date(2026, 12, 1), None, date(2026, 12, 1), date(2027, 1, 1)]
    checked = [None, None, timezone.now(), timezone.now() - timedelta(days=1), None]
    for number, (day, at) in enumerate(zip(days, checked, strict=True)):
        ConnectionFactory.create(name=f"{'bAbAc'[number]} {number}", expires_on=day, checked_at=at)
    expected = [row.name for row in reads.connections(reads.Filters(sort=sort), today=date(2026, 11, 24))]
    assert names(program, f"sort={sort}&limit={limit}") == expected


def test_the_list_has_every_filter_of_the_page(program: Program) -> None:
    today = timezone.localdate()
    ConnectionFactory.create(name="Alpha", health="healthy", expires_on=today + timedelta(days=200))
    ConnectionFactory.create(name="Beta", health="rejected", expires_on=today + timedelta(days=200))
    ConnectionFactory.create(name="Gamma", health="healthy", disabled=True, expires_on=today)
    assert names(program, "q=alp") == ["Alpha"]
    assert names(program, "status=rejected") == ["Beta"]
    assert names(program, "status=attention") == ["Beta"]
    assert names(program, "status=disabled") == ["Gamma"]
    assert names(program, f"on={today + timedelta(days=200)}") == ["Alpha", "Beta"]
    assert names(program, "provider=azure_devops") == ["Alpha", "Beta", "Gamma"]
    assert names(program, "q=%00") == names(program, "q=%EF%BF%BD")
    for query in ("status=x", "provider=x", "on=x", "sort=x", "limit=0", "limit=201", "limit=x", "cursor=x"):
        response = program.call("GET", f"/connections?{query}")
        problem(response, 422, "cursor_invalid" if "cursor" in query else "input_invalid")


def test_every_status_of_the_page_can_be_asked_for(program: Program, sandbox: object) -> None:
    for status, _ in reads.status_choices():
        assert program.get(f"/connections?status={status}")["connections"] == []


def test_a_cursor_is_for_its_own_order(program: Program) -> None:
    for number in range(2):
        ConnectionFactory.create(name=f"c{number}")
    cursor = program.get("/connections?limit=1")["next"].rpartition("cursor=")[2]
    problem(program.call("GET", f"/connections?limit=1&sort=expiry&cursor={cursor}"), 422, "cursor_invalid")


def test_a_page_asks_the_database_as_often_for_many_rows(
    program: Program, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(20):
        ConnectionFactory.create(name=f"c{number:02}", all_projects=False)
    program.get("/connections?limit=1")
    with django_assert_max_num_queries(9):
        assert len(program.get("/connections")["connections"]) == 20


def test_a_limited_token_sees_only_its_connections(
    program_of: Callable[..., Program], maintainer: Any, connected: Connected
) -> None:
    seen, hidden = connected("Seen"), connected("Hidden", organization="fabrikam")
    limited = program_of(maintainer, *EVERYTHING, connections=[seen.pk])
    assert names(limited, "") == ["Seen"]
    assert limited.get(f"/connections/{seen.pk}")["name"] == "Seen"
    for method, path in (
        ("GET", ""),
        ("GET", "/capabilities"),
        ("POST", "/test"),
        ("POST", "/disable"),
        ("POST", "/enable"),
        ("DELETE", ""),
    ):
        answer = limited.call(method, f"/connections/{hidden.pk}{path}", headers={"If-Match": "*"})
        problem(answer, 404, "connection_gone")
    Connection.objects.filter(pk=seen.pk).delete()
    assert names(limited, "") == []


def test_extra_recipients_are_for_those_who_edit(
    program_of: Callable[..., Program], maintainer: Any, connected: Connected
) -> None:
    row = connected()
    viewer = program_of(maintainer, "connections.view_connection")
    assert viewer.get(f"/connections/{row.pk}")["extra_recipients"] is None


def test_the_tag_of_a_compressed_response_is_accepted_as_it_came(program: Program, connected: Connected) -> None:
    path = f"/connections/{connected('Acme main').pk}"
    response = program.call("GET", path, headers={"Accept-Encoding": "gzip"})
    tag = response.headers["ETag"]
    assert tag.startswith('W/"')
    shown = program.get(path)
    assert program.call("PUT", path, settings_of(shown), headers={"If-Match": tag}).status_code == 200
    assert program.call("DELETE", path, headers={"If-Match": tag}).status_code == 200


def test_a_limited_token_learns_only_how_many_others_use_the_old_token(
    maintainer: User, program_of: Callable[..., Program], connected: Connected
) -> None:
    one, other = connected("Acme main"), connected("Secret other")
    limited = program_of(maintainer, *EVERYTHING, connections=[one.pk])
    version = limited.get(f"/connections/{one.pk}")["version"]
    gone = limited.call("DELETE", f"/connections/{one.pk}", headers={"If-Match": f'"{version}"'})
    assert (gone.json()["still_used_by"], gone.json()["still_used_by_others"]) == ([], 1)
    assert other.name not in gone.content.decode()


@pytest.mark.usefixtures("sandbox")
def test_a_creation_and_its_key_are_stored_together_or_not_at_all(
    program: Program, token_of: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, headers = new(token_of("full")), {"Idempotency-Key": "run-42"}

    def away(*_: object, **_more: object) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr("api.actions.idempotency.finish", away)
        assert program.call("POST", "/connections", body, headers=headers).status_code == 503
    assert not Connection.objects.exists()
    assert program.call("POST", "/connections", body, headers=headers).status_code == 201
