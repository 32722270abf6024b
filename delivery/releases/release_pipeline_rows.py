"""The rows of the list of release pipelines. Each is rendered once for many requests."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString

from connections.views.cells import chips, time_since
from connections.views.presenters import Chip
from core.row_urls import row_url
from delivery.domain.stages import ReleaseState, StageState
from delivery.releases.release_presenters import STAGE_CHIPS, StageView, chip_of_release
from delivery.same_things import SeenVia

_NEVER = Chip("Never released", "circle-minus", "quiet")
_STAGE_STATES = {state.value: state for state in StageState}
_RELEASE_STATES = {state.value: state for state in ReleaseState}


class ReleasePipelineRow(NamedTuple):
    """The columns that the list reads of a release pipeline, named as in the database."""

    pk: int
    azure_id: int
    name: str
    web_url: str
    newest_id: int | None
    newest_name: str
    newest_at: datetime | None
    newest_by: str
    newest_version: str
    newest_url: str
    whole: str
    pending: int
    project_id: int
    project__name: str
    project__connection_id: int
    project__connection__name: str
    stages: Iterable[dict[str, Any]]
    newest_stages: Iterable[dict[str, Any]]
    waiting: Iterable[dict[str, Any]]


class _Wait(NamedTuple):
    """An approval that is waited for."""

    who: str
    stage: str
    release: str
    release_id: int | None
    since: datetime | None
    ago: str


class _Changing(NamedTuple):
    """What a row shows besides its columns, and lists among these in a form that can be compared."""

    chip: Chip
    stages: tuple[StageView, ...]
    waits: tuple[_Wait, ...]
    created: str


def release_pipeline_rows(
    rows: Iterable[ReleasePipelineRow], via: Mapping[int, tuple[SeenVia, ...]], now: datetime
) -> Iterator[SafeString]:
    """The rows of a page. `via` has through which connections a row is seen, where there are several."""
    prefix = get_script_prefix()
    for row in rows:
        columns = row._replace(stages=(), newest_stages=(), waiting=())
        yield _rendered(columns, _changing(row, now), via.get(row.pk, ()), prefix)


def _changing(row: ReleasePipelineRow, now: datetime) -> _Changing:
    is_released = row.newest_id is not None
    states = [_stage(stage) for stage in row.newest_stages]
    stages = row.newest_stages if is_released else row.stages
    whole = _RELEASE_STATES.get(row.whole, ReleaseState.UNKNOWN)
    return _Changing(
        chip=chip_of_release(whole, states) if is_released else _NEVER,
        stages=tuple(StageView(str(stage.get("name", "")), STAGE_CHIPS[_stage(stage)]) for stage in stages),
        waits=tuple(_wait(waiting, now) for waiting in row.waiting),
        created=time_since(row.newest_at, now),
    )


def _stage(stored: dict[str, Any]) -> StageState:
    # A later version may know more words than this one.
    return _STAGE_STATES.get(stored.get("state", StageState.NOT_STARTED), StageState.UNKNOWN)


def _wait(stored: dict[str, Any], now: datetime) -> _Wait:
    since = parse_datetime(stored["since"]) if stored.get("since") else None
    who, stage, release = (stored.get(name, "") for name in ("who", "stage", "release"))
    return _Wait(who, stage, release, stored.get("release_id"), since, time_since(since, now))


# A row is kept by all that it shows, as in the list of connections.
@lru_cache(maxsize=1024)
def _rendered(row: ReleasePipelineRow, changing: _Changing, via: tuple[SeenVia, ...], _prefix: str) -> SafeString:
    cells = {
        "row": row,
        "url": row_url("delivery:release-pipeline", row.project_id, row.azure_id),
        "via": [{"url": _url(same), "connection": same.connection} for same in via],
        "chip": changing.chip,
        "chip_html": chips((changing.chip,)),
        "release_url": _release_url(row, row.newest_id),
        "stages": changing.stages,
        "waits": [{**wait._asdict(), "url": _release_url(row, wait.release_id)} for wait in changing.waits],
        "more_waits": row.pending - len(changing.waits),
        "created": changing.created,
    }
    return render_to_string("delivery/releases/row.html", cells)


def _url(same: SeenVia) -> str:
    return row_url("delivery:release-pipeline", same.project_id, int(same.azure_id))


def _release_url(row: ReleasePipelineRow, release_id: int | None) -> str:
    return row_url("delivery:release", row.project_id, release_id) if release_id else ""
