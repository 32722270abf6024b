"""Events as CSV for spreadsheets, streamed: memory is that of a thousand events, whatever the number.

A cell that begins like a formula is run by spreadsheets, whoever wrote it, so an apostrophe goes before it:
https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import json
import re
from collections.abc import Iterator

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from history.event_types import event_row
from history.models import Event
from history.queries import in_steps

HEADER = ("when", "what", "who", "address", "details", "about", "name", "kind", "event", "data")
# Excel takes a file without it for one of the machine's own code page, and shows “SÃ¶hne”.
BYTE_ORDER_MARK = "\ufeff"
# What begins a formula, also as East Asian keyboards type it, and what looks the same.
_STARTERS = "=+\\-@＝＋－＠﹦﹢﹣﹫⁼⁺₌₊−﬩⩵⩶"
_UNSEEN = r"\s\x00-\x1f\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
_FORMULA = re.compile(rf"\A(?:[{_UNSEEN}]*[{_STARTERS}]|[\x00-\x1f])")
# Where Excel parts columns by semicolons, or a line end stands in what is no first column, a cell begins in the middle.
_FORMULA_WITHIN = re.compile(rf"(?<=[;\t\r\n])(?=[{_STARTERS}])")


class _Line:
    """What csv writes to: hands each line on instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(events: QuerySet[Event]) -> Iterator[str]:
    """The header and one line for each event, newest first."""
    writer = csv.writer(_Line())
    yield BYTE_ORDER_MARK + writer.writerow(HEADER)
    for some in in_steps(events):
        # One piece for many lines: each piece costs a system call.
        yield "".join(writer.writerow([_harmless(cell) for cell in _cells(event)]) for event in some)


def _cells(event: Event) -> tuple[str, ...]:
    row = event_row(event)
    data = json.dumps(event.detail, sort_keys=True, ensure_ascii=False) if event.detail else ""
    about = (row.subject_label, row.subject, row.kind, str(row.id), data)
    return (event.at.isoformat(), row.label, row.actor, row.address, row.detail, *about)


def _harmless(cell: str) -> str:
    cell = _FORMULA_WITHIN.sub("'", cell)
    return f"'{cell}" if _FORMULA.match(cell) else cell


def csv_response(events: QuerySet[Event], *, name: str) -> StreamingHttpResponse:
    """The download."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(csv_lines(events), content_type="text/csv; charset=utf-8", headers=headers)
