"""Read a file of credentials, CSV or JSON, into lines of texts by column. Nothing is checked but the form of the file.

CSV may have a byte order mark, any of three separators and quoted cells; spreadsheets of Western Europe write it in
Windows-1252. The first line names the columns. JSON is a list of objects, or an object with such a list as "entries".
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connections.input_rules import InvalidInput
from connections.register_rules import FIELDS
from core.csv_export import as_entered
from core.text_input import UnreadableText, decode

MOST_BYTES = 16 * 1024 * 1024
MOST_LINES = 200_000
NEEDED = ("name", "kind")
# Other names of the columns, as inventories have them.
_OTHER_NAMES = {
    "credential": "name",
    "display_name": "name",
    "type": "kind",
    "tenant": "organization",
    "responsible": "owner",
    "external_owner": "outside_owner",
    "description": "purpose",
    "consumers": "used_by",
    "permissions": "scopes",
    "expires": "expires_on",
    "expiry": "expires_on",
    "expiry_date": "expires_on",
    "expiration": "expires_on",
    "expiration_date": "expires_on",
    "valid_until": "expires_on",
    "recipients": "extra_recipients",
    "additional_mail_recipients": "extra_recipients",
    "comment": "notes",
    "comments": "notes",
}
# Columns of our own export that an import does not read.
_SKIPPED = frozenset({"closed_on", "closed_reason"})
_SEPARATORS = ";\t,"
_QUOTED = re.compile(r'"[^"]*"')
_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")
_UNKNOWN_SHOWN = 10
_START_OF_LIST = re.compile(r'\s*(?:\{\s*"entries"\s*:\s*)?\[')


class UnreadableFile(InvalidInput):
    """The file can't be read at all. The message repeats none of its cells."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message, field="file")


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line: its number in the file, or the number of the object in JSON, and its texts by column."""

    number: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """A file that can be read: its lines, and the names of columns that are not read."""

    lines: Iterator[RawLine]
    unread: tuple[str, ...] = ()


def read_file(content: bytes) -> RegisterFile:
    """Read a file. Raises `UnreadableFile`, also while its lines are read."""
    if len(content) > MOST_BYTES:
        raise UnreadableFile("file_too_large", f"The file is larger than {MOST_BYTES // 1024**2} MB. Split it.")
    text = _decoded(content)
    if not text.strip():
        raise UnreadableFile("file_empty", "The file is empty.")
    return RegisterFile(_objects(text)) if text.lstrip()[0] in "[{" else _table(text)


def _decoded(content: bytes) -> str:
    if content.startswith(b"PK\x03\x04"):
        raise UnreadableFile("file_not_text", "This is not a text file. Save the spreadsheet as CSV.")
    try:
        return decode(content)
    except UnreadableText:
        # Every byte but five is a letter of it.
        return content.decode("windows-1252", errors="replace").replace("\r\n", "\n")


def _table(text: str) -> RegisterFile:
    first = _QUOTED.sub("", text.lstrip("\n").partition("\n")[0])
    reader = csv.reader(_physical_lines(text), delimiter=max(_SEPARATORS, key=first.count), strict=True)
    header = _header(reader)
    columns = list(map(_column, header))
    known = [column for column in columns if column in FIELDS]
    for column in known:
        if known.count(column) > 1:
            raise UnreadableFile("column_twice", f"Two columns are named “{column}”.")
    for column in NEEDED:
        if column not in known:
            raise UnreadableFile("column_missing", f"There is no column “{column}”. The first line names the columns.")
    unread = [name.strip() for name, column in zip(header, columns, strict=True) if column not in FIELDS]
    named = [name for name in unread if name and _column(name) not in _SKIPPED]
    return RegisterFile(_rows(reader, columns), tuple(named[:_UNKNOWN_SHOWN]))


def _physical_lines(text: str) -> Iterator[str]:
    """The text line by line. io.StringIO would take four times the memory."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _header(reader: Any) -> list[str]:
    try:
        return next(row for row in reader if any(row))
    except (csv.Error, StopIteration):
        raise UnreadableFile("header_invalid", "The first line does not name the columns.") from None


def _column(name: str) -> str:
    plain = _NOT_A_LETTER.sub("_", name.casefold()).strip("_")
    return _OTHER_NAMES.get(plain, plain)


def _rows(reader: Any, columns: list[str]) -> Iterator[RawLine]:
    number = reader.line_num + 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            words = f"Line {number} can't be read as CSV, probably because of a quotation mark."
            raise UnreadableFile("line_unreadable", words) from None
        if row is None:
            return
        if any(cell.strip() for cell in row):
            cells = zip(columns, row, strict=False)
            yield RawLine(number, {column: as_entered(cell) for column, cell in cells if column in FIELDS})
        number = reader.line_num + 1


def _objects(text: str) -> Iterator[RawLine]:
    """The objects of a JSON list, one at a time, so that only one is in memory beside the text."""
    decoder, at = json.JSONDecoder(), _start_of_list(text)
    number = 0
    while (at := _skip(text, at, " \t\r\n,")) < len(text) and text[at] != "]":
        number += 1
        try:
            value, at = decoder.raw_decode(text, at)
            texts = _texts(value) if isinstance(value, dict) else None
        except (ValueError, RecursionError):
            raise UnreadableFile("json_invalid", f"This is not valid JSON from object {number} on.") from None
        if texts is None:
            raise UnreadableFile("json_not_objects", f"Entry {number} is not an object.")
        yield RawLine(number, texts)
    if at >= len(text):
        raise UnreadableFile("json_invalid", "The list of the JSON file does not end.")


def _start_of_list(text: str) -> int:
    found = _START_OF_LIST.match(text)
    if found is None:
        raise UnreadableFile("json_not_a_list", "The JSON file is not a list of objects.")
    return found.end()


def _skip(text: str, at: int, letters: str) -> int:
    while at < len(text) and text[at] in letters:
        at += 1
    return at


def _texts(value: dict[str, Any]) -> dict[str, str]:
    columns = {_column(str(name)): content for name, content in value.items()}
    return {column: _text(content) for column, content in columns.items() if column in FIELDS}


def _text(content: Any) -> str:
    """A JSON value as text: lists are lines, and an object in a list is one line of its values."""
    if content is None:
        return ""
    if isinstance(content, list):
        return "\n".join(map(_text, content))
    if isinstance(content, dict):
        return " ".join(map(_text, content.values()))
    return str(content)
