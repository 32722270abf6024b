"""Verify one token of one organization.

First the token's owner and projects are requested, then each capability is probed in one project. Denied capabilities
are probed in at most two further projects. If a probe got an empty 401 or a refusal of the token, the owner is
requested again, to distinguish a missing scope from a dead token. With concurrent calls, this takes three round trips
for a token with all scopes.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from connections.domain.probe_projects import ProjectChooser
from connections.domain.runners import Runner
from connections.providers.azure_devops import capabilities, entra_errors, errors
from connections.providers.azure_devops.capabilities import Probe
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.models import ConnectionData, Page, Project
from connections.providers.capability import Finding, ProjectVerdict, Verdict
from connections.providers.credential import ReadDate
from connections.providers.organization import Identity, ProjectRef

PAGE_SIZE = 500
WRITE_PROBES_OFF = "write_probes_off"
TIME_LIMIT = "time_limit"
# No probe was possible, because the token's owner sees no project, or none of the chosen ones.
NO_PROJECT = "no_project"
NO_CHOSEN_PROJECT = "no_chosen_project"
# In how many further projects a denied capability is probed.
FURTHER_PROJECTS = 2
# What a token gets that dies during the verification: revoked, or its owner or application removed.
_REFUSALS_OF_TOKENS = (errors.TokenRefused, errors.NotAMember, errors.EntraRefused)
_CODES_OF_REFUSALS = entra_errors.ENTRA_REFUSAL_CODES | {
    kind.code for refusal in (errors.TokenRefused, errors.NotAMember) for kind in (refusal, *refusal.__subclasses__())
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step failed. `code` is a problem code, `activity_id` is for Microsoft's support.

    `host` is who answered or, for a redirect, where it leads. `retry_after` is in seconds, if the answer has it.
    """

    code: str
    transient: bool
    activity_id: str | None = None
    host: str = ""
    retry_after: float | None = None
    # Further ids for Microsoft's support, and the application that an administrator has to add.
    support: str = ""
    object_id: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a verification.

    `failure` is set if Azure DevOps rejected the token or could not be reached; then there is no identity, and every
    finding is "unknown". `elapsed` is in seconds, as are `seconds` of the finished steps: "token", "projects" and
    "scopes". `retry_after` is the longest wait in seconds that Azure DevOps asked for, and `person_retry_after` the
    longest for the rate limit of this person. `chosen` are the projects that the verification was limited to, empty for
    all; `not_visible` are those that the token's owner certainly cannot see. `untried` is why no capability was probed.
    """

    finished_at: datetime
    elapsed: float
    identity: Identity | None = None
    organization_id: str = ""
    projects: tuple[Project, ...] = ()
    projects_complete: bool = False
    projects_failure: Failure | None = None
    findings: tuple[Finding, ...] = ()
    failure: Failure | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    retry_after: float | None = None
    person_retry_after: float | None = None
    chosen: tuple[ProjectRef, ...] = ()
    not_visible: tuple[ProjectRef, ...] = ()
    untried: Failure | None = None
    # Whether it is about an application of Microsoft Entra, and in how many projects its permissions were read.
    is_principal: bool = False
    evaluated_projects: int = 0
    # What the place that issued the credential says about its expiry date; None if it was not asked.
    date: ReadDate | None = None

    @property
    def accepted(self) -> bool:
        """Whether Azure DevOps accepted the token."""
        return self.identity is not None and self.failure is None

    @property
    def passed(self) -> bool:
        """Whether every capability is granted, except those whose probes are turned off."""
        return self.accepted and all(
            finding.verdict is Verdict.GRANTED or finding.reason == WRITE_PROBES_OFF for finding in self.findings
        )

    def lacking(self) -> tuple[Finding, ...]:
        """The capabilities that are missing or not permitted."""
        return tuple(
            finding for finding in self.findings if finding.verdict in (Verdict.MISSING, Verdict.NOT_PERMITTED)
        )

    def tried(self) -> tuple[ProjectRef, ...]:
        """The projects in which capabilities were probed, in this order."""
        refs = (
            ProjectRef(here.project_id, here.project_name) for finding in self.findings for here in finding.by_project
        )
        return tuple(dict.fromkeys(refs))

    def speaks_for(self, projects: Collection[ProjectRef]) -> bool:
        """Whether a verification limited to these projects, or unlimited for none, would have the same result.

        A rejected token is rejected everywhere. A denial applies only to the projects that were probed.
        """
        if self.failure is not None:
            return True
        limit = {project.id.lower() for project in projects}
        if limit == {project.id.lower() for project in self.chosen}:
            return True
        tried = {project.id.lower() for project in self.tried()}
        denied = any(here.verdict is Verdict.NOT_PERMITTED for finding in self.findings for here in finding.by_project)
        return bool(tried) and not denied and (not limit or tried <= limit)


def check(
    client: AzureDevOpsClient,
    runner: Runner,
    *,
    write_probes: bool,
    now: Callable[[], datetime],
    projects: Sequence[ProjectRef] = (),
) -> Report:
    """Verify the client's token in these projects, or in any. Never raises an `AzureDevOpsError`."""
    return Check(client, runner, write_probes=write_probes, chosen=projects).run(now)


class Check:
    """The state of one verification."""

    is_principal = False
    evaluated_projects = 0

    def __init__(
        self, client: AzureDevOpsClient, runner: Runner, *, write_probes: bool, chosen: Sequence[ProjectRef]
    ) -> None:
        self.client = client
        self.runner = runner
        self.write_probes = write_probes
        self.chooser = ProjectChooser(tuple(dict.fromkeys(chosen)), self.look_up)
        self.connection: ConnectionData | None = None
        self.projects: list[Project] = []
        self.continuation: str | None = None
        self.projects_failure: Failure | None = None
        self.failure: Failure | None = None
        self.untried: Failure | None = None
        self.seconds: dict[str, float] = {}

    def run(self, now: Callable[[], datetime]) -> Report:
        started = time.monotonic()
        self.ask_owner_and_projects()
        findings = self.probe_and_list()
        findings = self.confirm(findings)
        accepted = self.connection if self.failure is None else None
        return Report(
            finished_at=now(),
            elapsed=time.monotonic() - started,
            identity=accepted.identity if accepted else None,
            organization_id=accepted.organization_id if accepted else "",
            projects=self.visible_projects(),
            projects_complete=self.list_is_complete,
            projects_failure=self.projects_failure,
            findings=findings if self.failure is None else _all_unknown(self.failure.code),
            failure=self.failure,
            seconds=dict(self.seconds),
            retry_after=self.client.transport.asked_to_wait or None,
            person_retry_after=self.client.transport.person_asked_to_wait or None,
            chosen=self.chooser.chosen,
            not_visible=self.not_visible(),
            untried=self.untried,
            is_principal=self.is_principal,
            evaluated_projects=self.evaluated_projects,
        )

    def visible_projects(self) -> tuple[Project, ...]:
        by_id = {project.id: project for project in (*self.chooser.found(), *self.projects)}
        return tuple(sorted(by_id.values(), key=lambda project: project.name.casefold()))

    def timed(self, step: str, call: Callable[[], object]) -> Callable[[], object]:
        """The call, which adds its duration to the step."""

        def run() -> object:
            started = time.monotonic()
            try:
                return call()
            finally:
                self.seconds[step] = self.seconds.get(step, 0.0) + time.monotonic() - started

        return run

    def ask_owner_and_projects(self) -> None:
        # Both at once, which saves a round trip for a valid token.
        first_page = partial(self.client.projects_page, top=PAGE_SIZE)
        owner, page, *_ = self.runner.run(
            [
                self.timed("token", self.client.connection_data),
                self.timed("projects", first_page),
                *self.calls_beside_owner(),
            ]
        )
        if isinstance(owner, ConnectionData):
            self.connection = owner
            self.add_page(page)
        else:
            self.failure = failure_of(owner)

    def calls_beside_owner(self) -> list[Callable[[], object]]:
        """Further calls to make at the same time."""
        return []

    def calls_beside_probes(self, _project: Project) -> list[Callable[[], object]]:
        """Further calls to make at the same time as the probes in the first project."""
        return []

    def conclude(self, findings: dict[str, Finding]) -> dict[str, Finding]:
        """The findings of the probes with what else is known."""
        return findings

    def add_page(self, page: object) -> None:
        if isinstance(page, Page):
            self.projects.extend(page.items)
            self.continuation = page.continuation
        else:
            self.projects_failure = failure_of(page)

    def list_the_rest(self) -> None:
        try:
            pages = self.client.projects(page_size=PAGE_SIZE, after=self.continuation, seconds=self.runner.left())
            for page in pages:
                self.add_page(page)
        except errors.AzureDevOpsError as error:
            # At the time limit of the whole test the list merely counts as unfinished.
            if self.runner.left() > 0:
                self.add_page(error)

    @property
    def has_more_pages(self) -> bool:
        """Whether there are more pages to read."""
        return self.continuation is not None and self.projects_failure is None

    @property
    def list_is_complete(self) -> bool:
        return self.continuation is None and self.projects_failure is None

    def probe_and_list(self) -> tuple[Finding, ...]:
        if self.connection is None:
            return ()
        project = self.first_project()
        probes = [probe for probe in capabilities.PROBES if self.reason_not_to_ask(probe) is None] if project else []
        more = [self.timed("projects", self.list_the_rest)] if self.has_more_pages else []
        more += self.calls_beside_probes(project) if project else []
        started = time.monotonic()
        findings = self.probe(probes, project, *more)
        if self.has_more_pages:
            self.projects_failure = Failure(TIME_LIMIT, transient=True)
        findings = self.conclude(self.try_denied_elsewhere(findings))
        self.seconds["scopes"] = time.monotonic() - started
        return capabilities.reconcile(
            findings.get(probe.capability) or self.not_asked(probe) for probe in capabilities.PROBES
        )

    def first_project(self) -> Project | None:
        """The project to probe in; if there is none, sets `untried`."""
        list_failed = self.projects_failure is not None and not self.projects
        project = None if list_failed else self.next_project()
        if project is None and self.chooser.chosen and self.has_more_pages:
            # None of those requested by id exists, so the rest of the list decides.
            self.runner.run([self.timed("projects", self.list_the_rest)])
            project = self.next_project()
        if project is None:
            self.untried = self.why_untried()
        return project

    def next_project(self) -> Project | None:
        return self.chooser.next(self.projects, complete=self.list_is_complete)

    def look_up(self, project_id: str) -> object:
        (outcome,) = self.runner.run([self.timed("projects", partial(self.client.project, project_id))])
        return outcome

    def not_visible(self) -> tuple[ProjectRef, ...]:
        if self.connection is None or self.failure is not None:
            return ()
        return self.chooser.not_visible(self.projects, complete=self.list_is_complete)

    def why_untried(self) -> Failure:
        if self.projects_failure is not None:
            return self.projects_failure
        if self.continuation is not None:
            return Failure(TIME_LIMIT, transient=True)
        return Failure(NO_CHOSEN_PROJECT if self.chooser.chosen and self.projects else NO_PROJECT, transient=False)

    def probe(
        self, probes: Sequence[Probe], project: Project | None, *more: Callable[[], object]
    ) -> dict[str, Finding]:
        """The findings in one project, by capability. Runs the `more` calls alongside."""
        ref = ProjectRef(project.id, project.name) if project else ProjectRef("")
        outcomes = self.runner.run([*(self.call(probe, ref) for probe in probes), *more])
        unfinished = partial(capabilities.project_verdicts, ref, verdict=Verdict.UNKNOWN, reason=TIME_LIMIT)
        return {
            probe.capability: outcome if isinstance(outcome, Finding) else unfinished(probe.capability)
            for probe, outcome in zip(probes, outcomes, strict=False)
        }

    def try_denied_elsewhere(self, findings: dict[str, Finding]) -> dict[str, Finding]:
        """Probe denied capabilities in further projects, as permissions are granted per project."""
        for _ in range(FURTHER_PROJECTS):
            denied = [probe for probe in capabilities.PROBES if _is_denied(findings.get(probe.capability))]
            # No more calls if Azure DevOps asks us to wait.
            if not denied or self.client.transport.asked_to_wait or self.runner.left() <= 0:
                break
            project = self.next_project()
            if project is None:
                break
            for capability, finding in self.probe(denied, project).items():
                findings[capability] = capabilities.combine(findings[capability], finding)
        return findings

    def reason_not_to_ask(self, probe: Probe) -> str | None:
        if not self.write_probes and capabilities.BY_KEY[probe.capability].writes:
            return WRITE_PROBES_OFF
        return None

    def call(self, probe: Probe, project: ProjectRef) -> Callable[[], Finding]:
        identity = self.connection.identity.id if self.connection else ""
        return lambda: capabilities.send_probe(self.client.transport, probe, project=project, identity=identity)

    def not_asked(self, probe: Probe) -> Finding:
        reason = self.untried.code if self.untried else self.reason_not_to_ask(probe) or TIME_LIMIT
        return Finding(
            probe.capability, Verdict.UNKNOWN, reason, activity_id=self.untried.activity_id if self.untried else None
        )

    def confirm(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Request the owner again after a refusal, which means a missing scope only if the token still works."""
        if not self.has_refusal(findings):
            return findings
        (again,) = self.runner.run([self.client.connection_data])
        if isinstance(again, _REFUSALS_OF_TOKENS):
            self.failure = failure_of(again)
        return capabilities.confirm(findings, refusal=self.doubt(again))

    def has_refusal(self, findings: tuple[Finding, ...]) -> bool:
        """Whether an answer was an empty 401, or refused the token that was accepted before."""
        seen: list[Finding | ProjectVerdict] = [*findings, *(here for found in findings for here in found.by_project)]
        codes = {self.projects_failure.code if self.projects_failure else "", *(result.reason for result in seen)}
        is_missing = errors.EmptyRefusal.code in codes or any(result.verdict is Verdict.MISSING for result in seen)
        return is_missing or bool(codes & _CODES_OF_REFUSALS)

    def doubt(self, again: object) -> str | None:
        if not isinstance(again, ConnectionData):
            return failure_of(again).code
        same = self.connection is not None and again.identity.id == self.connection.identity.id
        return None if same else "another_identity"


def _is_denied(finding: Finding | None) -> bool:
    return finding is not None and finding.verdict is Verdict.NOT_PERMITTED


def _all_unknown(reason: str) -> tuple[Finding, ...]:
    return tuple(Finding(capability.key, Verdict.UNKNOWN, reason) for capability in capabilities.CAPABILITIES)


def failure_of(outcome: object) -> Failure:
    """Why a call has no value: its error, or the time limit."""
    if isinstance(outcome, errors.AzureDevOpsError):
        return Failure(
            outcome.code,
            outcome.transient,
            outcome.activity_id,
            outcome.host,
            outcome.retry_after,
            support=outcome.support,
            object_id=outcome.object_id,
        )
    return Failure(TIME_LIMIT, transient=True)


def nothing_found(failure: Failure, *, at: datetime) -> Report:
    """The report of a verification that could not start or whose answers do not count."""
    return Report(finished_at=at, elapsed=0.0, findings=_all_unknown(failure.code), failure=failure)
