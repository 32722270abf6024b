"""Capabilities of a token, and the harmless probes that find them.

Azure DevOps does not reveal the scopes of a token, so each capability is probed with a call that needs exactly its
scope and cannot change anything: reads are reads, and writes go to things that cannot exist (a random id, the largest
number) with an empty body. Azure DevOps checks the scope before it looks up the thing, so "there is no such repository"
proves the scope, and an empty 401 suggests that it is missing.

Scopes and their labels: https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/oauth#scopes
Scope of each call: https://github.com/MicrosoftDocs/vsts-rest-api-specs
"""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace

from connections.providers.azure_devops import errors
from connections.providers.azure_devops.classification import classify
from connections.providers.azure_devops.responses import Response
from connections.providers.azure_devops.transport import Transport
from connections.providers.capability import Capability, Finding, ProjectVerdict, Verdict
from connections.providers.organization import ProjectRef

# The largest possible identifier, which no build, release or approval has.
NO_SUCH_NUMBER = 2_147_483_647


CAPABILITIES: tuple[Capability, ...] = (
    Capability(
        "code_read",
        "code",
        "Read",
        "Code: Read",
        "vso.code",
        writes=False,
        needed_for="List repositories and branches; show commits and files.",
        without="We cannot show repositories, branches and files.",
    ),
    Capability(
        "code_write",
        "code",
        "Write",
        "Code: Read & write",
        "vso.code_write",
        writes=True,
        needed_for="Create branches and commit files.",
        without="You cannot create branches or commit files here.",
    ),
    Capability(
        "code_manage",
        "code",
        "Manage",
        "Code: Read, write, & manage",
        "vso.code_manage",
        writes=True,
        needed_for="Create and rename repositories.",
        without="You cannot create repositories here.",
    ),
    Capability(
        "build_read",
        "build",
        "Read",
        "Build: Read",
        "vso.build",
        writes=False,
        needed_for="Show pipelines, builds and their logs.",
        without="We cannot show builds and their status.",
    ),
    Capability(
        "build_execute",
        "build",
        "Execute",
        "Build: Read & execute",
        "vso.build_execute",
        writes=True,
        needed_for="Run and cancel pipelines.",
        without="You cannot run or cancel pipelines here.",
    ),
    Capability(
        "release_read",
        "release",
        "Read",
        "Release: Read",
        "vso.release",
        writes=False,
        needed_for="Show releases, environments and deployments.",
        without="We cannot show releases and deployments.",
    ),
    Capability(
        "release_execute",
        "release",
        "Write & execute",
        "Release: Read, write, & execute",
        "vso.release_execute",
        writes=True,
        needed_for="Create releases and deploy environments.",
        without="You cannot create or deploy releases here.",
    ),
    Capability(
        "release_manage",
        "release",
        "Manage",
        "Release: Read, write, execute, & manage",
        "vso.release_manage",
        writes=True,
        needed_for="Approve and reject deployments.",
        without="You cannot approve or reject deployments here.",
    ),
)
BY_KEY = {capability.key: capability for capability in CAPABILITIES}


@dataclass(frozen=True, slots=True)
class Probe:
    """One harmless call and the error types that prove that its scope was accepted.

    `path` is below `_apis` of a project. Writes have an empty body; lists are limited to one item.
    """

    capability: str
    proofs: re.Pattern[str]
    method: str
    path: str

    def ask(self, transport: Transport, project: str) -> Response:
        """Make the call in a project."""
        path = self.path.format(no_such_id=uuid.uuid4(), no_such_number=NO_SUCH_NUMBER)
        return transport.ask(
            self.method,
            (project, "_apis", *path.split("/")),
            service="release" if path.startswith("release/") else "core",
            query={"$top": "1"} if path.endswith("/definitions") else None,
            json=None if self.method == "GET" else {},
        )


# Errors about the body, which is read only after the scope was accepted.
_ARGUMENT = (
    r"ArgumentException|ArgumentNullException|InvalidArgumentValueException|VssPropertyValidationException"
    r"|BuildRequestValidationFailedException|InvalidRequestException"
)


def _proofs(resource: str) -> re.Pattern[str]:
    return re.compile(rf"\A(?:{resource}|{_ARGUMENT})\Z")


_REPOSITORY = _proofs("GitRepositoryNotFoundException")
_BUILD = _proofs("BuildNotFoundException|DefinitionNotFoundException")
_RELEASE = _proofs(r"Release\w*NotFoundException|\w*ApprovalNotFoundException")


# The list of repositories has no paging, so a repository that cannot exist is requested instead.
PROBES: tuple[Probe, ...] = (
    # https://learn.microsoft.com/rest/api/azure/devops/git/repositories/get-repository
    Probe("code_read", _REPOSITORY, "GET", "git/repositories/{no_such_id}"),
    # https://learn.microsoft.com/rest/api/azure/devops/git/pushes/create
    Probe("code_write", _REPOSITORY, "POST", "git/repositories/{no_such_id}/pushes"),
    # https://learn.microsoft.com/rest/api/azure/devops/git/repositories/update
    Probe("code_manage", _REPOSITORY, "PATCH", "git/repositories/{no_such_id}"),
    # https://learn.microsoft.com/rest/api/azure/devops/build/definitions/list
    Probe("build_read", _BUILD, "GET", "build/definitions"),
    # https://learn.microsoft.com/rest/api/azure/devops/build/builds/update-build
    Probe("build_execute", _BUILD, "PATCH", "build/builds/{no_such_number}"),
    # https://learn.microsoft.com/rest/api/azure/devops/release/definitions/list
    Probe("release_read", _RELEASE, "GET", "release/definitions"),
    # https://learn.microsoft.com/rest/api/azure/devops/release/releases/update-release-resource
    Probe("release_execute", _RELEASE, "PATCH", "release/releases/{no_such_number}"),
    # https://learn.microsoft.com/rest/api/azure/devops/release/approvals/update
    Probe("release_manage", _RELEASE, "PATCH", "release/approvals/{no_such_number}"),
)


def send_probe(transport: Transport, probe: Probe, *, project: ProjectRef, identity: str) -> Finding:
    """Probe one capability in one project, as the person with the id `identity`.

    Never raises an `AzureDevOpsError`: an error becomes the verdict "unknown" with its code.
    """
    try:
        answer = probe.ask(transport, project.id)
    except errors.AzureDevOpsError as error:
        return project_verdicts(project, probe.capability, Verdict.UNKNOWN, error.code, activity_id=error.activity_id)
    verdict, reason = read_answer(answer, proofs=probe.proofs, identity=identity)
    return project_verdicts(
        project, probe.capability, verdict, reason, seconds=answer.elapsed, activity_id=answer.activity_id
    )


def project_verdicts(
    project: ProjectRef,
    capability: str,
    verdict: Verdict,
    reason: str,
    *,
    seconds: float = 0.0,
    activity_id: str | None = None,
) -> Finding:
    """The finding of a probe in one project."""
    by_project = (ProjectVerdict(project.id, project.name, verdict, reason),)
    return Finding(capability, verdict, reason, seconds, activity_id, by_project)


def combine(denied: Finding, further: Finding) -> Finding:
    """Combine a denied capability with the finding in a further project.

    Permissions are granted per project, so the capability counts as granted if one project permits it; `by_project`
    shows where it is denied. Otherwise it remains denied.
    """
    decisive = further if further.verdict is Verdict.GRANTED else denied
    return replace(
        decisive,
        seconds=denied.seconds + further.seconds,
        by_project=denied.by_project + further.by_project,
    )


def read_answer(answer: Response, *, proofs: re.Pattern[str], identity: str) -> tuple[Verdict, str]:
    """The verdict and reason that an answer to a probe shows.

    MISSING is provisional: `confirm` decides whether it stands.
    """
    error = classify(answer)
    if answer.by_principal and isinstance(error, errors.EmptyRefusal):
        # An application has no scopes that could be missing.
        return Verdict.UNKNOWN, "principal_empty_refusal"
    if answer.by_principal and isinstance(error, errors.ProjectNotFound):
        # Azure DevOps does not say whether it is missing or hidden; but the project was listed.
        return Verdict.NOT_PERMITTED, "access_denied"
    if isinstance(error, errors.EmptyRefusal):
        return (Verdict.UNKNOWN, "signed_refusal") if answer.user_id else (Verdict.MISSING, "")
    if error is None:
        return _read_success(answer, identity)
    if isinstance(error, errors.AccessDenied):
        return _read_denial(answer, identity)
    proved = answer.type_key is not None and proofs.match(answer.type_key)
    if proved and answer.status in (400, 404, 409, 500):
        return _read_success(answer, identity)
    return Verdict.UNKNOWN, error.code


def _read_success(answer: Response, identity: str) -> tuple[Verdict, str]:
    if answer.user_id is None:
        return Verdict.UNKNOWN, "anonymous_answer"
    if answer.user_id.lower() != identity.lower():
        return Verdict.UNKNOWN, "another_identity"
    return Verdict.GRANTED, ""


def _read_denial(answer: Response, identity: str) -> tuple[Verdict, str]:
    if answer.type_key is None or answer.user_id is None:
        return Verdict.UNKNOWN, "access_denied"
    if answer.user_id.lower() != identity.lower():
        return Verdict.UNKNOWN, "another_identity"
    return Verdict.NOT_PERMITTED, "access_denied"


def confirm(findings: Iterable[Finding], *, refusal: str | None) -> tuple[Finding, ...]:
    """Replace "missing" by "unknown" if the token no longer works, for the reason with the code `refusal`."""
    if refusal is None:
        return tuple(findings)
    return tuple(_doubt(finding, Verdict.MISSING, refusal) for finding in findings)


def _doubt(finding: Finding, verdict: Verdict, reason: str) -> Finding:
    """The finding with "unknown" instead of `verdict`, in total and in each project."""
    by_project = tuple(
        replace(here, verdict=Verdict.UNKNOWN, reason=reason) if here.verdict is verdict else here
        for here in finding.by_project
    )
    if finding.verdict is not verdict:
        return replace(finding, by_project=by_project)
    return replace(finding, verdict=Verdict.UNKNOWN, reason=reason, by_project=by_project)


def reconcile(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Replace "granted" by "unknown" for a higher level if a lower one is missing.

    A higher scope includes the lower ones, so both cannot be true, and the rejection is the more certain fact.
    """
    missing: set[str] = set()
    reconciled = []
    for finding in findings:
        area = BY_KEY[finding.capability].area
        if finding.verdict is Verdict.MISSING:
            missing.add(area)
        if finding.verdict is Verdict.GRANTED and area in missing:
            reconciled.append(_doubt(finding, Verdict.GRANTED, "contradiction"))
        else:
            reconciled.append(finding)
    return tuple(reconciled)
