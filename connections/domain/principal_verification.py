"""Verify an application of Microsoft Entra in one organization.

First the tenant of the organization is read without a credential, then an access token is fetched. The rest is as for a
person's token; but an application has permissions and no scopes, so that Azure DevOps is also asked what it may do in
each project. With concurrent calls, this takes one round trip more than for a token, beside that to Microsoft Entra.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from connections.domain.runners import Runner
from connections.domain.verification import WRITE_PROBES_OFF, Check, Report, failure_of
from connections.providers.azure_devops import core, permissions
from connections.providers.azure_devops.capabilities import BY_KEY, project_verdicts
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.models import Project
from connections.providers.capability import Finding, ProjectVerdict, Verdict
from connections.providers.organization import ProjectRef

PERMISSIONS_UNKNOWN = "permissions_unknown"
# Code is permitted and invisible, as it is with the access level Stakeholder.
STAKEHOLDER = "stakeholder_likely"


def check(
    client: AzureDevOpsClient,
    runner: Runner,
    *,
    write_probes: bool,
    now: Callable[[], datetime],
    projects: Sequence[ProjectRef] = (),
    tenant: str,
) -> Report:
    """Verify the client's application, of this tenant, in these projects or in any. Raises no `AzureDevOpsError`."""
    return _PrincipalCheck(client, runner, write_probes=write_probes, chosen=projects, tenant=tenant).run(now)


class _PrincipalCheck(Check):
    is_principal = True

    def __init__(
        self,
        client: AzureDevOpsClient,
        runner: Runner,
        *,
        write_probes: bool,
        chosen: Sequence[ProjectRef],
        tenant: str,
    ) -> None:
        super().__init__(client, runner, write_probes=write_probes, chosen=chosen)
        self.tenant = tenant
        self.bits: dict[str, permissions.Bits] = {}
        self.asked: list[permissions.Question] = []
        self.permitted: dict[tuple[str, str], bool] = {}
        self.without_code: str | None = None

    def ask_owner_and_projects(self) -> None:
        if self.settle("tenant", partial(core.require_tenant, self.client.transport, self.tenant)) and self.settle(
            "issuer", self.client.transport.prepare
        ):
            super().ask_owner_and_projects()

    def settle(self, step: str, call: Callable[[], object]) -> bool:
        """Make one call. Whether it succeeded; otherwise sets `failure`."""

        def run() -> bool:
            call()
            return True

        (outcome,) = self.runner.run([self.timed(step, run)])
        if outcome is not True:
            self.failure = failure_of(outcome)
        return self.failure is None

    def calls_beside_owner(self) -> list[Callable[[], object]]:
        if permissions.KEPT.get(self.client.transport) is not None:
            return []
        return [self.timed("permissions", partial(self.read_bits, namespace)) for namespace in permissions.NAMESPACES]

    def read_bits(self, namespace: str) -> None:
        self.bits[namespace] = {namespace: permissions.bits_of(self.client.transport, namespace)}
        if len(self.bits) == len(permissions.NAMESPACES):
            permissions.KEPT.keep(self.client.transport, self.known_bits())

    def known_bits(self) -> permissions.Bits:
        kept = permissions.KEPT.get(self.client.transport)
        return kept or {name: bits for read in self.bits.values() for name, bits in read.items()}

    def calls_beside_probes(self, project: Project) -> list[Callable[[], object]]:
        self.asked = permissions.questions(self.projects_to_ask_about(project), self.known_bits())
        parts = [partial(self.evaluate, part) for part in permissions.calls_of(self.asked)]
        return [self.timed("permissions", call) for call in (*parts, partial(self.look_for_code, project.id))]

    def look_for_code(self, project_id: str) -> None:
        if not core.has_repositories(self.client.transport, project_id):
            self.without_code = project_id

    @property
    def is_stakeholder(self) -> bool:
        """Whether code is permitted where no repository is visible. Every project with Git has one."""
        return self.without_code is not None and self.permitted.get(("code_read", self.without_code), False)

    def projects_to_ask_about(self, first: Project) -> list[ProjectRef]:
        """The project of the probes, then the chosen ones that are visible, or all visible ones if none is chosen."""
        visible = {project.id.lower(): project for project in (first, *self.visible_projects()) if project.is_usable}
        wanted = dict.fromkeys([first.id.lower(), *(chosen.id.lower() for chosen in self.chooser.chosen)])
        order = wanted if self.chooser.chosen else visible
        return [ProjectRef(visible[key].id, visible[key].name) for key in order if key in visible]

    def evaluate(self, asked: Sequence[permissions.Question]) -> None:
        self.permitted |= permissions.evaluate(self.client.transport, asked)

    def conclude(self, findings: dict[str, Finding]) -> dict[str, Finding]:
        self.evaluated_projects = len({project for _, project in self.permitted})
        if not self.connection or self.untried is not None:
            return findings
        return {
            capability: self.with_permissions(capability, findings.get(capability))
            for capability in permissions.NEEDED
            if capability in findings or self.has_answers(capability)
        }

    def has_answers(self, capability: str) -> bool:
        return any(asked == capability for asked, _ in self.permitted)

    def with_permissions(self, capability: str, probed: Finding | None) -> Finding:
        """The finding of the probes with the permission in each project."""
        probes = {here.project_id: here for here in probed.by_project} if probed else {}
        projects = {question.project.id: question.project for question in self.asked}
        # A project that was probed and not asked about counts only if the probe failed.
        failed = [key for key, here in probes.items() if here.verdict is not Verdict.GRANTED]
        refs = dict.fromkeys([*projects, *failed])
        by_project = tuple(
            self.verdict_in(capability, projects.get(key) or ProjectRef(key, probes[key].project_name), probes.get(key))
            for key in refs
        )
        base = probed or project_verdicts(ProjectRef(""), capability, Verdict.UNKNOWN, WRITE_PROBES_OFF)
        return _in_total(replace(base, by_project=by_project))

    def verdict_in(self, capability: str, project: ProjectRef, probed: ProjectVerdict | None) -> ProjectVerdict:
        if probed is not None and probed.verdict is not Verdict.GRANTED:
            return probed
        permitted = self.permitted.get((capability, project.id))
        if permitted is None:
            return ProjectVerdict(project.id, project.name, Verdict.UNKNOWN, PERMISSIONS_UNKNOWN)
        verdict, reason = (Verdict.GRANTED, "") if permitted else (Verdict.NOT_PERMITTED, "access_denied")
        if permitted and BY_KEY[capability].area == "code" and self.is_stakeholder:
            verdict, reason = Verdict.NOT_PERMITTED, STAKEHOLDER
        return ProjectVerdict(project.id, project.name, verdict, reason)


def _in_total(finding: Finding) -> Finding:
    """Granted if one project permits it and no probe failed, and denied if all that answered deny it."""
    verdicts = {here.verdict: here.reason for here in reversed(finding.by_project)}
    if finding.verdict is Verdict.UNKNOWN and finding.reason not in ("", WRITE_PROBES_OFF):
        return finding
    for verdict in (Verdict.GRANTED, Verdict.NOT_PERMITTED):
        if verdict in verdicts:
            return replace(finding, verdict=verdict, reason=verdicts[verdict])
    return replace(finding, verdict=Verdict.UNKNOWN, reason=verdicts.get(Verdict.UNKNOWN, PERMISSIONS_UNKNOWN))
