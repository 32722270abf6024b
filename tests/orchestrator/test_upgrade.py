"""A database of an earlier release comes along: its rows, its token, its history and its permissions."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection as database
from django.db.migrations.loader import MigrationLoader

from tests.factories import StoredCredentialFactory
from tests.orchestrator.installation import Installation

DUMP = Path(__file__).parent / "releases" / "before_standard_names.sql"
# The last migrations of that release that later ones rename things of.
BEFORE = {"delivery": "0006_read_generations", "connections": "0016_rate_limit_pauses"}

SHELL = """
import json
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User

tables = {model._meta.db_table: model for model in apps.get_models()}
editor = User.objects.get(username="policy-editor")
print(json.dumps({
    "token": tables["connections_storedtoken"].objects.get().reveal().reveal(),
    "editor": sorted(editor.get_all_permissions()),
    "owner": sorted(User.objects.get(username="owner").get_all_permissions()),
    "connection": str(tables["connections_connection"].objects.get()),
    "longest_life_days": tables["connections_guardrails"].objects.get().longest_life_days,
    "mail": tables["connections_mail"].objects.get().attempts,
    "repository": str(tables["delivery_repository"].objects.get()),
    "polled": tables["delivery_watch"].objects.get().kind,
}))
"""


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, Path]:
    """The earlier release's database, migrated by today's code with the keys under which it was written."""
    path = tmp_path_factory.mktemp("release") / "db.sqlite3"
    with closing(sqlite3.connect(path)) as release:
        release.executescript(DUMP.read_text())
    product = Installation(f"sqlite:///{path}", keys=os.environ["FIELD_ENCRYPTION_KEYS"])
    ended = product.run("migrate", "--verbosity", "0")
    assert ended.code == 0, ended.err
    return product, path


@pytest.mark.xdist_group("storage")
class TestDatabaseOfAnEarlierRelease:
    """What `migrate` makes of it."""

    def test_rows_token_and_permissions_come_along(self, upgraded: tuple[Installation, Path]) -> None:
        product, _ = upgraded
        assert json.loads(product.shell(SHELL)) == {
            "token": "k" * 52,
            "editor": ["connections.change_guardrails"],
            "owner": [],
            "connection": "Kept connection",
            "longest_life_days": 45,
            "mail": 3,
            "repository": "payments-api",
            "polled": "builds",
        }

    def test_its_history_holds(self, upgraded: tuple[Installation, Path]) -> None:
        ended = upgraded[0].run("history", "verify", "--dry-run", "--json")
        assert ended.code == 0, ended.err
        verified = json.loads(ended.out)
        assert (verified["holds"], verified["events"]) == (True, 3)

    def test_renamed_columns_keep_their_values(self, upgraded: tuple[Installation, Path]) -> None:
        assert _row(upgraded[1], "connections_connection") >= {
            ("consecutive_failures", 2),
            ("notified_health", "healthy"),
            ("notified_lacking", '["code_write"]'),
            ("confirmations", 1),
            ("attention_due_on", "0001-01-01"),
            ("search_text", "KEPT CONNECTION ACME BUILD ACCOUNT"),
        }
        assert ("consecutive_failures", 4) in _row(upgraded[1], "delivery_inventory")
        assert ("consecutive_failures", 5) in _row(upgraded[1], "delivery_watch")

    def test_no_table_of_the_release_is_renamed(self, upgraded: tuple[Installation, Path]) -> None:
        with closing(sqlite3.connect(":memory:")) as release, closing(sqlite3.connect(upgraded[1])) as now:
            release.executescript(DUMP.read_text())
            assert _tables(release) <= _tables(now)

    def test_no_permission_is_there_twice(self, upgraded: tuple[Installation, Path]) -> None:
        with closing(sqlite3.connect(upgraded[1])) as now:
            rows = now.execute(
                "SELECT app_label, codename, count(*) FROM auth_permission p JOIN django_content_type t"
                " ON t.id = p.content_type_id GROUP BY app_label, codename HAVING count(*) > 1"
            )
            assert rows.fetchall() == []


def _row(path: Path, table: str) -> set[tuple[str, Any]]:
    with closing(sqlite3.connect(path)) as opened:
        opened.row_factory = sqlite3.Row
        (row,) = opened.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a name of this module
        return set(dict(row).items())


def _tables(opened: sqlite3.Connection) -> set[str]:
    return {name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.fixture
def earlier_release(transactional_db: None) -> Iterator[Any]:
    """The tables as they were, filled by today's code before they were taken back."""
    connection: Any = StoredCredentialFactory(secret="k" * 52).connection
    connection.consecutive_failures, connection.confirmations = 2, 1
    connection.notified_lacking = ["code_write"]
    connection.save()
    for app, name in BEFORE.items():
        call_command("migrate", app, name, verbosity=0)
    loader = MigrationLoader(database)
    try:
        yield loader.project_state(list(BEFORE.items())).apps
    finally:
        call_command("migrate", verbosity=0)


def test_migrating_back_and_forward_keeps_what_is_stored(earlier_release: Any) -> None:
    """On PostgreSQL as on SQLite."""
    earlier = earlier_release.get_model("connections", "Connection").objects.get()
    assert (earlier.troubles_in_a_row, earlier.looks_at_news, earlier.told_lacking) == (2, 1, ["code_write"])
    rules = earlier_release.get_model("connections", "GuardRails")
    rules.objects.create(pk=1, longest_life_days=45, longest_life="refuse", reuse="warn", missing_date="refuse")
    project = earlier_release.get_model("delivery", "Project").objects.create(
        connection_id=earlier.pk, azure_id="p", name="Payments", seen_at=datetime(2026, 11, 20, tzinfo=UTC)
    )
    now = datetime(2026, 11, 20, tzinfo=UTC)
    earlier_release.get_model("delivery", "Watch").objects.create(
        project_id=project.pk, kind="builds", watched_until=now, next_at=now, troubles_in_a_row=5
    )
    call_command("migrate", verbosity=0)
    tables: dict[str, Any] = {model._meta.db_table: model for model in apps.get_models()}
    (connection,) = tables["connections_connection"].objects.all()
    assert (connection.consecutive_failures, connection.confirmations) == (2, 1)
    assert tables["connections_storedtoken"].objects.get().reveal().reveal() == "k" * 52
    assert tables["connections_guardrails"].objects.get().longest_life_days == 45
    assert tables["delivery_watch"].objects.get().consecutive_failures == 5
    assert Permission.objects.filter(codename="change_guardrails").count() == 1
