"""Events as CSV, streamed: memory is that of a thousand events, whatever the number."""

import csv
import json
from collections.abc import Iterator

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from history.models import Event
from history.queries import in_steps
from history.words import event_row

HEADER = ("when", "what", "who", "address", "details", "about", "name", "kind", "event", "data")
# A cell that begins like a formula is run by spreadsheets.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    """What csv writes to: hands each line on instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(events: QuerySet[Event]) -> Iterator[str]:
    """The header and one line for each event, newest first."""
    writer = csv.writer(_Line())
    yield writer.writerow(HEADER)
    for some in in_steps(events):
        # One piece for many lines: each piece costs a system call.
        yield "".join(writer.writerow([_harmless(cell) for cell in _cells(event)]) for event in some)


def _cells(event: Event) -> tuple[str, ...]:
    row = event_row(event)
    data = json.dumps(event.detail, sort_keys=True, ensure_ascii=False) if event.detail else ""
    about = (row.subject_label, row.subject, row.kind, str(row.id), data)
    return (event.at.isoformat(), row.label, row.actor, row.address, row.detail, *about)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def csv_response(events: QuerySet[Event], *, name: str) -> StreamingHttpResponse:
    """The download."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(csv_lines(events), content_type="text/csv; charset=utf-8", headers=headers)
