"""The check, the pages and the commands of a token whose list of projects never ends, or shows a project twice."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from connections import clients
from connections.actions.coverage import choose_projects
from connections.actions.edit import Changes, edit
from connections.actions.find_project import look_for
from connections.actions.refusals import CannotEdit
from connections.actions.verify_credential import Credentials
from connections.domain import report_json, runners, verification
from connections.domain.verification import Report
from connections.models import ChosenProject, Connection
from connections.providers.azure_devops import paging
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.identifiers import OrganizationName
from connections.providers.azure_devops.models import Project
from history.record import Actor
from sandbox.server import Sandbox
from tests.connections.commands import Ran

# Before each request, the database is asked whether the token was declared leaked.
pytestmark = pytest.mark.django_db
Check = Callable[..., Report]
Connect = Callable[..., Connection]
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PROJECTS = r"/_apis/projects\Z"
FORM = {"name": "Endless", "organization": "endless", "expires": "90", "token_reach": "one"}


@pytest.fixture(autouse=True)
def _few_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many pages that a test is quick; tests/connections/providers/azure_devops/test_paging.py reads a thousand."""
    monkeypatch.setattr(paging, "MOST_PAGES", 5)


@pytest.fixture(autouse=True)
def _nothing_left_over(settings: Settings) -> Iterator[None]:
    settings.TESTS_PER_PERSON = settings.TESTS_PER_ADDRESS = 0
    yield
    for name in caches:
        caches[name].clear()


@pytest.fixture
def token(token_of: Callable[[str], str]) -> PersonalAccessToken:
    return PersonalAccessToken(token_of("full"))


@pytest.fixture
def check(sandbox: Sandbox, token: PersonalAccessToken) -> Check:
    def run(organization: str, *, limit: float = 10.0, apart: bool = False) -> Report:
        server = clients.servers()[0]
        with (
            closing(runners.ConcurrentRunner(limit)) as side_by_side,
            clients.azure_devops(server, organization, token, seconds=limit) as client,
        ):
            pace = runners.SequentialRunner() if apart else side_by_side
            return verification.check(client, pace, write_probes=True, now=lambda: NOW)

    return run


def listings(sandbox: Sandbox) -> int:
    return sum(one.path.endswith("/_apis/projects") for one in sandbox.requests)


@pytest.mark.parametrize("apart", [False, True])
def test_a_check_reads_an_endless_list_within_bounds_and_judges_the_token_all_the_same(
    check: Check, sandbox: Sandbox, apart: bool
) -> None:
    report = check("endless", apart=apart)
    assert listings(sandbox) == 5
    assert report.passed
    assert not report.projects_complete
    assert report.projects_failure is not None
    assert report.projects_failure.code == "list_incomplete"
    assert len(report.projects) > 1
    assert len({one.id for one in report.projects}) == len(report.projects)


def test_a_check_that_runs_out_of_time_ends_its_list_too(
    sandbox: Sandbox, token: PersonalAccessToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST_PAGES", 1_000_000)
    sandbox.behaviour.add("endless_list", path=PROJECTS, variant="empty")
    pace = runners.ConcurrentRunner(0.5)
    with clients.azure_devops(clients.servers()[0], "fabrikam", token, seconds=30) as client:
        report = verification.check(client, pace, write_probes=True, now=lambda: NOW)
        # This comes back only when the list is not read any more.
        pace._pool.shutdown(wait=True)
    assert report.projects_failure is not None
    assert report.projects_failure.code == "time_limit"
    assert listings(sandbox) < 1_000_000


def test_a_project_on_two_pages_is_one_project(check: Check) -> None:
    report = check("doubled")
    assert (len(report.projects), report.projects_complete) == (110, True)


def test_a_kept_report_is_still_incomplete(check: Check) -> None:
    kept = report_json.from_json(report_json.to_json(check("endless")))
    assert not kept.projects_complete
    assert kept.projects_failure is not None
    assert kept.projects_failure.code == "list_incomplete"


def test_the_page_of_a_test_says_how_many_were_seen_and_that_there_may_be_more(
    pages: Client, sandbox: Sandbox, token: PersonalAccessToken
) -> None:
    page = pages.post(reverse("connections:test-new"), FORM | {"token": token.reveal()}).content.decode()
    assert "listed before the error." in page
    assert "may still exist" in page
    assert "The list of projects is incomplete" in page
    whole = FORM | {"organization": "doubled", "token": token.reveal()}
    page = pages.post(reverse("connections:test-new"), whole).content.decode()
    assert "110 projects visible." in page
    assert "incomplete" not in page


def test_the_command_says_so_in_words_and_in_json(connected: Connect) -> None:
    connection = connected("Endless", organization="endless")
    told = Ran("test", connection.name, "--json")
    assert told.code == 0
    assert told.json["projects_complete"] is False
    assert told.json["projects_problem"] == "list_incomplete"
    assert "The list of projects is incomplete" in Ran("test", connection.name).out


def test_a_whole_list_is_called_complete_by_the_command(connected: Connect) -> None:
    connection = connected("Doubled", organization="doubled")
    told = Ran("test", connection.name, "--json").json
    assert (told["projects"], told["projects_complete"], told["projects_problem"]) == (110, True, "")
    assert "incomplete" not in Ran("test", connection.name).out


def test_the_page_on_which_projects_are_chosen_says_so(pages: Client, connected: Connect) -> None:
    connection = connected("Endless", organization="endless")
    page = pages.get(reverse("connections:edit", args=[connection.pk])).content.decode()
    assert "The list of projects is incomplete" in page
    assert "The list of projects couldn't be read" not in page


def changes(connection: Connection, *projects: str) -> Changes:
    return Changes(connection.name, connection.expires_on, connection.token_reach, list(projects))


def test_what_was_chosen_before_stays_chosen_beside_what_an_incomplete_list_shows(
    connected: Connect, check: Check
) -> None:
    connection = connected("Endless", organization="endless")
    shown = check("endless").projects[0].id
    choose_projects(connection, (Project("far-away", "Far away", "wellFormed"),), now=timezone.now())
    edit(connection, changes(connection, "far-away", shown), by=Actor(name="ann"), now=NOW)
    assert set(ChosenProject.objects.values_list("project_id", flat=True)) == {"far-away", shown}
    with pytest.raises(CannotEdit):
        edit(connection, changes(connection, "far-away", "never-seen"), by=Actor(name="ann"), now=NOW)


def credentials(token: PersonalAccessToken, organization: str) -> Credentials:
    return Credentials(clients.servers()[0], OrganizationName(organization), token)


@pytest.mark.usefixtures("sandbox", "db")
def test_a_project_that_an_endless_list_does_not_come_to_may_be_there(token: PersonalAccessToken) -> None:
    answer = look_for(credentials(token, "endless"), "Nowhere")
    assert answer.code == "list_incomplete"
    assert "is too long to read completely" in answer.text


@pytest.mark.usefixtures("db")
def test_a_project_beyond_what_was_read_is_found_under_its_own_address(
    sandbox: Sandbox, token: PersonalAccessToken
) -> None:
    sandbox.behaviour.add("endless_list", path=PROJECTS, variant="empty")
    found = sandbox.state.organizations["fabrikam"].projects[0].name
    assert look_for(credentials(token, "fabrikam"), found).code == "listed_now"
    assert look_for(credentials(token, "fabrikam"), "Nowhere").code == "list_incomplete"
    # Five pages of each of two lists, and the project itself; twice.
    assert len(sandbox.requests) == 22


@pytest.mark.usefixtures("db")
def test_the_lists_leave_time_for_the_question_that_needs_none(
    sandbox: Sandbox, token: PersonalAccessToken, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST_PAGES", 1_000_000)
    settings.AZURE_DEVOPS_TEST_LIMIT = 2.0
    sandbox.behaviour.add("endless_list", path=PROJECTS, variant="empty")
    sandbox.behaviour.add("latency", path=PROJECTS, seconds=0.2)
    found = sandbox.state.organizations["fabrikam"].projects[0].name
    assert look_for(credentials(token, "fabrikam"), found).code == "listed_now"
