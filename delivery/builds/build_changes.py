"""Change builds in Azure DevOps: run a pipeline, and cancel a build."""

import re
from dataclasses import dataclass, field
from datetime import datetime

from connections.providers.azure_devops import build as azure
from connections.providers.azure_devops import git
from connections.providers.azure_devops.client import AzureDevOpsClient
from delivery import input_rules, operations
from delivery.builds.build_reads import TFVC_FOLDER
from delivery.models import Pipeline
from delivery.remote_change import ChangeRequest, execute
from delivery.remote_read import refusing_invalid_input
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
    """Ask a build to stop. Raises `RemoteReadError`."""
    project = pipeline.project.azure_id

    def look(client: AzureDevOpsClient) -> azure.Build | None:
        found = azure.build(client.transport, project, build_id)
        return found if found.status in (azure.Status.CANCELLING, azure.Status.COMPLETED) else None

    attempt = _attempt(operations.CANCEL_BUILD, pipeline, f"build {build_id} of {pipeline.name}", by, now)
    return execute(
        attempt,
        lambda client: azure.cancel(client.transport, project, build_id),
        look=look,
        ids=lambda done: {"build_id": done.id, "number": done.number},
    )


def _attempt(act: operations.Operation, pipeline: Pipeline, what: str, by: Actor, now: datetime) -> ChangeRequest:
    detail = {"definition_id": pipeline.azure_id, "pipeline": pipeline.name, "project": pipeline.project.name}
    return ChangeRequest(act, pipeline.project.connection, f"{what} in {pipeline.project.name}", by, now, detail)
