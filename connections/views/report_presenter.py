"""A verification report as pages show it: outcome, steps, scopes, notices."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.urls import reverse

from connections.domain import expiry
from connections.domain.health import was_tested
from connections.domain.problems import catalogue
from connections.domain.problems.notices import Notice, about_problem, notice
from connections.domain.token_policy import Rule, Violation
from connections.domain.verification import NO_PROJECT, WRITE_PROBES_OFF, Failure, Report
from connections.domain.where_tried import and_join, some_of
from connections.models import Connection
from connections.providers.capability import Verdict
from connections.providers.organization import Place
from connections.providers.registry import CAPABILITIES
from connections.views.presenters import CapabilityGroup, ProblemView, finding_groups, problem_view
from connections.views.project_notices import hidden_projects_notices, rights_notices

# Problems that stop the test at the second step. Connection errors stop it at the first, other rejections at the third.
_STOPS_AT_ORGANIZATION = {"organization_not_found", "organization_unavailable", "another_organization"}
# What Microsoft Entra says before it looks at the secret. Without an answer, it has not looked either.
_ABOUT_APPLICATION = {
    "entra_application_disabled",
    "entra_application_unknown",
    "entra_busy",
    "entra_not_offered",
    "entra_not_trusted",
    "entra_other_cloud",
    "entra_tenant_unknown",
    "entra_unexpected_answer",
    "entra_unreachable",
    "entra_without_azure_devops",
    "identity_not_offered",
    "managed_identity_not_found",
    "managed_identity_unreachable",
}
_PARTLY_UNKNOWN = "The token works, but some scopes are unknown"
_PARTLY_UNKNOWN_OF_APPLICATION = "The application works, but some permissions are unknown"
_WORDS = {
    "done": ("check", "good", "Done"),
    "failed": ("x", "bad", "Failed"),
    "unknown": ("circle-question-mark", "warn", "Unknown"),
    "skipped": ("minus", "quiet", "Skipped"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the checklist."""

    key: str
    label: str
    state: str
    detail: str = ""
    problem: ProblemView | None = None
    seconds: float | None = None

    @property
    def icon(self) -> str:
        """The icon of the state."""
        return _WORDS[self.state][0]

    @property
    def tone(self) -> str:
        """The tone of the state."""
        return _WORDS[self.state][1]

    @property
    def word(self) -> str:
        """The label of the state."""
        return _WORDS[self.state][2]


@dataclass(frozen=True, slots=True)
class ReportView:
    """Everything `components/report.html` shows."""

    outcome: str
    tone: str
    icon: str
    title: str
    summary: str
    problem: ProblemView | None
    steps: list[Step]
    groups: list[CapabilityGroup]
    notices: list[Notice]
    identity_name: str
    identity_account: str
    organization: str
    tried_in: str
    is_principal: bool
    limited_to: str
    elapsed: float
    finished_at: datetime


def report_view(
    report: Report, *, organization: str, tokens_page: str, place: Place, notices: list[Notice] | None = None
) -> ReportView:
    """A report for a page, worded for an organization or a collection as `place` says."""
    failure = report.failure or report.untried
    facts = catalogue.facts_of(failure, organization) if failure else catalogue.Facts()
    outcome, tone, icon, title, summary = _headline(report, place, facts)
    return ReportView(
        outcome=outcome,
        tone=tone,
        icon=icon,
        title=title,
        summary=summary,
        problem=problem_view(
            failure.code, tokens_page=tokens_page, activity_id=failure.activity_id, place=place, facts=facts
        )
        if failure
        else None,
        steps=_steps(report, organization, place),
        groups=finding_groups(report.findings, is_principal=report.is_principal) if report.accepted else [],
        notices=(notices or []) + _own_notices(report, tokens_page),
        identity_name=report.identity.display_name if report.identity else "",
        identity_account=(report.identity.account or "") if report.identity else "",
        organization=organization,
        tried_in=_tried_in(report),
        is_principal=report.is_principal,
        limited_to=some_of([project.name or project.id for project in report.chosen]),
        elapsed=report.elapsed,
        finished_at=report.finished_at,
    )


def _headline(report: Report, place: Place, facts: catalogue.Facts) -> tuple[str, str, str, str, str]:
    if report.failure is not None:
        problem = catalogue.problem(report.failure.code, place=place, facts=facts)
        if report.failure.transient:
            what = "application" if report.is_principal else "token"
            return "undetermined", "warn", "circle-question-mark", problem.title, f"The {what} could not be tested."
        what = "application" if report.is_principal else "token"
        summary = f"This {what} can't be connected." if was_tested(report) else f"The {what} could not be tested."
        return "failed", "bad", "circle-x", problem.title, summary
    if report.untried is not None:
        return "undetermined", "warn", "circle-question-mark", *_why_untried(report, report.untried, place, facts)
    if report.passed:
        what = "Everything is permitted." if report.is_principal else "All scopes granted."
        return "passed", "good", "circle-check", "Connection successful", what
    if report.lacking():
        count = len(report.lacking())
        missing = "1 permission is missing" if count == 1 else f"{count} permissions are missing"
        title = f"The {'application' if report.is_principal else 'token'} works, but {missing}"
        return "limited", "warn", "circle-alert", title, "Some features won't work without them."
    return (
        "undetermined",
        "warn",
        "circle-question-mark",
        _PARTLY_UNKNOWN if not report.is_principal else _PARTLY_UNKNOWN_OF_APPLICATION,
        "We found no problem, but couldn't verify everything.",
    )


def _why_untried(report: Report, untried: Failure, place: Place, facts: catalogue.Facts) -> tuple[str, str]:
    """Title and summary for a test that found no project in which to verify scopes."""
    title = catalogue.problem(untried.code, place=place, facts=facts).title
    if report.projects_failure is not None:
        title = f"{title}: the projects could not be listed"
    elif untried.code == NO_PROJECT:
        title = _PARTLY_UNKNOWN if not report.is_principal else _PARTLY_UNKNOWN_OF_APPLICATION
    what = ("application", "permission") if report.is_principal else ("token", "scope")
    return title, f"The {what[0]} was accepted, but no {what[1]} could be verified."


def _tried_in(report: Report) -> str:
    return some_of([project.name for project in report.tried()])


def _steps(report: Report, organization: str, place: Place) -> list[Step]:
    if report.is_principal:
        return [*_principal_steps(report, organization), *_later_steps(report, place)]
    code = report.failure.code if report.failure else ""
    if not was_tested(report):
        reached = 0
    elif code in _STOPS_AT_ORGANIZATION:
        reached = 1
    else:
        reached = 2 if code else 3
    person = report.identity.display_name if report.identity else ""
    account = f" ({report.identity.account})" if report.identity and report.identity.account else ""
    labels = [
        ("reach", "Reach Azure DevOps", ""),
        ("organization", f"Find the {place}", organization),
        ("token", "Check the token", f"It belongs to {person}{account}." if person else ""),
    ]
    # One request covers the first three steps, so its time is shown beside the last one that it decided.
    decided = min(reached, 2)
    steps = [
        Step(
            key,
            label,
            _state(index, reached, report),
            detail if index < reached else "",
            seconds=report.seconds.get("token") if index == decided else None,
        )
        for index, (key, label, detail) in enumerate(labels)
    ]
    return [*steps, *_later_steps(report, place)]


def _later_steps(report: Report, place: Place) -> list[Step]:
    later = (_projects_step(report, place), _scopes_step(report))
    return [_with_time(step, report) for step in later]


def _principal_steps(report: Report, organization: str) -> list[Step]:
    """The steps of an application up to its membership. Microsoft Entra decides two of them with one answer."""
    code = report.failure.code if report.failure else ""
    reached = _principal_step(report, code) if code else 4
    who = f"{report.identity.display_name} ({report.identity.account})" if report.identity else ""
    labels = [
        ("tenant", "Compare the tenants", f"{organization} belongs to the tenant of the application."),
        ("application", "Find the application", ""),
        ("credential", "Check the credential", ""),
        ("member", "Find the application in the organization", f"It is {who}." if who else ""),
    ]
    timed = {0: "tenant", 2: "issuer", 3: "token"}
    return [
        Step(
            key,
            label,
            _state(index, reached, report),
            detail if index < reached else "",
            seconds=report.seconds.get(timed.get(index, "")) if index <= reached else None,
        )
        for index, (key, label, detail) in enumerate(labels)
    ]


def _principal_step(report: Report, code: str) -> int:
    """The number of the step that failed."""
    if "token" in report.seconds:
        return 3
    if "issuer" in report.seconds:
        return 1 if code in _ABOUT_APPLICATION else 2
    return 0


def _with_time(step: Step, report: Report) -> Step:
    return step if step.state == "skipped" else replace(step, seconds=report.seconds.get(step.key))


def _state(index: int, reached: int, report: Report) -> str:
    if index < reached:
        return "done"
    if index > reached:
        return "skipped"
    return "unknown" if report.failure and report.failure.transient else "failed"


def _projects_step(report: Report, place: Place) -> Step:
    key, label = "projects", "List projects"
    if not report.accepted:
        return Step(key, label, "skipped")
    if report.projects_failure is not None:
        failure = report.projects_failure
        # The reason is explained above the steps.
        if report.untried is not None:
            return Step(key, label, "unknown", "The list couldn't be read.")
        facts = catalogue.facts_of(failure, "")
        problem = problem_view(failure.code, activity_id=failure.activity_id, place=place, facts=facts)
        return Step(key, label, "unknown", f"{len(report.projects)} listed before the error.", problem)
    if not report.projects:
        return Step(key, label, "unknown", "No projects visible.")
    count = len(report.projects)
    visible = "1 project visible." if count == 1 else f"{count} projects visible."
    if report.untried is not None:
        return Step(key, label, "unknown", visible)
    return Step(key, label, "done", visible)


def _scopes_step(report: Report) -> Step:
    key, label = "scopes", "Check each permission" if report.is_principal else "Check each scope"
    if not report.accepted or report.untried is not None:
        return Step(key, label, "skipped")
    tried = f" Tested in {_tried_in(report)}." if report.tried() else ""
    not_asked = len(report.projects) - report.evaluated_projects if report.is_principal and not report.chosen else 0
    if not_asked > 0:
        tried += f" Not asked about {'1 further project' if not_asked == 1 else f'{not_asked} further projects'}."
    if report.passed:
        what = "permissions" if report.is_principal else "scopes"
        return Step(key, label, "done", f"All {what} for Code, Build and Release are granted.{tried}")
    lacking = len(report.lacking())
    if lacking:
        return Step(key, label, "failed", f"{lacking} of {len(report.findings)} not available. See below.{tried}")
    return Step(key, label, "unknown", f"See below.{tried}")


def _own_notices(report: Report, tokens_page: str) -> list[Notice]:
    if not report.accepted:
        return []
    notices = []
    missing = [CAPABILITIES[finding.capability] for finding in report.findings if finding.verdict is Verdict.MISSING]
    if missing:
        highest = {capability.area: f"“{capability.azure_label}”" for capability in missing}
        notices.append(notice("scopes_to_add", scopes=and_join(highest.values()), link_url=tokens_page))
    person = report.identity.display_name if report.identity else "its owner"
    notices += rights_notices(
        {finding.capability: finding.by_project for finding in report.findings},
        person=person,
        is_principal=report.is_principal,
    )
    notices += hidden_projects_notices([project.name or project.id for project in report.not_visible])
    if any(finding.reason == WRITE_PROBES_OFF for finding in report.findings):
        notices.append(notice("write_probes_off"))
    return notices


def token_notices(*, token_reach: str, hint: str, violations: Iterable[Violation], today: date) -> list[Notice]:
    """Notices about a new token beside the test result: its format, policy violations, its organizations."""
    notices = []
    if hint:
        notices.append(notice("unusual_token", hint=hint))
    notices += [violation_notice(violation) for violation in violations]
    if token_reach == Connection.Reach.ALL:
        notices.append(global_token_notice(today))
    return notices


def violation_notice(violation: Violation) -> Notice:
    """A violation of the token policy."""
    problem = catalogue.problem(violation.code)
    tone = "bad" if violation.rule is Rule.REFUSE else "warn"
    return about_problem(problem, tone, "shield-alert")


def plain_http_notice(server: str) -> Notice:
    """Warning about a server that is used over plain HTTP."""
    return notice("plain_http", server=server)


def global_token_notice(today: date) -> Notice:
    """Tokens for all accessible organizations stop working on 1 December 2026."""
    return notice("global_token_ends" if today < expiry.GLOBAL_TOKENS_END else "global_token_ended")


def unknown_reach_notice(connection: Connection, *, can_change: bool) -> Notice:
    """Not recorded which organizations the token is valid for: how to find out, and where to record it."""
    link = f"{reverse('connections:edit', args=[connection.pk])}#id_token_reach" if can_change else ""
    return notice("reach_unknown", link_url=link)
