"""Files of credentials as spreadsheets and programs write them, and files that are none."""

import codecs
import json
from datetime import date

import pytest

from connections.input_rules import InvalidInput
from connections.register_files import UnreadableFile, read_file
from connections.register_lines import date_of, kind_of
from core.csv_export import csv_text

ROWS = [{"name": "Söhne", "kind": "pat", "notes": 'a "b"; c'}, {"name": "Two", "kind": "other", "notes": "x\ny"}]


def csv_of(separator: str, line_end: str = "\r\n") -> str:
    cells = [["name", "kind", "notes"], *(list(row.values()) for row in ROWS)]
    quoted = [['"' + cell.replace('"', '""') + '"' for cell in line] for line in cells]
    return line_end.join(separator.join(line) for line in quoted) + line_end


def values_of(content: bytes) -> list[dict[str, str]]:
    return [dict(line.values) for line in read_file(content).lines]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_csv_is_read_with_any_separator_mark_and_line_end(separator: str, line_end: str, mark: bytes) -> None:
    assert values_of(mark + csv_of(separator, line_end).encode()) == ROWS


@pytest.mark.parametrize("encoding", ["utf-16", "windows-1252"])
def test_csv_of_windows_is_read(encoding: str) -> None:
    assert values_of(csv_of(";").encode(encoding)) == ROWS


def test_json_is_a_list_of_objects_or_an_object_with_one() -> None:
    for content in (ROWS, {"entries": ROWS}):
        assert values_of(json.dumps(content).encode()) == ROWS
    used_by = ["Shop", {"name": "Job", "url": "https://x.example/"}]
    rich = [{"Name": "a", "type": "pat", "used_by": used_by, "scopes": 1}]
    (values,) = values_of(json.dumps(rich).encode())
    assert values == {"name": "a", "kind": "pat", "used_by": "Shop\nJob https://x.example/", "scopes": "1"}


def test_columns_have_other_names_and_unknown_ones_are_said() -> None:
    file = read_file(b"Display Name,Type,Expiration Date,Colour,closed_on\na,pat,2026-12-31,red,\n")
    assert [dict(line.values) for line in file.lines] == [{"name": "a", "kind": "pat", "expires_on": "2026-12-31"}]
    assert file.unread == ("Colour",)


def test_lines_are_numbered_as_in_the_file() -> None:
    content = 'name,kind,notes\na,pat,"x\ny"\n\nb,pat,\n'
    assert [line.number for line in read_file(content.encode()).lines] == [2, 5]


def test_an_apostrophe_that_an_export_put_before_a_formula_is_taken_away() -> None:
    assert values_of(b"name,kind\n'=1+1,pat\n'tis,pat\n") == [
        {"name": "=1+1", "kind": "pat"},
        {"name": "'tis", "kind": "pat"},
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b" \n ", "file_empty"),
        (b"PK\x03\x04rest", "file_not_text"),
        (b"kind,notes\npat,x\n", "column_missing"),
        (b"name,notes\na,x\n", "column_missing"),
        (b"name,kind,name\na,pat,b\n", "column_twice"),
        (b'name,kind\n"a"b,pat\n', "line_unreadable"),
        (b'name,kind\n"a,pat\n', "line_unreadable"),
        (b'{"name": "a"}', "json_not_a_list"),
        (b'[{"name": "a"}, 3]', "json_not_objects"),
        (b'[{"name": "a"', "json_invalid"),
        (b'[{"name": "a"}', "json_invalid"),
        (b"[" * 100_000, "json_invalid"),
        (b'[{"name": ' + b"[" * 900 + b"]" * 900 + b"}]", "json_invalid"),
        (b"x" * (16 * 1024 * 1024 + 1), "file_too_large"),
    ],
    ids=str,
)
def test_a_file_that_is_none_says_why(content: bytes, code: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        list(read_file(content).lines)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "month_first", "day"),
    [
        ("2026-12-31", False, date(2026, 12, 31)),
        ("2026-12-31T23:59:59Z", False, date(2026, 12, 31)),
        ("31.12.2026", False, date(2026, 12, 31)),
        ("1. 2. 2027", True, date(2027, 2, 1)),
        ("02/01/2027", False, date(2027, 1, 2)),
        ("02/01/2027", True, date(2027, 2, 1)),
        ("31 Dec 2026", False, date(2026, 12, 31)),
        ("December 31, 2026", False, date(2026, 12, 31)),
        ("", False, None),
        (" never ", False, None),
    ],
)
def test_dates_are_read_as_people_write_them(text: str, month_first: bool, day: date | None) -> None:
    assert date_of(text, is_month_first=month_first) == day


@pytest.mark.parametrize("text", ["tomorrow", "2026-02-30", "31/12/26", "12/31/2026", "46387", "2026", "31.12."])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        date_of(text, is_month_first=False)
    assert refused.value.code == "date_invalid"


def test_a_kind_is_its_code_or_its_label() -> None:
    assert [kind_of(text) for text in ("pat", " Certificate ", "SSH KEY", "Entra client secret")] == [
        "pat",
        "certificate",
        "ssh_key",
        "client_secret",
    ]
    with pytest.raises(InvalidInput):
        kind_of("nonsense")


@pytest.mark.parametrize("notes", ["To do:\n- rotate\n- tell Ops", "=1+1", "- a;- b\n=c", "a\t@b"])
def test_what_is_exported_is_imported_unchanged(notes: str) -> None:
    exported = "".join(csv_text(("name", "kind", "notes"), [[("Key", "pat", notes)]]))
    assert values_of(exported.encode()) == [{"name": "Key", "kind": "pat", "notes": notes}]
