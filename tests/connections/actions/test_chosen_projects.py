"""What an audit stores of a connection that is limited to some projects."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections.actions.edit import edit
from connections.models import ChosenProject, Connection
from sandbox.server import Sandbox
from sandbox.state import Project
from tests.connections.denials import WRITES, deny, hide
from tests.connections.limits import CLOCK, Connected, changes, limit, look, state, where


@pytest.fixture
def projects(sandbox: Sandbox) -> list[Project]:
    return sandbox.state.organizations["acme"].projects


@pytest.mark.parametrize("interactive", [True, False], ids=["a person", "the clock"])
def test_an_unchosen_project_that_denies_makes_nothing_limited(
    connected: Connected, sandbox: Sandbox, projects: list[Project], interactive: bool
) -> None:
    connection = limit(connected(), projects[3])
    deny(sandbox, projects[0].id)
    look(connection, interactive=interactive)
    assert connection.health == "healthy"
    assert where(connection) == [(projects[3].name, "granted")]


def test_the_clock_asks_for_as_little_as_a_person(
    connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[120])
    sandbox.requests.clear()
    look(connection, interactive=False)
    assert len(sandbox.requests) <= 14


def test_a_chosen_project_that_denies_is_told_while_another_chosen_one_grants(
    connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    first, second = sorted(projects[3:5], key=lambda one: one.name)
    connection = limit(connected(), first, second)
    deny(sandbox, first.id, path=WRITES)
    look(connection)
    assert connection.health == "healthy"
    assert where(connection) == [(first.name, "not_permitted"), (second.name, "granted")]


def test_what_every_chosen_project_denies_makes_it_limited(
    connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[3], projects[4])
    deny(sandbox, projects[3].id, projects[4].id, path=WRITES)
    look(connection)
    assert connection.health == "limited"
    assert {verdict for _, verdict in where(connection)} == {"not_permitted"}


def test_when_no_chosen_project_is_visible_it_is_limited_and_what_was_known_stays(
    connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[3])
    look(connection)
    hide(sandbox, projects[3].id)
    look(connection)
    assert connection.health == "limited"
    assert (state(connection).verdict, state(connection).doubt) == ("granted", "no_chosen_project")
    assert where(connection) == [(projects[3].name, "granted")]


def test_since_when_a_chosen_project_is_not_visible_is_kept_until_it_is(
    connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[3], projects[4])
    hide(sandbox, projects[3].id)
    look(connection)
    hidden = ChosenProject.objects.get(project_id=projects[3].id)
    since = hidden.not_visible_since
    assert since is not None
    look(connection)
    hidden.refresh_from_db()
    assert hidden.not_visible_since == since
    projects[3].seen_by = None
    look(connection)
    hidden.refresh_from_db()
    assert hidden.not_visible_since is None
    assert connection.health == "healthy"


def test_a_list_that_fails_says_nothing_of_what_is_visible(
    connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[3])
    sandbox.behaviour.add("status", path="_apis/projects", status=500)
    look(connection)
    assert connection.health == "healthy"
    assert state(connection).doubt == "server_error"
    assert ChosenProject.objects.get().not_visible_since is None


def test_with_write_probes_off_a_project_that_is_back_leaves_no_doubt(
    connected: Connected, sandbox: Sandbox, projects: list[Project], settings: Any
) -> None:
    connection = limit(connected(), projects[3])
    settings.AZURE_DEVOPS_WRITE_PROBES = False
    hide(sandbox, projects[3].id)
    look(connection)
    projects[3].seen_by = None
    look(connection)
    assert connection.health == "healthy"
    assert state(connection).doubt == ""


@pytest.mark.parametrize(("number", "health"), [(0, "limited"), (1, "healthy"), (None, "healthy")])
def test_where_the_first_project_denies_every_change_the_chosen_one_decides(
    connected: Connected, sandbox: Sandbox, number: int | None, health: str
) -> None:
    connection = connected(organization="uneven")
    if number is not None:
        limit(connection, sandbox.state.organizations["uneven"].projects[number])
    look(connection)
    assert connection.health == health
    assert [verdict for _, verdict in where(connection)] == {
        0: ["not_permitted"],
        1: ["granted"],
        None: ["not_permitted", "granted"],
    }[number]


def test_a_change_of_projects_is_looked_into_at_once(connected: Connected, projects: list[Project]) -> None:
    connection = connected()
    assert connection.next_check_at > timezone.now() + timedelta(hours=1)
    limit(connection, projects[3])
    assert Connection.objects.get().next_check_at <= timezone.now()


def test_a_change_of_the_name_alone_is_not(connected: Connected) -> None:
    connection = connected()
    due = connection.next_check_at
    connection.name = "Acme two"
    edit(connection, changes(connection), by=CLOCK, now=timezone.now())
    assert Connection.objects.get().next_check_at == due


def test_projects_that_are_changed_during_a_check_want_another(
    connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    connection = connected()
    asked_about = Connection.objects.get()
    limit(connection, projects[3])
    asked_about.all_projects = True
    look(asked_about)
    assert Connection.objects.get().next_check_at <= timezone.now()
