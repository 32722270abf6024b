"""Rows that are given as values are stored as if each had been saved."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest

from core import bulk_upsert
from core.bulk_upsert import upsert_values
from delivery.models import Project
from tests.factories import ConnectionFactory

NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)
NAMES = ("connection", "azure_id", "name", "description", "seen_at", "gone_at", "releases_off")
REST = ("visibility", "problem", "activity_id")
KEY = ("connection", "azure_id")
pytestmark = pytest.mark.django_db


def upsert(*rows: tuple[Any, ...]) -> None:
    upsert_values(
        Project,
        (*NAMES, *REST),
        [(*row, "", "", "") for row in rows],
        unique_fields=KEY,
        update_fields=("name", "description", "gone_at"),
    )


@pytest.fixture
def connection() -> int:
    return ConnectionFactory.create().pk


def test_values_are_read_as_they_were_given(connection: int) -> None:
    rows = [
        (connection, "a", "“Söhne” 100 % \\ 'x' \"y\" 🦊", "line\nline", NOW, None, None),
        (connection, "b", "%s", "", NOW, LATER, True),
    ]
    upsert(*rows)
    assert list(Project.objects.order_by("azure_id").values_list(*NAMES)) == rows


def test_a_known_key_is_updated_in_the_given_fields_alone(connection: int) -> None:
    known = Project.objects.create(connection_id=connection, azure_id="a", name="Old", seen_at=NOW, gone_at=NOW)
    upsert((connection, "a", "New", "", LATER, None, None), (connection, "b", "Other", "", LATER, None, None))
    known.refresh_from_db()
    assert (known.name, known.gone_at, known.seen_at) == ("New", None, NOW)
    assert Project.objects.count() == 2


def test_what_does_not_fit_its_column_is_made_to_fit(connection: int) -> None:
    upsert(
        (connection, "a", "n" * 300, "web \x00 \ud83d", NOW, None, None), (connection, "b", "B", "", NOW, None, None)
    )
    found = Project.objects.get(azure_id="a")
    assert (found.name, found.description) == ("n" * 256, "web \N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}")
    assert Project.objects.filter(azure_id="b", name="B").exists()


def test_a_row_whose_key_does_not_fit_is_left_out(connection: int, caplog: pytest.LogCaptureFixture) -> None:
    upsert((connection, "x" * 65, "Long", "", NOW, None, None), (connection, "b", "Fine", "", NOW, None, None))
    assert [project.name for project in Project.objects.all()] == ["Fine"]
    assert "1 rows of delivery.Project were left out" in caplog.text


def test_many_rows_are_stored_in_several_statements(connection: int) -> None:
    with patch.object(bulk_upsert, "_ROWS_OF_JSON", 3):
        upsert(*((connection, str(number), f"P {number}", "", NOW, None, None) for number in range(8)))
    assert {project.azure_id: project.name for project in Project.objects.all()} == {
        str(number): f"P {number}" for number in range(8)
    }


def test_no_rows_are_no_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        upsert()
