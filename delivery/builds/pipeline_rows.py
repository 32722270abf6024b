"""The rows of the list of pipelines. Each is rendered once for many requests."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.safestring import SafeString

from connections.views.cells import chips, time_since
from core.row_urls import row_url
from delivery.builds.build_presenters import chip, length, short_branch
from delivery.same_things import SeenVia


class PipelineRow(NamedTuple):
    """The columns that the list reads of a pipeline, named as in the database."""

    pk: int
    name: str
    web_url: str
    queue_status: str
    state: str
    build_id: int | None
    build_number: str
    branch: str
    requested_for: str
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    project_id: int
    project__name: str
    project__connection_id: int
    project__connection__name: str
    recent: Sequence[Sequence[Any]]


def pipeline_rows(
    rows: Iterable[PipelineRow], via: Mapping[int, tuple[SeenVia, ...]], now: datetime
) -> Iterator[SafeString]:
    """The rows of a page. `via` has through which connections a row is seen, where there are several."""
    prefix = get_script_prefix()
    for row in rows:
        shown = row._replace(recent=tuple(map(tuple, row.recent)))
        took = length(row.started_at, row.finished_at, now)
        yield _rendered(shown, via.get(row.pk, ()), time_since(row.queued_at, now), took, prefix)


# A row is kept by all that it shows, as in the list of connections.
@lru_cache(maxsize=1024)
def _rendered(row: PipelineRow, via: tuple[SeenVia, ...], queued: str, took: str, _prefix: str) -> SafeString:
    cells = {
        "row": row,
        "url": row_url("delivery:pipeline", row.pk),
        "via": [{"url": row_url("delivery:pipeline", same.pk), "connection": same.connection} for same in via],
        "chip": chip(row.state),
        "chip_html": chips((chip(row.state),)),
        "branch": short_branch(row.branch),
        "queued": queued,
        "took": took,
        "build_url": _build_url(row, row.build_id) if row.build_id else "",
        "marks": [
            {"url": _build_url(row, build_id), "number": number, "chip": chip(state)}
            for build_id, number, state in reversed(row.recent)
        ],
        "paused": row.queue_status if row.queue_status in ("paused", "disabled") else "",
    }
    return render_to_string("delivery/builds/row.html", cells)


def _build_url(row: PipelineRow, build_id: int) -> str:
    return row_url("delivery:build", row.pk, build_id)
