"""What pages and commands say of a connection that is limited to some projects."""

import pytest
from django.test import Client
from django.urls import reverse

from connections.models import Connection
from sandbox.server import Sandbox
from sandbox.state import Project
from tests.connections.commands import Ran
from tests.connections.denials import WRITES, deny, hide
from tests.connections.limits import Connected, limit

WRITING = ["code_write", "build_execute", "release_execute", "release_manage"]
WHERE = "Denied in Storefront, granted in Tailwind"


@pytest.fixture
def projects(sandbox: Sandbox) -> list[Project]:
    return sandbox.state.organizations["acme"].projects


def post(pages: Client, name: str, data: dict[str, object], *args: object) -> str:
    return pages.post(reverse(f"connections:{name}", args=args), data, follow=True).content.decode()


@pytest.fixture
def mixed(connected: Connected, sandbox: Sandbox, projects: list[Project]) -> Connection:
    """Denied in Storefront, granted in Tailwind."""
    projects[3].name, projects[4].name = "Storefront", "Tailwind"
    connection = limit(connected(), projects[3], projects[4])
    deny(sandbox, projects[3].id, path=WRITES)
    return connection


def test_the_page_says_where_it_is_denied_and_where_granted(pages: Client, mixed: Connection) -> None:
    tested = post(pages, "test", {}, mixed.pk)
    stored = pages.get(mixed.get_absolute_url()).content.decode()
    # After a test, its result stands above what is stored.
    for page, times in ((tested, 2), (stored, 1)):
        assert page.count(f"{WHERE}.</p>") == times * len(WRITING)
        assert page.count("Not permitted in every project") == 1
        names = "Code write, Build execute, Release write &amp; execute and Release manage"
        assert f"{WHERE}: {names}." in page
        assert "</time> in Storefront and Tailwind" in page
    assert "Tested in Storefront and Tailwind." in tested
    assert "Connection successful" in tested


def test_the_command_prints_where_it_is_denied_and_where_granted(mixed: Connection) -> None:
    ran = Ran("test", mixed.name)
    assert ran.code == 0
    assert f"Granted. {WHERE}" in ran.out
    assert "Tested in Storefront and Tailwind." in ran.out


def test_json_holds_the_verdict_in_each_project(mixed: Connection, projects: list[Project]) -> None:
    tested = Ran("test", mixed.name, "--json").json
    assert tested["projects_tried"] == ["Storefront", "Tailwind"]
    audited = Ran("audit", "--stored", mixed.name, "--json").json["connections"][0]
    for found in (tested, audited):
        scope = next(one for one in found["scopes"] if one["capability"] == "code_write")
        assert (scope["verdict"], scope["where"], scope["is_mixed"]) == ("granted", WHERE, True)
        assert scope["projects"] == [
            {"id": projects[3].id, "name": "Storefront", "verdict": "not_permitted", "reason": "access_denied"},
            {"id": projects[4].id, "name": "Tailwind", "verdict": "granted", "reason": ""},
        ]


def test_an_audit_prints_a_line_for_each_scope_of_which_there_is_something_to_say(mixed: Connection) -> None:
    lines = Ran("audit", mixed.name).out.splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == WRITING


def test_the_reason_of_each_unknown_is_printed_and_in_json(
    connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[3])
    hide(sandbox, projects[3].id)
    ran = Ran("test", connection.name)
    assert ran.code == 4
    assert ran.out.count("Unknown. No chosen project visible") == 8
    tested = Ran("test", connection.name, "--json").json
    assert {one["reason"] for one in tested["scopes"]} == {"no_chosen_project"}
    assert tested["projects_not_visible"] == [projects[3].name]
    audited = Ran("audit", "--stored", connection.name)
    assert audited.code == 3
    assert audited.out.count("Not confirmed by the last check: No chosen project visible") == 8


def test_the_page_says_that_no_chosen_project_is_visible_and_since_when(
    pages: Client, connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[3])
    hide(sandbox, projects[3].id)
    tested = post(pages, "test", {}, connection.pk)
    assert '<h3 tabindex="-1">No chosen project visible</h3>' in tested
    assert "We found no problem" not in tested
    stored = pages.get(connection.get_absolute_url()).content.decode()
    assert "<strong>No chosen project visible</strong>" in stored
    assert "not visible since" in stored
    assert stored.count("The last check could not confirm this: No chosen project visible.") == 8


def test_a_chosen_project_that_is_not_visible_is_named_while_another_works(
    pages: Client, connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[3], projects[4])
    hide(sandbox, projects[3].id)
    tested = post(pages, "test", {}, connection.pk)
    stored = pages.get(connection.get_absolute_url()).content.decode()
    for page in (tested, stored):
        assert page.count("A chosen project is not visible") == 1
        assert f"The owner of the token can&#x27;t see {projects[3].name} in Azure DevOps" in page


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("scope_missing", "Scope missing"),
        ("status", "Azure DevOps reported an internal error"),
        ("not_json", "Unexpected answer"),
    ],
)
def test_a_list_that_fails_is_the_headline_and_the_reason_of_every_scope(
    pages: Client, connected: Connected, sandbox: Sandbox, kind: str, title: str
) -> None:
    connection = connected()
    sandbox.behaviour.add(kind, path="_apis/projects")
    page = post(pages, "test", {}, connection.pk)
    assert f"{title}: the projects could not be listed</h3>" in page
    assert page.count(f'<p class="small">{title}.</p>') == 8
    assert "We found no problem" not in page
    assert "No project visible" not in page
    ran = Ran("test", connection.name)
    assert ran.out.count(f"Unknown. {title}") == 8
    assert f"The projects could not be listed. {title}." in ran.out
