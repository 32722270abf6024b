"""Export events as CSV for spreadsheets, streamed, so that memory is limited to a thousand events.

Spreadsheets run a cell that begins like a formula, so such a cell gets an apostrophe in front:
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
# Without it, Excel assumes the machine's code page and shows “SÃ¶hne”.
BYTE_ORDER_MARK = "\ufeff"
# Characters that begin a formula, with full-width and look-alike forms.
_STARTERS = "=+\\-@＝＋－＠﹦﹢﹣﹫⁼⁺₌₊−﬩⩵⩶"
_UNSEEN = r"\s\x00-\x1f\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
_FORMULA = re.compile(rf"\A(?:[{_UNSEEN}]*[{_STARTERS}]|[\x00-\x1f])")
# In the middle of a text, too: Excel may split it at semicolons, tabs or line ends.
_FORMULA_WITHIN = re.compile(rf"(?<=[;\t\r\n])(?=[{_STARTERS}])")


class _Line:
    """The file that csv writes to: returns each line instead of storing it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(events: QuerySet[Event]) -> Iterator[str]:
    """The header and one line for each event, newest first."""
    writer = csv.writer(_Line())
    yield BYTE_ORDER_MARK + writer.writerow(HEADER)
    for step in in_steps(events):
        # Many lines at once, because each chunk costs a system call.
        yield "".join(writer.writerow([_harmless(cell) for cell in _cells(event)]) for event in step)


def _cells(event: Event) -> tuple[str, ...]:
    row = event_row(event)
    data = json.dumps(event.detail, sort_keys=True, ensure_ascii=False) if event.detail else ""
    about = (row.subject_label, event.subject_name, event.kind, str(event.pk), data)
    return (event.at.isoformat(), row.type.label, event.actor_name, event.address or "", row.detail, *about)


def _harmless(cell: str) -> str:
    cell = _FORMULA_WITHIN.sub("'", cell)
    return f"'{cell}" if _FORMULA.match(cell) else cell


def csv_response(events: QuerySet[Event], *, name: str) -> StreamingHttpResponse:
    """The response with the CSV file."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(csv_lines(events), content_type="text/csv; charset=utf-8", headers=headers)
