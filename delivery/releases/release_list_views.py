"""Releases: one row for each release pipeline of every connection, live while it is open."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from connections.views.cells import joined
from delivery import live_views, reads
from delivery.forms import ReleaseFilterForm
from delivery.live import polling
from delivery.page_decorators import read_page
from delivery.releases.release_pipeline_rows import ReleasePipelineRow, release_pipeline_rows
from delivery.same_things import page_of_each


@read_page("delivery.view_releasepipeline")
def listing(request: HttpRequest) -> HttpResponse:
    """GET /releases/: search, filters, order and page are in the URL. Subscribes to the projects on the page."""
    form = ReleaseFilterForm(request.GET, states=reads.RELEASE_STATES)
    filters = live_views.chosen(form)
    number, columns = request.GET.get("page"), ReleasePipelineRow._fields
    page, via = page_of_each(reads.release_pipelines, filters, number, row=ReleasePipelineRow, columns=columns)
    subscriptions = live_views.subscribe([pipeline.project_id for pipeline in page], polling.RELEASES)
    context = {
        "rows": joined(release_pipeline_rows(page, via, timezone.now())),
        **_what_is_missing(),
        **live_views.list_context(request, form, filters, page),
        **live_views.freshness(subscriptions).context(),
    }
    return render(request, "delivery/releases/list.html", context)


def _what_is_missing() -> dict[str, Any]:
    """The connections of which no releases can be shown: their token lacks the scope, or there are none to be had."""
    lacking, lacking_count = reads.connections_lacking(polling.KINDS[polling.RELEASES])
    switched_off, off_count = reads.connections_without_releases()
    return {"lacking": lacking, "lacking_count": lacking_count, "switched_off": switched_off, "off_count": off_count}
