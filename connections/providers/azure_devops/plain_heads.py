"""Read the heads of answers, which are their status and their headers, without the parser for mails.

http.client parses headers as those of a mail, which takes longer than all else that it does. A head of printable ASCII,
with one line for each header and a usual status, means the same without that. Every other head is left to http.client:
folded lines, other characters and line ends, more headers than it allows, and heads that have not arrived whole.
"""

import io
import re
from dataclasses import dataclass
from http.client import HTTPMessage

_LINE = rb"[!-9;-~]++:[ \t]*+[\t -~]*+\r\n"
# A status with a body, and as many headers as http.client allows.
_HEAD = re.compile(rb"\AHTTP/1\.1 ([2-5][0-9]{2}) ([\t -~]*+)\r\n((?:" + _LINE + rb"){0,99}+)\r\n")
_WITHOUT_BODY = (204, 304)
_HEADER = re.compile(r"^([^:\r\n]++):[ \t]*+([^\r\n]*+)\r$", re.MULTILINE)
_LENGTH = re.compile(r"[0-9]{1,15}")


class _Headers(HTTPMessage):
    """Headers of which none needs decoding."""

    def items(self) -> list[tuple[str, str]]:
        return list(self.raw_items())


@dataclass(frozen=True, slots=True)
class PlainHead:
    """A head, and the extent of its body: chunks, or its length, or all until the connection is closed."""

    status: int
    reason: str
    headers: HTTPMessage
    is_chunked: bool
    length: int | None
    is_last: bool


def plain_head(source: io.BufferedReader) -> PlainHead | None:
    """The head that the source begins with, which is consumed; None if it is for http.client to read."""
    found = _HEAD.match(source.peek())
    status = int(found[1]) if found else 0
    if found is None or status in _WITHOUT_BODY:
        return None
    listed = _HEADER.findall(found[3].decode("ascii"))
    # Of headers that are sent more than once, http.client takes the first.
    first = {name.lower(): value for name, value in reversed(listed)}
    is_chunked = first.get("transfer-encoding", "").lower() == "chunked"
    stated = "" if is_chunked else first.get("content-length", "")
    if stated and not _LENGTH.fullmatch(stated):
        return None
    source.read(found.end())
    headers = _Headers()
    for name, value in listed:
        headers.set_raw(name, value)
    length = int(stated) if stated else None
    is_last = "close" in first.get("connection", "").lower() or (length is None and not is_chunked)
    return PlainHead(status, found[2].decode("ascii").strip(), headers, is_chunked, length, is_last)
