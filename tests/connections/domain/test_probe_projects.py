"""Which project a check probes in, what a denial in one of them means, and what is said when none can be tried."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import pytest

from connections.domain import report_json, runners, verification
from connections.domain.verification import Report
from connections.providers.azure_devops.capabilities import CAPABILITIES
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.transport import Limits
from connections.providers.capability import Finding, ProjectVerdict, Verdict
from connections.providers.organization import ProjectRef
from sandbox.server import Sandbox
from sandbox.state import Project
from tests.connections.denials import WRITES, deny, hide

Check = Callable[..., Report]
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EVERYTHING = {one.key for one in CAPABILITIES}
WRITING = {"code_write", "build_execute", "release_execute", "release_manage"}


@pytest.fixture
def check(sandbox: Sandbox, token_of: Callable[[str], str]) -> Check:
    def run(*chosen: Project, token: str = "full", limit: float = 10.0, apart: bool = False, **more: bool) -> Report:
        limits = Limits(connect_timeout=2, deadline=limit)
        secret = PersonalAccessToken(token_of(token))
        with (
            closing(runners.ConcurrentRunner(limit)) as side_by_side,
            AzureDevOpsClient(Server("Sandbox", sandbox.url, kind="sandbox"), "acme", secret, limits=limits) as client,
        ):
            return verification.check(
                client,
                runners.SequentialRunner() if apart else side_by_side,
                write_probes=more.get("write_probes", True),
                now=lambda: NOW,
                projects=[ProjectRef(one.id, one.name) for one in chosen],
            )

    return run


@pytest.fixture
def projects(sandbox: Sandbox) -> list[Project]:
    """Those of acme, in the order in which Azure DevOps lists them; a hundred make a page."""
    return sandbox.state.organizations["acme"].projects


def finding(report: Report, capability: str) -> Finding:
    return next(one for one in report.findings if one.capability == capability)


def verdicts(report: Report) -> set[Verdict]:
    return {one.verdict for one in report.findings}


def tried(report: Report) -> list[str]:
    return [one.name for one in report.tried()]


def by_name(found: Finding) -> list[tuple[str, Verdict]]:
    return [(one.project_name, one.verdict) for one in found.by_project]


def probes_in(sandbox: Sandbox, project: Project) -> int:
    return sum(project.id in request.path and "/_apis/projects" not in request.path for request in sandbox.requests)


# Where it is tried


def test_a_connection_that_is_limited_is_probed_in_a_chosen_project_only(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    deny(sandbox, projects[0].id)
    report = check(projects[3])
    assert report.passed
    assert tried(report) == [projects[3].name]
    assert probes_in(sandbox, projects[0]) == 0
    assert len(sandbox.requests) <= 14


def test_without_a_limit_the_first_visible_project_is_tried(check: Check, projects: list[Project]) -> None:
    assert tried(check()) == [projects[0].name]


def test_a_chosen_project_beyond_the_first_page_is_asked_for_by_its_id(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    report = check(projects[120])
    assert report.passed
    assert tried(report) == [projects[120].name]
    assert len(sandbox.requests) <= 14
    assert len(report.projects) == len({one.id for one in report.projects})


def test_a_chosen_project_that_is_not_visible_gives_way_to_the_next_chosen_one(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    hide(sandbox, projects[3].id)
    report = check(projects[3], projects[5])
    assert report.passed
    assert tried(report) == [projects[5].name]
    assert [one.name for one in report.not_visible] == [projects[3].name]


def test_chosen_projects_are_found_behind_several_that_are_not_visible(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    for hidden in projects[3:8]:
        hide(sandbox, hidden.id)
    report = check(*projects[3:8], projects[120])
    assert tried(report) == [projects[120].name]
    assert len(report.not_visible) == 5


@pytest.mark.parametrize("apart", [False, True], ids=["side by side", "one after another"])
def test_when_no_chosen_project_is_visible_no_other_is_tried_and_the_reason_says_so(
    check: Check, sandbox: Sandbox, projects: list[Project], apart: bool
) -> None:
    hide(sandbox, projects[3].id)
    report = check(projects[3], apart=apart)
    assert report.accepted
    assert {(one.verdict, one.reason) for one in report.findings} == {(Verdict.UNKNOWN, "no_chosen_project")}
    assert report.untried is not None
    assert report.untried.code == "no_chosen_project"
    assert report.tried() == ()
    assert not any("/git/" in request.path for request in sandbox.requests)


@pytest.mark.parametrize("state", ["deleting", "createPending", "new", "deleted"])
def test_a_chosen_project_that_is_half_made_or_half_deleted_is_not_tried(
    check: Check, projects: list[Project], state: str
) -> None:
    projects[3].state = state
    report = check(projects[3])
    assert {one.reason for one in report.findings} == {"no_chosen_project"}
    assert [one.name for one in report.not_visible] == [projects[3].name]


def test_whoever_sees_no_project_at_all_is_told_so_whatever_was_chosen(check: Check, projects: list[Project]) -> None:
    report = check(projects[3], token="no-projects")
    assert {one.reason for one in report.findings} == {"no_project"}


def test_ids_are_compared_in_any_case(check: Check, projects: list[Project]) -> None:
    shouting = Project(projects[3].id.upper(), projects[3].name)
    report = check(shouting)
    assert tried(report) == [projects[3].name]
    assert report.not_visible == ()


# Denials


def test_what_the_first_project_denies_is_granted_by_the_next(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    deny(sandbox, projects[0].id, path=WRITES)
    report = check()
    assert report.passed
    assert by_name(finding(report, "code_write")) == [
        (projects[0].name, Verdict.NOT_PERMITTED),
        (projects[1].name, Verdict.GRANTED),
    ]
    assert by_name(finding(report, "code_read")) == [(projects[0].name, Verdict.GRANTED)]


def test_only_what_was_denied_is_tried_again(check: Check, sandbox: Sandbox, projects: list[Project]) -> None:
    deny(sandbox, projects[0].id, path=WRITES)
    check()
    assert probes_in(sandbox, projects[0]) == 8
    assert probes_in(sandbox, projects[1]) == len(WRITING)
    assert probes_in(sandbox, projects[2]) == 0


def test_a_denial_is_tried_in_two_further_projects_and_no_more(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    deny(sandbox, *(one.id for one in projects))
    report = check()
    assert verdicts(report) == {Verdict.NOT_PERMITTED}
    assert tried(report) == [one.name for one in projects[:3]]
    assert len(report.lacking()) == len(EVERYTHING)
    assert len(sandbox.requests) <= 14 + 2 * len(EVERYTHING)


def test_a_connection_that_is_limited_tries_denials_in_chosen_projects_only(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    deny(sandbox, projects[3].id, projects[5].id, path=WRITES)
    report = check(projects[3], projects[5])
    assert {one.capability for one in report.lacking()} == WRITING
    assert by_name(finding(report, "code_write")) == [
        (projects[3].name, Verdict.NOT_PERMITTED),
        (projects[5].name, Verdict.NOT_PERMITTED),
    ]
    assert tried(report) == [projects[3].name, projects[5].name]


def test_a_further_chosen_project_beyond_the_first_page_is_tried_too(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    deny(sandbox, projects[3].id, path=WRITES)
    report = check(projects[3], projects[120])
    assert report.passed
    assert tried(report) == [projects[3].name, projects[120].name]


def test_a_further_project_that_could_not_be_asked_leaves_the_denial(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    deny(sandbox, projects[0].id, path=WRITES)
    sandbox.behaviour.add("status", path=f"/({projects[1].id}|{projects[2].id})/", status=500)
    found = finding(check(), "code_write")
    assert (found.verdict, found.reason) == (Verdict.NOT_PERMITTED, "access_denied")
    assert [one.verdict for one in found.by_project] == [Verdict.NOT_PERMITTED, Verdict.UNKNOWN, Verdict.UNKNOWN]


def test_whoever_asks_us_to_wait_is_not_asked_for_more(check: Check, sandbox: Sandbox, projects: list[Project]) -> None:
    deny(sandbox, projects[0].id, path=WRITES)
    sandbox.behaviour.add("near_limit", path="build/definitions", retry_after=5)
    assert tried(check()) == [projects[0].name]


def test_at_the_time_limit_the_denial_stands(check: Check, sandbox: Sandbox, projects: list[Project]) -> None:
    deny(sandbox, projects[0].id, path=WRITES)
    sandbox.behaviour.add("latency", path=projects[1].id, seconds=10.0)
    report = check(limit=3.0)
    assert report.elapsed < 9
    assert {one.capability for one in report.lacking()} == WRITING


def test_denials_that_differ_come_one_after_another_to_the_same(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    deny(sandbox, projects[0].id, path=WRITES)
    deny(sandbox, projects[1].id, path="/pushes")
    assert [by_name(one) for one in check(apart=True).findings] == [by_name(one) for one in check().findings]


def test_missing_scopes_are_not_looked_for_in_other_projects(check: Check, sandbox: Sandbox) -> None:
    report = check(token="read-only")
    assert len(tried(report)) == 1
    assert len(sandbox.requests) <= 14


def test_a_token_that_dies_between_the_projects_is_refused(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    deny(sandbox, projects[0].id, path=WRITES)
    sandbox.behaviour.add("scope_missing", path=projects[1].id)
    sandbox.behaviour.add("scope_missing", path="connectionData", after=1)
    report = check()
    assert report.failure is not None
    assert report.failure.code == "token_refused"


def test_a_missing_scope_hides_no_grant_of_a_higher_one_in_a_further_project(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    sandbox.behaviour.add("scope_missing", path=r"/git/repositories/[^/]+\Z", method="GET")
    deny(sandbox, projects[0].id, path="/pushes")
    found = finding(check(), "code_write")
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "contradiction")


# The list of projects


@pytest.mark.parametrize("limited", [False, True], ids=["all", "limited"])
@pytest.mark.parametrize(
    ("kind", "more", "code"),
    [
        ("scope_missing", {}, "scope_missing"),
        ("status", {"status": 500}, "server_error"),
        ("not_json", {}, "unexpected_answer"),
        (
            "status",
            {
                "status": 200,
                "body": '{"count":1,"value":{"Message":"Something is wrong."}}',
                "headers": {"Content-Type": "application/json"},
            },
            "unexpected_answer",
        ),
    ],
    ids=["empty 401", "500", "no JSON", "an error in the shape of a list"],
)
def test_when_the_list_of_projects_fails_that_is_the_reason_of_everything(
    check: Check,
    sandbox: Sandbox,
    projects: list[Project],
    kind: str,
    more: dict[str, object],
    code: str,
    limited: bool,
) -> None:
    sandbox.behaviour.add(kind, path=r"_apis/projects\Z", **more)
    report = check(projects[3]) if limited else check()
    assert report.accepted
    assert {(one.verdict, one.reason) for one in report.findings} == {(Verdict.UNKNOWN, code)}
    assert report.untried == report.projects_failure
    assert report.not_visible == ()


def test_an_error_in_the_shape_of_a_list_with_a_status_of_its_own_is_the_reason_too(
    check: Check, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("list_error", path="_apis/projects")
    report = check()
    assert report.projects_failure is not None
    assert {one.reason for one in report.findings} == {report.projects_failure.code}


def test_a_token_that_dies_while_projects_are_listed_is_refused(check: Check, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("scope_missing", path="_apis/projects")
    sandbox.behaviour.add("scope_missing", path="connectionData", after=1)
    report = check()
    assert report.failure is not None
    assert report.failure.code == "token_refused"


@pytest.mark.parametrize("number", [0, 3])
def test_projects_without_a_state_are_as_good_as_any(
    check: Check, sandbox: Sandbox, projects: list[Project], number: int
) -> None:
    sandbox.behaviour.add("omit_fields", path="_apis/projects", fields=("state",))
    report = check(projects[number])
    assert report.passed
    assert tried(report) == [projects[number].name]


def test_a_list_that_breaks_half_way_hides_no_chosen_project_that_it_showed(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    sandbox.behaviour.add("status", path=r"_apis/projects\Z", status=500, after=1)
    report = check(projects[3], projects[120])
    assert report.passed
    assert tried(report) == [projects[3].name]
    assert report.not_visible == ()


# What it is good for


def test_what_was_tried_where_survives_the_minutes_until_connect(
    check: Check, sandbox: Sandbox, projects: list[Project]
) -> None:
    deny(sandbox, projects[3].id, path=WRITES)
    hide(sandbox, projects[4].id)
    report = check(projects[3], projects[4], projects[5])
    again = report_json.from_json(report_json.to_json(report))
    assert (again.findings, again.chosen, again.not_visible) == (report.findings, report.chosen, report.not_visible)


def test_why_nothing_could_be_tried_survives_the_minutes_until_connect(check: Check, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", path="_apis/projects", status=500)
    report = check()
    again = report_json.from_json(report_json.to_json(report))
    assert (again.untried, again.projects_failure) == (report.untried, report.projects_failure)
    assert again.untried is not None


A, B, C = (ProjectRef(name.lower(), name) for name in "ABC")


def report_in(*tried: ProjectRef, denied: bool = False, chosen: tuple[ProjectRef, ...] = ()) -> Report:
    verdict = Verdict.NOT_PERMITTED if denied else Verdict.GRANTED
    by_project = tuple(ProjectVerdict(one.id, one.name, verdict) for one in tried)
    return Report(NOW, 1.0, chosen=chosen, findings=(Finding("code_read", verdict, by_project=by_project),))


@pytest.mark.parametrize(
    ("report", "wanted", "expected"),
    [
        (report_in(A), (), True),
        (report_in(A), (A, B), True),
        (report_in(A), (B,), False),
        (report_in(A, denied=True), (), True),
        (report_in(A, denied=True), (A,), False),
        (report_in(A, denied=True, chosen=(A, B)), (B, A), True),
        (report_in(A, denied=True, chosen=(A,)), (), False),
        (report_in(A, chosen=(A,)), (), True),
        (report_in(chosen=(A,)), (), False),
        (report_in(), (A,), False),
    ],
)
def test_a_check_speaks_for_other_projects_only_where_they_could_change_nothing(
    report: Report, wanted: tuple[ProjectRef, ...], expected: bool
) -> None:
    assert report.speaks_for(wanted) is expected
