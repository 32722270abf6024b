"""Releases: one row for each release pipeline of every connection, live while it is open."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from connections.views.presenters import Chip
from delivery import live_views, reads
from delivery.domain.stages import ReleaseState, StageState
from delivery.forms import ReleaseFilterForm
from delivery.live import polling
from delivery.models import ReleasePipeline
from delivery.page_decorators import read_page
from delivery.releases.release_presenters import STAGE_CHIPS, StageView, chip_of_release
from delivery.same_things import page_of_each

_NEVER = Chip("Never released", "circle-minus", "quiet")


@read_page("delivery.view_releasepipeline")
def listing(request: HttpRequest) -> HttpResponse:
    """GET /releases/: search, filters, order and page are in the URL. Subscribes to the projects on the page."""
    form = ReleaseFilterForm(request.GET, states=reads.RELEASE_STATES)
    filters = live_views.chosen(form)
    page, via = page_of_each(reads.release_pipelines(filters), request.GET.get("page"))
    cells = live_views.via_cells(via)
    subscriptions = live_views.subscribe([pipeline.project_id for pipeline in page], polling.RELEASES)
    context = {
        "rows": [pipeline_row(pipeline) | {"via": cells.get(pipeline.pk)} for pipeline in page],
        "nothing_there": not page.paginator.count and not filters.q and not filters.state,
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


def pipeline_row(pipeline: ReleasePipeline) -> dict[str, Any]:
    """One release pipeline of the list, with its newest release."""
    states = [_stage(newest_stage) for newest_stage in pipeline.newest_stages]
    released = pipeline.newest_id is not None
    names = pipeline.newest_stages if released else pipeline.stages
    return {
        "pipeline": pipeline,
        "project": pipeline.project,
        "connection": pipeline.project.connection,
        "chip": chip_of_release(_whole(pipeline.whole), states) if released else _NEVER,
        "release_url": _release_url(pipeline, pipeline.newest_id) if released else "",
        "stages": [StageView(str(name.get("name", "")), STAGE_CHIPS[_stage(name)]) for name in names],
        "waits": [_wait(pipeline, waiting) for waiting in pipeline.waiting],
        "more_waits": pipeline.pending - len(pipeline.waiting),
    }


def _stage(stored: dict[str, Any]) -> StageState:
    # A later version may know more words than this one.
    word = stored.get("state", StageState.NOT_STARTED)
    return next((stage_state for stage_state in StageState if stage_state == word), StageState.UNKNOWN)


def _whole(word: str) -> ReleaseState:
    return next((release_state for release_state in ReleaseState if release_state == word), ReleaseState.UNKNOWN)


def _release_url(pipeline: ReleasePipeline, release_id: int | None) -> str:
    return reverse("delivery:release", args=[pipeline.project_id, release_id]) if release_id else ""


def _wait(pipeline: ReleasePipeline, stored: dict[str, Any]) -> dict[str, Any]:
    """An approval that is waited for, with the page of its release."""
    since = parse_datetime(stored["since"]) if stored.get("since") else None
    return {**stored, "url": _release_url(pipeline, stored.get("release_id")), "since": since}
