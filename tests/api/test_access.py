"""Who gets into the API: tokens and their owners, roles, cookies, and how often."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from api.models import ApiToken
from api.scopes import SCOPES
from api.token_text import new_token
from api.v1.operations import access_of_operations, document
from people import roles
from people.actions import manage_people
from people.sessions import SEEN_AT
from tests.api.calls import BASE, Program, problem
from tests.api.conftest import EVERYTHING
from tests.factories import ConnectionFactory, make_person, make_token, quietly
from tests.test_who_may_do_what import WHO, user_of

NOBODY, *ROLES = WHO[1:]
# Each operation, for nobody, Viewer, Operator, Maintainer, Administrator. The connection's server is gone, so what is
# allowed ends with the problem that it is.
TABLE = """
list_connections         | 403 200 200 200 200
test_token               | 403 403 403 422 422
create_connection        | 403 403 403 422 422
get_connection           | 403 200 200 200 200
list_capabilities        | 403 200 200 200 200
update_connection        | 403 403 403 200 200
rotate_token             | 403 403 403 422 422
test_connection          | 403 403 200 200 200
disable_connection       | 403 403 403 200 200
enable_connection        | 403 403 403 200 200
delete_connection        | 403 403 403 200 200
get_used_by              | 403 200 200 200 200
update_used_by           | 403 403 403 200 200
list_register_entries    | 403 200 200 200 200
get_register_entry       | 403 200 200 200 200
create_register_entry    | 403 403 403 201 201
update_register_entry    | 403 403 403 200 200
close_register_entry     | 403 403 403 200 200
reopen_register_entry    | 403 403 403 200 200
delete_register_entry    | 403 403 403 204 204
list_leaks               | 403 403 403 200 200
get_leak                 | 403 200 200 200 200
find_leaked_token        | 403 403 403 200 200
declare_token_leaked     | 403 403 403 422 422
declare_connection_leaked | 403 403 403 422 422
declare_register_entry_leaked | 403 403 403 200 200
list_audits              | 403 200 200 200 200
start_audit              | 403 403 202 202 202
get_audit                | 403 200 200 200 200
list_audited_connections | 403 200 200 200 200
cancel_audit             | 403 403 200 200 200
list_repositories        | 403 200 200 200 200
get_repository           | 403 200 200 200 200
get_sync                 | 403 200 200 200 200
start_sync               | 403 403 202 202 202
list_pipelines           | 403 200 200 200 200
get_pipeline             | 403 200 200 200 200
list_branches            | 403 422 422 422 422
list_builds              | 403 422 422 422 422
run_pipeline             | 403 403 422 422 422
get_build                | 403 422 422 422 422
cancel_build             | 403 403 422 422 422
get_log                  | 403 422 422 422 422
list_release_pipelines   | 403 200 200 200 200
get_release_pipeline     | 403 200 200 200 200
list_release_choices     | 403 422 422 422 422
list_releases            | 403 422 422 422 422
create_release           | 403 403 403 422 422
get_release              | 403 422 422 422 422
deploy_stage             | 403 403 403 422 422
cancel_deployment        | 403 403 403 422 422
approve_deployment       | 403 403 403 422 422
reject_deployment        | 403 403 403 422 422
list_connection_events   | 403 200 200 200 200
list_events              | 403 403 403 403 200
get_outbox               | 403 403 403 403 200
list_mails               | 403 403 403 403 200
get_mail                 | 403 403 403 403 200
retry_mail               | 403 403 403 403 202
get_health               | 403 200 200 200 200
"""
NEW = {"name": "New", "organization": "acme", "token": "x" * 52, "server": "Gone"}
BODIES: dict[str, dict[str, Any]] = {
    "test_token": NEW,
    "create_connection": NEW,
    "update_connection": {
        "name": "New",
        "expires_on": None,
        "token_reach": "unknown",
        "projects": None,
        "extra_recipients": [],
    },
    "rotate_token": {"token": "x" * 52},
    "update_used_by": {"used_by": []},
    "create_register_entry": {"name": "New", "kind": "other"},
    "update_register_entry": {
        "name": "New",
        "kind": "other",
        "organization": "",
        "owner": "owner",
        "outside_owner": "",
        "purpose": "",
        "used_by": [],
        "scopes": "",
        "expires_on": None,
        "extra_recipients": [],
        "notes": "",
    },
    "close_register_entry": {"reason": "unused"},
    "find_leaked_token": {"token": "x" * 52},
    "declare_token_leaked": {"token": "x" * 52},
    "run_pipeline": {"branch": "main"},
    "create_release": {},
    "deploy_stage": {},
    "cancel_deployment": {},
    "approve_deployment": {},
    "reject_deployment": {},
}


def table() -> dict[str, list[int]]:
    rows = [line.split("|") for line in TABLE.strip().splitlines()]
    return {name.strip(): [int(cell) for cell in cells.split()] for name, cells in rows}


def operations() -> Iterator[tuple[str, str, str]]:
    """Each operation: its id, its method, its path below the base."""
    for path, methods in document()["paths"].items():
        for method, described in methods.items():
            yield described["operationId"], method.upper(), path.removeprefix(BASE)


Ask = Callable[..., dict[str, int]]


class _Undo(Exception):
    """Takes back what a call did, so that each call meets the same rows."""


@pytest.fixture
def ask(ids: dict[str, int]) -> Iterator[Ask]:
    """The status of each operation for a program, or of some: `ask(program, "get_health")`."""

    def statuses(program: Program, *some: str) -> dict[str, int]:
        found = {}
        for name, method, path in operations():
            if some and name not in some:
                continue
            with suppress(_Undo), transaction.atomic():
                body, headers = BODIES.get(name), {"If-Match": "*"}
                found[name] = program.call(method, path.format(**ids), body, headers=headers).status_code
                raise _Undo
        return found

    with patch("celery.app.task.Task.apply_async"), patch("orchestrator.health.report", return_value=[]):
        yield statuses


def test_every_operation_is_in_the_table() -> None:
    assert {name for name, _, _ in operations()} == set(table())


def test_tokens_can_carry_exactly_what_operations_ask_for() -> None:
    asked = {access.permission for access in access_of_operations().values()}
    assert asked == {scope.permission for scope in SCOPES}


def test_operations_ask_for_the_permissions_of_the_pages(db: None) -> None:
    rows = Permission.objects.filter(content_type__app_label__in=roles.APPS)
    known = {f"{row.content_type.app_label}.{row.codename}" for row in rows.select_related("content_type")}
    assert set(EVERYTHING) <= known


@pytest.mark.parametrize("who", [NOBODY, *ROLES])
def test_each_role_gets_exactly_what_the_table_says(ask: Ask, who: str) -> None:
    # The token carries more than the role has; that changes nothing.
    _, text = make_token(user_of(who), *EVERYTHING)
    expected = {name: cells[WHO.index(who) - 1] for name, cells in table().items()}
    assert ask(Program(text)) == expected


def test_a_token_gives_only_what_it_carries(ask: Ask) -> None:
    """Nothing makes up for a permission: without it, all others together do not do, and so neither do some of them."""
    owner, asked = user_of("Administrator"), access_of_operations()
    for permission in EVERYTHING:
        others = [other for other in EVERYTHING if other != permission]
        needing = {name for name, access in asked.items() if permission in access.permissions}
        assert ask(Program(make_token(owner, *others)[1]), *needing) == dict.fromkeys(needing, 403)


def test_the_permissions_of_an_operation_are_enough(ask: Ask) -> None:
    """A permission alone, or with the one to read what is shown, is enough."""
    owner, asked = user_of("Administrator"), access_of_operations()
    for permissions in {tuple(access.permissions) for access in asked.values()}:
        of_these = {name for name, access in asked.items() if tuple(access.permissions) == permissions}
        statuses = ask(Program(make_token(owner, *permissions)[1]), *of_these)
        assert {name for name, status in statuses.items() if status != 403} == of_these
    assert {len(access.permissions) for access in asked.values()} == {1, 2}


def test_a_limited_token_does_nothing_that_concerns_others(ask: Ask) -> None:
    found = ask(Program(make_token(user_of("Administrator"), *EVERYTHING, connections=[])[1]))
    refused = {name for name, access in access_of_operations().items() if access.all_connections}
    assert {name for name, status in found.items() if status == 403} == refused
    assert refused == {
        "test_token",
        "create_connection",
        "list_register_entries",
        "get_register_entry",
        "create_register_entry",
        "update_register_entry",
        "close_register_entry",
        "reopen_register_entry",
        "delete_register_entry",
        "list_leaks",
        "get_leak",
        "find_leaked_token",
        "declare_token_leaked",
        "declare_connection_leaked",
        "declare_register_entry_leaked",
        "list_audits",
        "list_events",
        "get_outbox",
        "list_mails",
        "get_mail",
        "retry_mail",
        "start_audit",
        "get_audit",
        "list_audited_connections",
        "cancel_audit",
    }


def test_the_problem_says_whether_token_or_role_lacks_the_permission(maintainer: User, db: None) -> None:
    problem(Program(make_token(maintainer)[1]).call("GET", "/connections"), 403, "not_permitted_by_token")
    text = make_token(make_person("nobody"), "connections.view_connection")[1]
    problem(Program(text).call("GET", "/connections"), 403, "not_permitted_by_role")


def test_no_cookie_opens_the_api(maintainer: User) -> None:
    client = Client()
    client.force_login(maintainer)
    for _, method, path in operations():
        address = BASE + re.sub(r"\{\w+\}", "1", path)
        problem(client.generic(method, address), 401, "api_token_missing")


def test_the_api_leaves_the_session_of_a_cookie_as_it_is(maintainer: User) -> None:
    client = Client()
    client.force_login(maintainer)
    session, before = client.session, 1.0
    session[SEEN_AT] = before
    session.save()
    response = client.get(f"{BASE}/connections")
    assert response.status_code == 401
    assert settings.SESSION_COOKIE_NAME not in response.cookies
    assert client.session[SEEN_AT] == before


def test_no_token_opens_a_page(maintainer: User) -> None:
    text = make_token(maintainer, *EVERYTHING)[1]
    for name in ("connections:list", "people:account", "api:tokens", "api:reference", "api:document"):
        answer = Client().get(reverse(name), headers={"Authorization": f"Bearer {text}"})
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/sign-in/")


def test_a_cookie_beside_a_token_changes_nothing(maintainer: User) -> None:
    client = Client()
    client.force_login(make_person("root", staff=True))
    text = make_token(make_person("ann"), "connections.view_connection")[1]
    answer = client.get(f"{BASE}/connections", headers={"Authorization": f"Bearer {text}"})
    problem(answer, 403, "not_permitted_by_role")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "api_token_missing"),
        ("Basic Zm9vOmJhcg==", "api_token_missing"),
        ("Bearer", "api_token_missing"),
        ("Bearer ", "api_token_missing"),
        ("Bearer x", "api_token_unknown"),
        ("Bearer mfeo_" + "x" * 46, "api_token_unknown"),
        ("Bearer \ud800".encode("utf-8", "replace").decode(), "api_token_unknown"),
        ("Bearer " + "x" * 10_000, "api_token_unknown"),
    ],
)
def test_what_is_no_token_is_refused(db: None, header: str, code: str) -> None:
    answer = Client().get(f"{BASE}/connections", headers={"Authorization": header} if header else {})
    problem(answer, 401, code)
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="MFE Orchestrator"')


def test_a_token_that_never_existed_is_refused(db: None) -> None:
    problem(Program(new_token().reveal()).call("GET", "/connections"), 401, "api_token_unknown")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "api_token_expired"),
        ({"revoked_at": timezone.now()}, "api_token_revoked"),
    ],
)
def test_a_token_that_ended_is_refused(maintainer: User, changes: dict[str, Any], code: str) -> None:
    token, text = make_token(maintainer, *EVERYTHING)
    ApiToken.objects.filter(pk=token.pk).update(**changes)
    problem(Program(text).call("GET", "/connections"), 401, code)


def test_a_token_of_someone_made_inactive_is_refused(maintainer: User) -> None:
    text = make_token(maintainer, *EVERYTHING)[1]
    User.objects.filter(pk=maintainer.pk).update(is_active=False)
    problem(Program(text).call("GET", "/connections"), 401, "api_token_owner_inactive")


def test_a_token_loses_what_its_owner_loses(db: None) -> None:
    owner = user_of("Operator")
    row = ConnectionFactory.create(server="Gone")
    program = Program(make_token(owner, *EVERYTHING)[1])
    assert program.call("POST", f"/connections/{row.pk}/test").status_code == 200
    with quietly():
        manage_people.assign_role(owner, "Viewer")
    problem(program.call("POST", f"/connections/{row.pk}/test"), 403, "not_permitted_by_role")
    assert program.get("/connections")["connections"]


def test_requests_are_limited_for_each_token(maintainer: User, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    one, other = (Program(make_token(maintainer, *EVERYTHING)[1]) for _ in range(2))
    for _ in range(2):
        one.get("/connections")
    response = one.call("GET", "/connections")
    problem(response, 429, "too_many_requests")
    assert 0 < int(response.headers["Retry-After"]) <= 30
    other.get("/connections")


def test_the_last_use_is_noted_once_a_minute(maintainer: User) -> None:
    token, text = make_token(maintainer, *EVERYTHING)
    Program(text).get("/connections")
    token.refresh_from_db()
    assert token.last_used_address == "127.0.0.1"
    first = token.last_used_at
    Program(text).get("/connections")
    token.refresh_from_db()
    assert token.last_used_at == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    Program(text).get("/connections")
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert first is not None
    assert token.last_used_at > first
