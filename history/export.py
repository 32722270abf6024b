"""Export events as CSV for spreadsheets, streamed, so that memory is limited to a thousand events."""

import json
from collections.abc import Iterator

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from core.csv_export import csv_download, csv_text
from history.event_types import event_row
from history.models import Event
from history.queries import in_steps

HEADER = ("when", "what", "who", "address", "details", "about", "name", "kind", "event", "data")


def csv_lines(events: QuerySet[Event]) -> Iterator[str]:
    """The header and one line for each event, newest first."""
    return csv_text(HEADER, (map(_cells, step) for step in in_steps(events)))


def _cells(event: Event) -> tuple[str, ...]:
    row = event_row(event)
    data = json.dumps(event.detail, sort_keys=True, ensure_ascii=False) if event.detail else ""
    about = (row.subject_label, event.subject_name, event.kind, str(event.pk), data)
    return (event.at.isoformat(), row.type.label, event.actor_name, event.address or "", row.detail, *about)


def csv_response(events: QuerySet[Event], *, name: str) -> StreamingHttpResponse:
    """The response with the CSV file."""
    return csv_download(csv_lines(events), name=name)
