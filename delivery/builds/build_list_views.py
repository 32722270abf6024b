"""Builds: one row for each pipeline of every connection, and the builds of one pipeline; updated while open."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from connections.views.cells import joined
from delivery import live_views, operations, reads
from delivery.builds import build_reads
from delivery.builds.build_presenters import build_row
from delivery.builds.pipeline_rows import PipelineRow, pipeline_rows
from delivery.forms import PipelineFilterForm
from delivery.live import polling
from delivery.live.items import BuildList
from delivery.models import Pipeline
from delivery.page_decorators import read_page
from delivery.remote_problems import remote_problem
from delivery.remote_read import RemoteReadError
from delivery.same_things import page_of_each

# How often the page of a pipeline is refreshed while one of its builds is not over.
_REFRESH_SECONDS = 5


@read_page("delivery.view_pipeline")
def listing(request: HttpRequest) -> HttpResponse:
    """GET /builds/: search, filters, order and page are in the URL. Subscribes to the projects on the page."""
    form = PipelineFilterForm(request.GET, states=reads.BUILD_STATES)
    filters = live_views.chosen(form)
    number = request.GET.get("page")
    page, via = page_of_each(reads.pipelines, filters, number, row=PipelineRow, columns=PipelineRow._fields)
    subscriptions = live_views.subscribe([pipeline.project_id for pipeline in page], polling.BUILDS)
    lacking, lacking_count = reads.connections_lacking("build_read")
    context = {
        "rows": joined(pipeline_rows(page, via, timezone.now())),
        "lacking": lacking,
        "lacking_count": lacking_count,
        **live_views.list_context(request, form, filters, page),
        **live_views.freshness(subscriptions).context(),
    }
    return render(request, "delivery/builds/list.html", context)


def find(pk: int) -> Pipeline:
    """The pipeline, or a 404 page."""
    return get_object_or_404(reads.pipelines_in_full(), pk=pk)


@read_page("delivery.view_pipeline")
def pipeline(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /builds/<pipeline>/: its builds, the newest first; `after` continues the list."""
    chosen = find(pk)
    after = request.GET.get("after", "")[:200]
    context = _older(chosen, after) if after else _newest(request, chosen)
    return render(
        request, "delivery/builds/pipeline.html", pipeline_context(request, chosen) | {"now": timezone.now()} | context
    )


def _newest(request: HttpRequest, pipeline: Pipeline) -> dict[str, Any]:
    live = live_views.open_live(request, pipeline.project, polling.PIPELINE_BUILDS, pipeline.azure_id, BuildList)
    is_over = live.value is None or all(build.is_over for build in live.value.items)
    seconds = None if is_over else _REFRESH_SECONDS
    context = live.context(request, pipeline.project.connection, seconds=seconds)
    return context | (_rows(live.value) if live.value else {})


def _older(pipeline: Pipeline, after: str) -> dict[str, Any]:
    try:
        return _rows(build_reads.older_builds(pipeline, after))
    except RemoteReadError as failure:
        return {"problem": remote_problem(pipeline.project.connection, failure)}


def _rows(page: BuildList) -> dict[str, Any]:
    now = timezone.now()
    older = urlencode({"after": page.continuation}) if page.continuation else ""
    return {"rows": [build_row(build, now) for build in page.items], "older": older, "is_read": True}


def pipeline_context(request: HttpRequest, pipeline: Pipeline) -> dict[str, Any]:
    """What every page of a pipeline shows."""
    connection = pipeline.project.connection
    return {
        "pipeline": pipeline,
        "project": pipeline.project,
        "connection": connection,
        "connection_url": connection.get_absolute_url(),
        "can_run": request.user.has_perm(operations.RUN_PIPELINE.permission) and pipeline.gone_at is None,
        "run_leave": operations.check_allowed(connection, operations.RUN_PIPELINE),
        "run_url": reverse("delivery:run-pipeline", args=[pipeline.pk]),
        "can_cancel": request.user.has_perm(operations.CANCEL_BUILD.permission),
        "cancel_leave": operations.check_allowed(connection, operations.CANCEL_BUILD),
    }
