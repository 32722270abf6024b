"""Pages of one release pipeline and of one release, updated while something changes."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from connections.providers.azure_devops.release_models import Environment, Release
from connections.views.presenters import Chip
from delivery import operations, reads
from delivery.domain.stages import CAN_BE_CANCELLED, CAN_BE_DEPLOYED, seconds_until_next_poll, stage_of
from delivery.live import polling
from delivery.live.items import ReleaseList, seconds_until_any_changes
from delivery.live_views import open_live
from delivery.models import Project
from delivery.page_decorators import read_page
from delivery.releases import release_reads
from delivery.releases.release_presenters import (
    STAGE_CHIPS,
    ApprovalView,
    StageView,
    approval_views,
    chip_of,
    deployment_views,
    duration,
    row_of_stages,
)
from delivery.remote_problems import remote_problem
from delivery.remote_read import RemoteReadError

LONGEST = 200


def find(pk: int) -> Project:
    """The project, or a 404 page."""
    return get_object_or_404(reads.projects_in_full(), pk=pk)


def release_url(project: Project, release_id: int) -> str:
    """The page of a release."""
    return reverse("delivery:release", args=[project.pk, release_id])


def pipeline_url(project: Project, definition_id: int) -> str:
    """The page of a release pipeline."""
    return reverse("delivery:release-pipeline", args=[project.pk, definition_id])


@dataclass(frozen=True, slots=True)
class Button:
    """An action on the page. `why` is the id of the note that says why it is not available; empty when it is."""

    act: operations.Operation
    url: str
    icon: str
    label: str
    why: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class StageCard:
    """A stage on the page of a release."""

    environment: Environment
    chip: Chip
    took: str
    approvals: list[tuple[ApprovalView, list[Button]]]
    buttons: list[Button]


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release in the list of its pipeline."""

    release: Release
    url: str
    chip: Chip
    stages: list[StageView]
    versions: str


@read_page("delivery.view_releasepipeline")
def pipeline(request: HttpRequest, pk: int, definition_id: int) -> HttpResponse:
    """GET /releases/<project>/pipelines/<id>/: its releases, newest first; `after` continues the list."""
    project = find(pk)
    after = request.GET.get("after", "")[:LONGEST]
    shown = _older(project, definition_id, after) if after else _newest(request, project, definition_id)
    context = {
        "definition_id": definition_id,
        "new_leave": operations.check_allowed(project.connection, operations.CREATE_RELEASE),
        "can_create": request.user.has_perm(operations.CREATE_RELEASE.permission),
        "new_url": reverse("delivery:new-release", args=[project.pk, definition_id]),
        "newest_url": pipeline_url(project, definition_id) if after else "",
        **_common(project),
        **shown,
        **_definition(project, definition_id, is_readable=not shown.get("problem")),
    }
    return render(request, "delivery/releases/pipeline.html", context)


def _definition(project: Project, definition_id: int, *, is_readable: bool) -> dict[str, Any]:
    """The pipeline as it is stored; read on demand where it has not been listed yet and its releases are readable."""
    stored = reads.release_pipeline(project, definition_id)
    if stored is not None or not is_readable:
        return {"definition": stored}
    try:
        return {"definition": release_reads.pipeline(project, definition_id)}
    except RemoteReadError as failure:
        return {"definition_problem": remote_problem(project.connection, failure)}


def _older(project: Project, definition_id: int, after: str) -> dict[str, Any]:
    try:
        return _rows(project, definition_id, release_reads.releases_of(project, definition_id, after=after))
    except RemoteReadError as failure:
        return {"problem": remote_problem(project.connection, failure)}


def _newest(request: HttpRequest, project: Project, definition_id: int) -> dict[str, Any]:
    live = open_live(request, project, polling.PIPELINE_RELEASES, definition_id, ReleaseList)
    releases = live.value.items if live.value else ()
    seconds = seconds_until_any_changes(releases, now=timezone.now())
    context = live.context(request, project.connection, seconds=seconds)
    return context | (_rows(project, definition_id, live.value) if live.value else {})


def _rows(project: Project, definition_id: int, page: ReleaseList) -> dict[str, Any]:
    here, older = pipeline_url(project, definition_id), ""
    if page.continuation:
        older = f"{here}?{urlencode({'after': page.continuation})}"
    return {"rows": [_row(project, release) for release in page.items], "older_url": older, "is_read": True}


def _row(project: Project, release: Release) -> ReleaseRow:
    versions = ", ".join(artifact.version for artifact in release.artifacts if artifact.version)
    return ReleaseRow(release, release_url(project, release.id), chip_of(release), row_of_stages(release), versions)


@read_page("delivery.view_releasepipeline")
def page(request: HttpRequest, pk: int, release_id: int) -> HttpResponse:
    """GET /releases/<project>/<id>/: what it carries, its stages and approvals, and what was deployed."""
    project = find(pk)
    acts = _Acts(request, project, release_id)
    live = open_live(request, project, polling.RELEASE, release_id, Release)
    seconds = seconds_until_next_poll(live.value, now=timezone.now()) if live.value else None
    context = {
        "release_id": release_id,
        "refusals": acts.refusals(),
        **_common(project),
        **live.context(request, project.connection, seconds=seconds),
        **(_shown(project, live.value, acts) if live.value else {}),
    }
    return render(request, "delivery/releases/release.html", context)


def _shown(project: Project, release: Release, acts: "_Acts") -> dict[str, Any]:
    definition_id = release.definition_id
    return {
        "release": release,
        "chip": chip_of(release),
        "row": row_of_stages(release),
        "cards": [_card(environment, acts) for environment in release.environments],
        "deployments": deployment_views(release.environments),
        "pipeline_url": pipeline_url(project, definition_id) if definition_id is not None else "",
    }


def _common(project: Project) -> dict[str, Any]:
    return {
        "project": project,
        "connection": project.connection,
        "connection_url": project.connection.get_absolute_url(),
        "now": timezone.now(),
    }


def _card(environment: Environment, acts: "_Acts") -> StageCard:
    return StageCard(
        environment,
        chip=STAGE_CHIPS[stage_of(environment)],
        took=duration(environment.minutes),
        approvals=[
            (approval_view, acts.on_approval(approval_view))
            for approval_view in approval_views(environment, acts.identity_id)
        ],
        buttons=acts.on_stage(environment),
    )


class _Acts:
    """Which actions the person may take on this page, and which of them the token does not allow."""

    def __init__(self, request: HttpRequest, project: Project, release_id: int) -> None:
        self.connection = project.connection
        self.identity_id = project.connection.identity_id
        self.place = (project.pk, release_id)
        self.allowed = [
            act
            for act in (
                operations.DEPLOY_STAGE,
                operations.CANCEL_DEPLOYMENT,
                operations.APPROVE_DEPLOYMENT,
                operations.REJECT_DEPLOYMENT,
            )
            if request.user.has_perm(act.permission)
        ]
        self.leaves = {act.key: operations.check_allowed(self.connection, act) for act in self.allowed}

    def refusals(self) -> list[tuple[str, str, operations.OperationCheck]]:
        """One note for each permission whose actions are not available: its id, what it is about, and why."""
        found = {act.permission: self.leaves[act.key] for act in self.allowed if not self.leaves[act.key].given}
        names = {
            operations.DEPLOY_STAGE.permission: "Deploy and cancel",
            operations.APPROVE_DEPLOYMENT.permission: "Approve and reject",
        }
        return [(_why(leave.act), names[permission], leave) for permission, leave in found.items()]

    def on_stage(self, environment: Environment) -> list[Button]:
        stage, again = stage_of(environment), bool(environment.attempts)
        if stage in CAN_BE_CANCELLED:
            return self.button(operations.CANCEL_DEPLOYMENT, environment.id, "circle-stop", "Cancel", tone="danger")
        if stage in CAN_BE_DEPLOYED:
            return self.button(operations.DEPLOY_STAGE, environment.id, "play", "Deploy again" if again else "Deploy")
        return []

    def on_approval(self, approval: ApprovalView) -> list[Button]:
        if not approval.waits:
            return []
        yes = self.button(operations.APPROVE_DEPLOYMENT, approval.approval.id, "thumbs-up", "Approve", tone="primary")
        return yes + self.button(
            operations.REJECT_DEPLOYMENT, approval.approval.id, "thumbs-down", "Reject", tone="danger"
        )

    def button(self, act: operations.Operation, number: int, icon: str, label: str, *, tone: str = "") -> list[Button]:
        if act not in self.allowed:
            return []
        why = "" if self.leaves[act.key].given else _why(act)
        url = reverse(f"delivery:{act.key.replace('_', '-')}", args=[*self.place, number])
        return [Button(act, url, icon, label, why, tone)]


def _why(act: operations.Operation) -> str:
    return f"why-{act.permission.partition('.')[2]}"
