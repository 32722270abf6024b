"""Pages that change releases in Azure DevOps: Create release, Deploy, Cancel, Approve, Reject. Each asks first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages as flash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from connections import clients
from connections.domain.problems import catalogue
from connections.providers.azure_devops.release_models import Approval, Environment, Release
from delivery import operations
from delivery.confirmation import Question, ask_first, is_confirmed, posted
from delivery.domain.stages import stage_of
from delivery.models import Project
from delivery.page_decorators import operation_page
from delivery.releases import release_changes, release_reads
from delivery.releases.release_changes import Decision, Place
from delivery.releases.release_forms import CommentForm, NewReleaseForm
from delivery.releases.release_presenters import STAGE_CHIPS
from delivery.releases.release_views import find, pipeline_url, release_url
from delivery.remote_problems import remote_problem
from delivery.remote_read import RemoteReadError
from history.record import Actor, actor_of


@operation_page(operations.CREATE_RELEASE)
def new_release(request: HttpRequest, pk: int, definition_id: int) -> HttpResponse:
    """GET shows the form with the versions that are offered; POST asks, and then creates."""
    project = find(pk)
    back = pipeline_url(project, definition_id)
    try:
        definition = release_reads.pipeline(project, definition_id)
        offers = release_reads.offers(project, definition)
    except RemoteReadError as trouble:
        return _new_page(request, project, None, back, trouble=trouble)
    form = NewReleaseForm(request.POST if request.method == "POST" else None, definition=definition, offers=offers)
    if not form.is_valid():
        return _new_page(request, project, form, back)
    if not is_confirmed(request):
        return ask_first(request, _new_question(project, form, back), project.connection, posted(form))
    try:
        made = release_changes.create_release(project, form.wish(), by=actor_of(request), now=timezone.now())
    except RemoteReadError as trouble:
        return _new_page(request, project, form, back, trouble=trouble)
    flash.success(request, f"{made.name} of {definition.name} is created.")
    return redirect(release_url(project, made.id))


def _new_question(project: Project, form: NewReleaseForm, back: str) -> Question:
    wish = form.wish()
    chosen = {alias: name for alias, (_, name) in wish.versions.items()}
    facts = [("Pipeline", wish.definition_name), ("Project", project.name)]
    facts += [
        (offer.source.alias or "Artifact", chosen.get(offer.source.alias, "the latest, chosen by Azure DevOps"))
        for offer in form.offers.values()
    ]
    if wish.by_hand:
        facts.append(("Wait for someone to deploy it", ", ".join(wish.by_hand)))
    if wish.description:
        facts.append(("Description", wish.description))
    return Question("Create this release?", facts, "Create release", back)


def _new_page(
    request: HttpRequest,
    project: Project,
    form: NewReleaseForm | None,
    back: str,
    *,
    trouble: RemoteReadError | None = None,
) -> HttpResponse:
    unlisted = [offer for offer in form.offers.values() if offer.problem] if form else []
    place = clients.place_of(project.connection.server)
    context = {
        "form": form,
        "project": project,
        "connection": project.connection,
        "leave": operations.check_allowed(project.connection, operations.CREATE_RELEASE),
        "problem": remote_problem(project.connection, trouble),
        "said": trouble.said if trouble else "",
        "unlisted": [(offer.source.alias, catalogue.problem(offer.problem, place=place)) for offer in unlisted],
        "others": [offer for offer in form.offers.values() if offer.source.kind != "Build"] if form else [],
        "cancel_url": back,
    }
    return render(request, "delivery/releases/new.html", context)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked about: a stage of a release, and the approval if it is about one."""

    release: Release
    environment: Environment
    approval: Approval | None = None

    @property
    def place(self) -> Place:
        return Place.of(self.release, self.environment)


@dataclass(frozen=True, slots=True)
class _Operation:
    """How one of the acts asks, and says that it was done."""

    act: operations.Operation
    title: str
    button: str
    done: str
    danger: bool = False


_DEPLOY = _Operation(operations.DEPLOY_STAGE, "Deploy {stage}?", "Deploy", "{stage} of {release} is being deployed.")
_CANCEL = _Operation(
    operations.CANCEL_DEPLOYMENT,
    "Cancel the deployment of {stage}?",
    "Cancel the deployment",
    "The deployment of {stage} of {release} is cancelled.",
    danger=True,
)
_APPROVE = _Operation(operations.APPROVE_DEPLOYMENT, "Approve {stage}?", "Approve", "{stage} of {release} is approved.")
_REJECT = _Operation(
    operations.REJECT_DEPLOYMENT, "Reject {stage}?", "Reject", "{stage} of {release} is rejected.", danger=True
)


def _page_of(deed: _Operation) -> Callable[..., HttpResponse]:
    """The page of an operation: GET asks, POST carries it out."""

    @operation_page(deed.act)
    def page(request: HttpRequest, pk: int, release_id: int, **ids: int) -> HttpResponse:
        return _answer(request, find(pk), release_id, deed, ids)

    return page


deploy, cancel, approve, reject = map(_page_of, (_DEPLOY, _CANCEL, _APPROVE, _REJECT))


def _answer(
    request: HttpRequest, project: Project, release_id: int, deed: _Operation, ids: Mapping[str, int]
) -> HttpResponse:
    back = release_url(project, release_id)
    form = CommentForm(request.POST if request.method == "POST" else None)
    try:
        asked = _find_asked(release_reads.one_release(project, release_id), **ids)
    except RemoteReadError as trouble:
        return _ask(request, project, deed, None, form, back, trouble=trouble)
    if not form.is_valid():
        return _ask(request, project, deed, asked, form, back)
    try:
        _carry_out(project, deed.act, asked, form.cleaned_data["comment"], actor_of(request))
    except RemoteReadError as trouble:
        return _ask(request, project, deed, asked, form, back, trouble=trouble)
    flash.success(request, deed.done.format(stage=asked.environment.name, release=asked.release.name))
    return redirect(back)


def _find_asked(release: Release, *, environment_id: int | None = None, approval_id: int | None = None) -> _Asked:
    """The stage or the approval with this id. Raises `Http404` where the release has none."""
    for stage in release.environments:
        if stage.id == environment_id:
            return _Asked(release, stage)
        for approval in stage.approvals:
            if approval.id == approval_id:
                return _Asked(release, stage, approval)
    raise Http404


def _carry_out(project: Project, act: operations.Operation, asked: _Asked, comment: str, by: Actor) -> None:
    now = timezone.now()
    if asked.approval is None:
        release_changes.change_stage(act, project, asked.place, comment=comment, by=by, now=now)
    else:
        release_changes.decide(act, project, asked.place, Decision(asked.approval.id, comment), by=by, now=now)


def _ask(
    request: HttpRequest,
    project: Project,
    deed: _Operation,
    asked: _Asked | None,
    form: CommentForm,
    back: str,
    *,
    trouble: RemoteReadError | None = None,
) -> HttpResponse:
    stage = asked.environment.name if asked else "this stage"
    approval = asked.approval if asked else None
    of_another = approval is not None and release_changes.is_of_another(approval, project.connection.identity_id)
    context: dict[str, Any] = {
        "project": project,
        "connection": project.connection,
        "deed": replace(deed, title=deed.title.format(stage=stage)),
        "asked": asked,
        "approver": approval.approver if approval else None,
        "of_another": of_another,
        "stage_chip": STAGE_CHIPS[stage_of(asked.environment)] if asked else None,
        "form": form,
        "leave": operations.check_allowed(project.connection, deed.act),
        "problem": remote_problem(project.connection, trouble),
        "said": trouble.said if trouble else "",
        "back_url": back,
    }
    return render(request, "delivery/releases/confirm_action.html", context)
