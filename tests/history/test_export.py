"""The history as CSV: letters are right in Excel, and no cell is a formula."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from history.export import HEADER
from history.record import Actor, record
from tests.factories import ConnectionFactory

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(params=["history:csv", "connections:history-csv"])
def exported(request: pytest.FixtureRequest, client: Client, admin_user: User) -> "Export":
    client.force_login(admin_user)
    return Export(client, request.param)


class Export:
    """One of the exports, and a way to put a person's name into it."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._connection = ConnectionFactory.create()
        self._address = reverse(name, args=[] if name == "history:csv" else [self._connection.pk])

    def content(self, actor: str, **detail: object) -> bytes:
        """The file with one event by `actor`."""
        record("connection.edited", self._connection, by=Actor(actor), at=NOW, detail=detail)
        answer = self._client.get(self._address, {"kind": "connection.edited"})
        return b"".join(answer.streaming_content)  # type: ignore[attr-defined]

    def row(self, actor: str, **detail: object) -> dict[str, str]:
        """That event as a program reads it."""
        lines = io.StringIO(self.content(actor, **detail).decode("utf-8-sig"), newline="")
        (row,) = csv.DictReader(lines)
        return row


def test_excel_is_told_that_the_letters_are_utf_8(exported: Export) -> None:
    content = exported.content("Zoë 日本")
    assert content.startswith(b"\xef\xbb\xbf" + ",".join(HEADER).encode())
    assert content.count(b"\xef\xbb\xbf") == 1
    assert "Zoë 日本" in content.decode("utf-8-sig")


STARTERS = "=+-@＝＋－＠﹦﹢﹣﹫⁼⁺₌₊−"
BEFORE = ["", " ", "\t", "\r", "\n", "\u3000", "\u00a0", "\u200b", "\ufeff", "\u202e", " \u200b "]


@pytest.mark.parametrize("starter", STARTERS)
def test_no_cell_begins_like_a_formula(exported: Export, starter: str) -> None:
    assert exported.row(f"{starter}1+1")["who"] == f"'{starter}1+1"


@pytest.mark.parametrize("before", BEFORE, ids=[before.encode("unicode_escape").decode() for before in BEFORE])
def test_what_cannot_be_seen_hides_no_formula(exported: Export, before: str) -> None:
    assert exported.row(f"{before}＝1+1")["who"].startswith("'")


@pytest.mark.parametrize("control", ["\t", "\r", "\n"])
def test_a_cell_that_begins_with_a_control_character_is_text(exported: Export, control: str) -> None:
    assert exported.row(f"{control}olga")["who"] == f"'{control}olga"


@pytest.mark.parametrize("separator", [";", "\t", "\r\n", "\n"])
@pytest.mark.parametrize("starter", ["=", "＝", "@"])
def test_a_cell_that_excel_parts_elsewhere_begins_like_none_either(
    exported: Export, separator: str, starter: str
) -> None:
    assert exported.row(f"olga{separator}{starter}1+1")["who"] == f"olga{separator}'{starter}1+1"


@pytest.mark.parametrize("name", ["olga", "O'Brien; Maya", "a=b", "x-y@example.com", "多-少", ""])
def test_every_other_cell_stays_as_it_is(exported: Export, name: str) -> None:
    assert exported.row(name)["who"] == name


def test_the_data_stays_json(exported: Export) -> None:
    detail = {"name": {"before": "Söhne\n=1", "after": 'a "b", c'}}
    assert json.loads(exported.row("olga", **detail)["data"]) == detail
