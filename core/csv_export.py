"""CSV for spreadsheets, streamed.

Spreadsheets run a cell that begins like a formula, so such a cell gets an apostrophe in front:
https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

# Without it, Excel assumes the machine's code page and shows “SÃ¶hne”.
BYTE_ORDER_MARK = "\ufeff"
# Characters that begin a formula, with full-width and look-alike forms.
_STARTERS = "=+\\-@＝＋－＠﹦﹢﹣﹫⁼⁺₌₊−﬩⩵⩶"
_UNSEEN = r"\s\x00-\x1f\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
_FORMULA = re.compile(rf"\A(?:[{_UNSEEN}]*[{_STARTERS}]|[\x00-\x1f])")
# In the middle of a text, too: Excel may split it at semicolons, tabs or line ends.
_FORMULA_WITHIN = re.compile(rf"(?<=[;\t\r\n])(?=[{_STARTERS}])")
_HARMLESS_WITHIN = re.compile(rf"(?<=[;\t\r\n])'(?=[{_STARTERS}])")


class _Line:
    """The file that csv writes to: returns each line instead of storing it."""

    def write(self, line: str) -> str:
        return line


def csv_text(header: Sequence[str], steps: Iterable[Iterable[Sequence[str]]]) -> Iterator[str]:
    """The header and the rows, many at once, because each chunk costs a system call."""
    writer = csv.writer(_Line())
    yield BYTE_ORDER_MARK + writer.writerow(header)
    for step in steps:
        yield "".join(writer.writerow(list(map(harmless, cells))) for cells in step)


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    cell = _FORMULA_WITHIN.sub("'", cell)
    return f"'{cell}" if _FORMULA.match(cell) else cell


def as_entered(cell: str) -> str:
    """A cell without the apostrophes that `harmless` put into it."""
    cell = cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell
    return _HARMLESS_WITHIN.sub("", cell)


def csv_download(lines: Iterator[str], *, name: str) -> StreamingHttpResponse:
    """The response with a CSV file."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
