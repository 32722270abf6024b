"""Builds: one row for each pipeline of every connection, live while it is open; and one pipeline's builds."""

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from delivery import live_views, operations, reads
from delivery.builds import build_reads
from delivery.builds.build_presenters import build_row, pipeline_row
from delivery.forms import PipelineFilterForm
from delivery.live import polling
from delivery.models import Pipeline
from delivery.remote_problems import remote_problem
from delivery.remote_read import RemoteReadError

may_see = permission_required("delivery.view_pipeline", raise_exception=True)


@never_cache
@require_safe
@may_see
def listing(request: HttpRequest) -> HttpResponse:
    """GET /builds/: search, filters, order and page stand in the URL. Looking at it keeps its projects read."""
    form = PipelineFilterForm(request.GET, states=reads.BUILD_STATES)
    filters = live_views.chosen(form)
    page = reads.page_of_pipelines(filters, request.GET.get("page"))
    now = timezone.now()
    rows = [pipeline_row(one, now) for one in page.object_list]
    watches = live_views.subscribe([row["project"].pk for row in rows], polling.BUILDS)
    lacking, lacking_count = reads.connections_lacking("build_read")
    others = request.GET.copy()
    others.pop("page", None)
    context = {
        "page": page,
        "rows": rows,
        "filters": form,
        "filtered": filters.any,
        "total": page.paginator.count,
        "query": others.urlencode(),
        "lacking": lacking,
        "lacking_count": lacking_count,
        "now": now,
        **live_views.freshness(watches),
    }
    return render(request, "delivery/builds/list.html", context)


def find(pk: int) -> Pipeline:
    """The pipeline, or a 404 page."""
    return get_object_or_404(reads.pipelines_in_full(), pk=pk)


@never_cache
@require_safe
@may_see
def pipeline(request: HttpRequest, pk: int) -> HttpResponse:
    """GET /builds/<pipeline>/: its builds, the newest first; `after` continues."""
    found = find(pk)
    now = timezone.now()
    after = request.GET.get("after", "")[:200] or None
    context: dict[str, Any] = {"pipeline": found, **pipeline_context(request, found), "now": now}
    try:
        page = build_reads.builds_of(found, after=after)
    except RemoteReadError as trouble:
        context["problem"] = remote_problem(found.project.connection, trouble)
    else:
        rows = [build_row(build, now) for build in page.items]
        older = urlencode({"after": page.continuation}) if page.continuation else ""
        context |= {"rows": rows, "older": older, "moving": any(not row.is_over for row in rows) and after is None}
    return render(request, "delivery/builds/pipeline.html", context)


def pipeline_context(request: HttpRequest, found: Pipeline) -> dict[str, Any]:
    """What every page of a pipeline shows."""
    connection = found.project.connection
    return {
        "project": found.project,
        "connection": connection,
        "connection_url": connection.get_absolute_url(),
        "can_run": request.user.has_perm(operations.RUN_PIPELINE.permission) and found.gone_at is None,
        "run_leave": operations.check_allowed(connection, operations.RUN_PIPELINE),
        "run_url": reverse("delivery:run-pipeline", args=[found.pk]),
        "can_cancel": request.user.has_perm(operations.CANCEL_BUILD.permission),
        "cancel_leave": operations.check_allowed(connection, operations.CANCEL_BUILD),
    }
