"""The check against the sandbox over real HTTP: verdicts, order, and how many requests it takes."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import pytest

from connections.domain import runners, verification
from connections.domain.verification import Report
from connections.providers.azure_devops.capabilities import CAPABILITIES
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.transport import Limits
from connections.providers.capability import Verdict
from sandbox.samples import PROJECT_COUNT
from sandbox.server import Sandbox

Check = Callable[..., Report]
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def check(sandbox: Sandbox, token_of: Callable[[str], str]) -> Check:
    def run(
        token: str, organization: str = "acme", *, limit: float = 10.0, write_probes: bool = True, apart: bool = False
    ) -> Report:
        server = Server("Sandbox", sandbox.url, kind="sandbox")
        secret = PersonalAccessToken(token_of(token))
        limits = Limits(connect_timeout=2, deadline=limit)
        with (
            closing(runners.ConcurrentRunner(limit)) as side_by_side,
            AzureDevOpsClient(server, organization, secret, limits=limits) as client,
        ):
            pace = runners.SequentialRunner() if apart else side_by_side
            return verification.check(client, pace, write_probes=write_probes, now=lambda: NOW)

    return run


def verdicts(report: Report) -> dict[str, Verdict]:
    return {one.capability: one.verdict for one in report.findings}


def lacking(report: Report) -> set[str]:
    return {one.capability for one in report.findings if one.verdict is not Verdict.GRANTED}


def test_a_full_token_is_granted_everything_and_says_whose_it_is(check: Check) -> None:
    report = check("full")
    assert report.passed
    assert report.identity is not None
    assert report.identity.display_name == "Maya Sample"
    assert report.identity.account == "maya@example.com"
    assert report.finished_at == NOW


def test_a_full_token_takes_at_most_fourteen_requests(check: Check, sandbox: Sandbox) -> None:
    check("full")
    assert len(sandbox.requests) <= 14


def test_a_refused_token_is_not_probed(check: Check, sandbox: Sandbox) -> None:
    check("revoked")
    assert {request.path for request in sandbox.requests} <= {"/acme/_apis/connectionData", "/acme/_apis/projects"}


def test_no_probe_changes_anything(check: Check, sandbox: Sandbox) -> None:
    before = repr(sandbox.state.organizations["acme"])
    check("full")
    assert repr(sandbox.state.organizations["acme"]) == before


def test_every_page_of_projects_is_listed(check: Check) -> None:
    report = check("full")
    assert len(report.projects) == PROJECT_COUNT
    assert report.projects_complete


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("read-only", {"code_write", "code_manage", "build_execute", "release_execute", "release_manage"}),
        ("no-build", {"build_read", "build_execute"}),
        ("no-release", {"release_read", "release_execute", "release_manage"}),
        ("code-only", {one.key for one in CAPABILITIES} - {"code_read"}),
    ],
)
def test_a_missing_scope_is_missing_and_hides_no_other(check: Check, token: str, expected: set[str]) -> None:
    report = check(token)
    assert report.accepted
    assert lacking(report) == expected
    assert all(verdicts(report)[key] is Verdict.MISSING for key in expected)


def test_a_right_that_is_asked_for_first_is_not_permitted_rather_than_missing(check: Check) -> None:
    found = verdicts(check("no-rights", "guarded"))
    assert found["code_write"] is Verdict.NOT_PERMITTED
    assert found["release_manage"] is Verdict.NOT_PERMITTED
    assert found["code_read"] is Verdict.GRANTED


def test_a_right_that_is_asked_for_after_the_look_up_cannot_be_seen_by_a_probe(check: Check) -> None:
    assert set(verdicts(check("no-rights")).values()) == {Verdict.GRANTED}


def test_without_a_visible_project_nothing_can_be_told(check: Check) -> None:
    report = check("no-projects")
    assert report.accepted
    assert {(one.verdict, one.reason) for one in report.findings} == {(Verdict.UNKNOWN, "no_project")}


@pytest.mark.parametrize(
    ("token", "organization", "code"),
    [
        ("full", "nowhere", "organization_not_found"),
        ("full", "stopped", "organization_unavailable"),
        ("full", "fenced", "conditional_access"),
        ("global", "strict", "global_token_blocked"),
        ("full", "signin", "sign_in_required"),
        ("full", "throttled", "throttled"),
        ("full", "down", "server_error"),
        ("revoked", "commons", "anonymous"),
        ("expired", "acme", "token_expired"),
        ("revoked", "acme", "token_refused"),
        ("other-organization", "acme", "token_refused"),
        ("not-a-member", "acme", "not_a_member"),
    ],
)
def test_each_trouble_has_its_own_code(check: Check, token: str, organization: str, code: str) -> None:
    report = check(token, organization)
    assert report.failure is not None
    assert report.failure.code == code
    assert not report.accepted
    assert {one.verdict for one in report.findings} == {Verdict.UNKNOWN}


def test_throttling_says_how_long_to_wait(check: Check) -> None:
    report = check("full", "throttled")
    assert report.failure is not None
    assert report.retry_after == 30


def test_a_doubtful_second_look_makes_missing_unknown(check: Check, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", path="connectionData", status=502, after=1)
    found = {one.capability: one for one in check("no-build").findings}
    assert found["build_read"].verdict is Verdict.UNKNOWN
    assert found["build_read"].reason == "server_error"


def test_a_token_that_dies_during_the_test_is_refused_rather_than_limited(check: Check, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", path="connectionData", status=401, after=1, headers={"WWW-Authenticate": "Basic"})
    report = check("no-build")
    assert report.failure is not None
    assert report.failure.code == "token_refused"
    assert not report.accepted


def test_one_failed_probe_hides_no_other(check: Check, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", path="release/definitions", status=500)
    report = check("full")
    assert lacking(report) == {"release_read"}
    assert next(one for one in report.findings if one.capability == "release_read").reason == "server_error"


def test_at_the_limit_finished_verdicts_stand_and_the_rest_could_not_be_told(check: Check, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("latency", path="release/definitions", seconds=10.0)
    report = check("full", limit=3.0)
    late = next(one for one in report.findings if one.capability == "release_read")
    assert (late.verdict, lacking(report)) == (Verdict.UNKNOWN, {"release_read"})
    assert late.reason in ("time_limit", "timed_out")


def test_write_probes_that_are_switched_off_are_not_sent(check: Check, sandbox: Sandbox) -> None:
    report = check("full", write_probes=False)
    assert {request.method for request in sandbox.requests} == {"GET"}
    assert report.passed
    assert verdicts(report)["code_write"] is Verdict.UNKNOWN


def test_the_clock_comes_to_the_same_verdicts_one_after_another(check: Check) -> None:
    assert verdicts(check("no-release", apart=True)) == verdicts(check("no-release"))


def test_a_listing_that_breaks_half_way_is_said_to_be_incomplete(check: Check, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("status", path="_apis/projects", status=500, after=1)
    report = check("full")
    assert report.projects_failure is not None
    assert report.projects_failure.code == "server_error"
    assert not report.projects_complete
    assert report.projects
