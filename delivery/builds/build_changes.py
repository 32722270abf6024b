"""Change builds in Azure DevOps: run a pipeline, and cancel a build."""

import re
from dataclasses import dataclass, field
from datetime import datetime

from connections.providers.azure_devops import build as azure
from connections.providers.azure_devops import errors, git
from connections.providers.azure_devops.client import AzureDevOpsClient
from delivery import input_rules, operations
from delivery.builds.build_reads import TFVC_FOLDER, is_of
from delivery.models import Pipeline
from delivery.remote_change import ChangeRequest, execute
from delivery.remote_read import RemoteReadError, refusing_invalid_input
from history.record import Actor

_FULL_REF = re.compile(r"refs/")


def full_ref(branch: str) -> str:
    """A branch as Azure DevOps expects it; other refs, such as tags, and folders of TFVC are left as they are."""
    return branch if _FULL_REF.match(branch) or branch.startswith(TFVC_FOLDER) else git.HEADS + branch


def run_pipeline(pipeline: Pipeline, branch: str, *, by: Actor, now: datetime) -> azure.Build:
    """Queue a build. Raises `RemoteReadError`."""
    with refusing_invalid_input():
        branch = input_rules.branch_name(branch)
    work = _Run(pipeline, full_ref(branch))
    attempt = _attempt(operations.RUN_PIPELINE, pipeline, f"{pipeline.name} on {branch}", by, now)
    return execute(attempt, work.do, look=work.look, ids=lambda done: {"build_id": done.id, "number": done.number})


@dataclass(slots=True)
class _Run:
    """One run of a pipeline. `newest` is the last build before it."""

    pipeline: Pipeline
    branch: str
    newest: int = field(default=0)

    def builds(self, client: AzureDevOpsClient) -> tuple[azure.Build, ...]:
        project = self.pipeline.project.azure_id
        page = azure.builds_page(client.transport, project, definitions=[self.pipeline.azure_id], top=20)
        return page.items

    def do(self, client: AzureDevOpsClient) -> azure.Build:
        self.newest = max((build.id for build in self.builds(client)), default=0)
        project = self.pipeline.project.azure_id
        return azure.queue(client.transport, project, self.pipeline.azure_id, branch=self.branch)

    def look(self, client: AzureDevOpsClient) -> azure.Build | None:
        """A newer build on the branch, requested for the person behind the token, is ours."""
        person = self.pipeline.project.connection.identity_id.lower()
        for build in self.builds(client):
            mine = build.requested_for is not None and build.requested_for.id.lower() == person
            if mine and build.id > self.newest and build.branch == self.branch:
                return build
        return None


def cancel_build(pipeline: Pipeline, build_id: int, *, by: Actor, now: datetime) -> azure.Build:
    """Ask a build to stop; one that is cancelled already stays so. Raises `RemoteReadError`: "build_over"."""
    work = _Cancellation(pipeline, build_id)
    attempt = _attempt(operations.CANCEL_BUILD, pipeline, f"build {build_id} of {pipeline.name}", by, now)
    return execute(attempt, work.do, look=work.look, ids=lambda done: {"build_id": done.id, "number": done.number})


@dataclass(frozen=True, slots=True)
class _Cancellation:
    """One build of this pipeline that is to stop."""

    pipeline: Pipeline
    build_id: int

    def do(self, client: AzureDevOpsClient) -> azure.Build:
        found = self.build(client)
        if not found.is_over:
            found = azure.cancel(client.transport, self.pipeline.project.azure_id, self.build_id)
        if found.is_over and not _is_cancelled(found):
            # Azure DevOps answers a request to cancel it as if it were carried out.
            raise RemoteReadError("build_over")
        return found

    def build(self, client: AzureDevOpsClient) -> azure.Build:
        found = azure.build(client.transport, self.pipeline.project.azure_id, self.build_id)
        if not is_of(self.pipeline, found):
            raise errors.NotFound(detail="a build of another pipeline")
        return found

    def look(self, client: AzureDevOpsClient) -> azure.Build | None:
        found = self.build(client)
        return found if _is_cancelled(found) else None


def _is_cancelled(build: azure.Build) -> bool:
    return build.status is azure.Status.CANCELLING or build.result is azure.Result.CANCELED


def _attempt(act: operations.Operation, pipeline: Pipeline, what: str, by: Actor, now: datetime) -> ChangeRequest:
    detail = {"definition_id": pipeline.azure_id, "pipeline": pipeline.name, "project": pipeline.project.name}
    return ChangeRequest(act, pipeline.project.connection, f"{what} in {pipeline.project.name}", by, now, detail)
