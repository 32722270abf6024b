"""A connection that is limited to some projects is checked in those, through whichever door."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connections.actions.audit import audit
from connections.actions.bulk_rotate import bulk_rotate
from connections.actions.edit import Changes, edit
from connections.actions.rotate import Replacement, rotate
from connections.models import CapabilityState, ChosenProject, Connection, Mail
from connections.providers.azure_devops.credentials import PersonalAccessToken
from history.record import Actor
from sandbox.server import Sandbox
from sandbox.state import Project
from tests.connections.commands import Ran
from tests.connections.denials import WRITES, deny, hide

Connected = Callable[..., Connection]
Token = Callable[[str], str]
CLOCK = Actor("the clock")
FORM = {"name": "Acme main", "organization": "acme", "expires": "90", "token_reach": "one"}


@pytest.fixture
def projects(sandbox: Sandbox) -> list[Project]:
    return sandbox.state.organizations["acme"].projects


def limit(connection: Connection, *projects: Project) -> Connection:
    """Limit a connection as the page for editing does."""
    edit(connection, changes(connection, *projects), by=CLOCK, now=timezone.now())
    return connection


def changes(connection: Connection, *projects: Project) -> Changes:
    ids = [one.id for one in projects] or None
    return Changes(connection.name, connection.expires_on, connection.token_reach, ids)


def look(connection: Connection, *, interactive: bool = True) -> None:
    audit(connection, by=CLOCK, now=datetime.now(UTC), interactive=interactive)


def state(connection: Connection, capability: str = "code_write") -> CapabilityState:
    return connection.capabilities.get(capability=capability)


def where(connection: Connection, capability: str = "code_write") -> list[tuple[str, str]]:
    return [(one.project_name, str(one.verdict)) for one in state(connection, capability).project_verdicts()]


# Checks of what is stored


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


# Other projects


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


# Connecting


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


# Other tokens


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


# What is said


@pytest.fixture
def mixed(connected: Connected, sandbox: Sandbox, projects: list[Project]) -> Connection:
    """Denied in Storefront, granted in Tailwind."""
    projects[3].name, projects[4].name = "Storefront", "Tailwind"
    connection = limit(connected(), projects[3], projects[4])
    deny(sandbox, projects[3].id, path=WRITES)
    return connection


WRITING = ["code_write", "build_execute", "release_execute", "release_manage"]
WHERE = "Denied in Storefront, granted in Tailwind"


def test_the_page_says_where_it_is_denied_and_where_granted(pages: Client, mixed: Connection) -> None:
    tested = post(pages, "test", {}, mixed.pk)
    stored = pages.get(mixed.get_absolute_url()).content.decode()
    for page in (tested, stored):
        assert page.count(f"{WHERE}.</p>") == len(WRITING)
        assert page.count("Not permitted in every project") == 1
        names = "Code write, Build execute, Release write &amp; execute and Release manage"
        assert f"{WHERE}: {names}." in page
        assert "Tested in Storefront and Tailwind." in page
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


# Mails


@pytest.fixture
def owner(maintainer: User) -> User:
    maintainer.email = "maya.owner@example.com"
    maintainer.save()
    return maintainer


def two_looks(connection: Connection) -> Mail:
    look(connection)
    look(connection)
    return Mail.objects.get()


def test_a_mail_about_lost_rights_says_where_they_are_denied_and_does_not_ask_for_scopes(
    owner: User, connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    projects[3].name = "<b>Store</b>"
    connection = limit(connected(), projects[3])
    deny(sandbox, projects[3].id, path=WRITES)
    mail = two_looks(connection)
    assert "lost permissions" in mail.subject
    assert "- Code: Read & write: Denied in <b>Store</b>. You cannot create branches" in mail.text
    assert "add the missing scopes" not in mail.text
    assert "Scopes to select" not in mail.text + mail.html
    assert "Edit the token" not in mail.text + mail.html
    assert "Maya Sample lacks a permission" in mail.text
    assert "<b>" not in mail.html
    assert "Denied in &lt;b&gt;Store&lt;/b&gt;" in mail.html


def test_a_mail_about_lost_scopes_names_the_project_that_was_tried(
    owner: User, connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[3])
    token = sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("vso.code_manage", "vso.release_manage")
    mail = two_looks(connection)
    assert "lost scopes" in mail.subject
    assert "- Build: Read: Missing." in mail.text
    for text in (mail.text, mail.html):
        assert f"Tested in {projects[3].name}." in text


def test_a_mail_says_what_works_in_some_projects_only(owner: User, mixed: Connection, sandbox: Sandbox) -> None:
    token = sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("vso.code_manage", "vso.release_manage")
    mail = two_looks(mixed)
    for text in (mail.text, mail.html.replace("&amp;", "&")):
        assert f"Code: Read & write: {WHERE}." in text


def test_a_mail_says_that_no_chosen_project_is_visible_and_another_that_one_is_again(
    owner: User, connected: Connected, sandbox: Sandbox, projects: list[Project]
) -> None:
    connection = limit(connected(), projects[3])
    hide(sandbox, projects[3].id)
    mail = two_looks(connection)
    assert "works with limitations" in mail.subject
    assert "Edit the token" not in mail.text + mail.html
    assert "Tested in" not in mail.text + mail.html
    assert "cannot see any of the projects that this connection is limited to" in mail.text
    assert f"- {projects[3].name}" in mail.text
    projects[3].seen_by = None
    look(connection)
    assert [one.kind for one in Mail.objects.order_by("pk")] == ["limited", "recovered"]


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
