"""The test of a token that is limited to some projects, before it is connected or swapped."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions.bulk_rotate import bulk_rotate
from connections.actions.rotate import Replacement, rotate
from connections.models import Connection
from connections.providers.azure_devops.credentials import PersonalAccessToken
from sandbox.server import Sandbox
from sandbox.state import Project
from tests.connections.denials import WRITES, deny
from tests.connections.limits import CLOCK, Connected, limit, where

Token = Callable[[str], str]
FORM = {"name": "Acme main", "organization": "acme", "expires": "90", "token_reach": "one"}


@pytest.fixture
def projects(sandbox: Sandbox) -> list[Project]:
    return sandbox.state.organizations["acme"].projects


def connect_form(token: str, **more: object) -> dict[str, object]:
    return FORM | {"token": token, **more}


def only(*projects: Project) -> dict[str, object]:
    return {"projects_mode": "some", "projects": [one.id for one in projects]}


def key_on(page: str) -> str:
    return page.partition('name="verification_key" value="')[2].partition('"')[0]


def post(pages: Client, name: str, data: dict[str, object], *args: object) -> str:
    return pages.post(reverse(f"connections:{name}", args=args), data, follow=True).content.decode()


def test_connect_looks_into_the_chosen_projects_when_the_test_looked_elsewhere(
    pages: Client, sandbox: Sandbox, token_of: Token, projects: list[Project]
) -> None:
    deny(sandbox, *(one.id for one in projects[:3]), path=WRITES)
    tested = post(pages, "test-new", connect_form(token_of("full")))
    assert "permissions are missing" in tested
    data = connect_form(token_of("full"), verification_key=key_on(tested), **only(projects[3]))
    assert "is now connected to acme" in post(pages, "add-azure-devops", data)
    assert Connection.objects.get().health == "healthy"


def test_connect_believes_a_test_without_denials_in_one_of_the_chosen_projects(
    pages: Client, sandbox: Sandbox, token_of: Token, projects: list[Project]
) -> None:
    tested = post(pages, "test-new", connect_form(token_of("full")))
    asked = len(sandbox.requests)
    data = connect_form(token_of("full"), verification_key=key_on(tested), **only(projects[0], projects[3]))
    post(pages, "add-azure-devops", data)
    assert not any("/git/" in one.path for one in sandbox.requests[asked:])
    assert Connection.objects.get().health == "healthy"


def test_what_the_chosen_project_denies_is_shown_and_then_accepted_without_a_third_test(
    pages: Client, sandbox: Sandbox, token_of: Token, projects: list[Project]
) -> None:
    deny(sandbox, projects[3].id, path=WRITES)
    tested = post(pages, "test-new", connect_form(token_of("full")))
    assert "Connection successful" in tested
    data = connect_form(token_of("full"), verification_key=key_on(tested), **only(projects[3]))
    refused = post(pages, "add-azure-devops", data)
    assert f"lacks the permissions in {projects[3].name}" in refused
    assert not Connection.objects.exists()
    asked = len(sandbox.requests)
    post(pages, "add-azure-devops", data | {"verification_key": key_on(refused), "accept_limited": "on"})
    assert not any("connectionData" in one.path for one in sandbox.requests[asked:])
    assert Connection.objects.get().health == "limited"


def test_a_test_of_chosen_projects_tries_those(
    pages: Client, sandbox: Sandbox, token_of: Token, projects: list[Project]
) -> None:
    page = post(pages, "test-new", connect_form(token_of("full"), **only(projects[3])))
    assert f"Tested in {projects[3].name}." in page


def test_a_mistake_elsewhere_keeps_the_test_and_the_list_of_projects(
    pages: Client, sandbox: Sandbox, token_of: Token, projects: list[Project]
) -> None:
    deny(sandbox, *(one.id for one in projects[:3]), path=WRITES)
    tested = post(pages, "test-new", connect_form(token_of("full")))
    data = connect_form(token_of("full"), verification_key=key_on(tested), **only(projects[3])) | {"name": ""}
    page = post(pages, "add-azure-devops", data)
    assert "Enter a name." in page
    assert projects[3].name in page


def test_a_list_that_could_not_be_read_is_the_reason_why_a_project_cannot_be_chosen(
    pages: Client, sandbox: Sandbox, token_of: Token, projects: list[Project]
) -> None:
    sandbox.behaviour.add("status", path="_apis/projects", status=500)
    page = post(pages, "add-azure-devops", connect_form(token_of("full"), accept_limited="on", **only(projects[3])))
    assert "cannot see one of the chosen projects" not in page
    assert "Azure DevOps reported an internal error" in page


def replacement(secret: str, **more: Any) -> Replacement:
    return Replacement(PersonalAccessToken(secret), None, "one", **more)


def test_a_new_token_is_tried_in_the_chosen_projects(
    connected: Connected, maintainer: User, sandbox: Sandbox, token_of: Token, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[3])
    deny(sandbox, projects[0].id)
    rotate(connection, replacement(token_of("full-again")), person=maintainer, by=CLOCK, now=timezone.now())
    assert connection.health == "healthy"
    assert where(connection) == [(projects[3].name, "granted")]


def test_one_token_for_connections_with_different_limits_is_tried_in_the_projects_of_each(
    connected: Connected, maintainer: User, sandbox: Sandbox, token_of: Token, projects: list[Project]
) -> None:
    one, other = limit(connected("One"), projects[3]), limit(connected("Other"), projects[4])
    deny(sandbox, projects[3].id, path=WRITES)
    new = replacement(token_of("full-again"), accept_limited=True)
    swapped = bulk_rotate([one, other], new, person=maintainer, by=CLOCK, now=timezone.now())
    assert [each.connection.health for each in swapped] == ["limited", "healthy"]


def test_connections_with_one_limit_share_a_test(
    connected: Connected, maintainer: User, sandbox: Sandbox, token_of: Token, projects: list[Project]
) -> None:
    one, other = limit(connected("One"), projects[3]), limit(connected("Other"), projects[3])
    deny(sandbox, projects[3].id, path=WRITES)
    sandbox.requests.clear()
    new = replacement(token_of("full-again"), accept_limited=True)
    bulk_rotate([one, other], new, person=maintainer, by=CLOCK, now=timezone.now())
    assert sum("connectionData" in request.path for request in sandbox.requests) == 1


def test_a_new_token_that_is_limited_in_the_chosen_project_is_shown_and_accepted_by_the_same_test(
    pages: Client, connected: Connected, sandbox: Sandbox, token_of: Token, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[3])
    deny(sandbox, projects[3].id, path=WRITES)
    data: dict[str, object] = {"token": token_of("full-again"), "expires": "30", "token_reach": "one"}
    sandbox.requests.clear()
    refused = post(pages, "update-token", data, connection.pk)
    assert f"Denied in {projects[3].name}" in refused
    post(pages, "update-token", data | {"verification_key": key_on(refused), "accept_limited": "on"}, connection.pk)
    assert sum("connectionData" in request.path for request in sandbox.requests) == 1
    assert Connection.objects.get().health == "limited"


def test_a_test_for_several_connections_shows_a_report_for_each_limit(
    pages: Client, connected: Connected, sandbox: Sandbox, token_of: Token, projects: list[Project]
) -> None:
    connections = [limit(connected("One"), projects[3]), limit(connected("Other"), projects[5])]
    deny(sandbox, projects[3].id, path=WRITES)
    steps = ".".join(str(one.pk) for one in connections)
    address = f"{reverse('connections:verify-step')}?steps={steps}&at=1"
    data = {"token": token_of("full-again"), "expires": "30", "token_reach": "one"}
    page = pages.post(address, data).content.decode()
    assert page.count('class="report"') == 2
    assert f">acme, {projects[3].name}</h3>" in page
    assert "lacks the permissions in" in page
    assert "Connection successful" in page
