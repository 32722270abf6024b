"""`manage.py backup` and `restore` on PostgreSQL: what was destroyed in between is there again."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.orchestrator.backups import FILLED, LOOK, RESTORED, WORDS, fill
from tests.orchestrator.installation import Installation
from tests.servers.fixtures import execute, named

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]
NAME = "tried"


@pytest.fixture(scope="module")
def filled(postgresql_url: str, migrated_postgresql: str) -> str:
    """The name of a filled database. Tests work on copies."""
    execute(postgresql_url, f"CREATE DATABASE filled TEMPLATE {migrated_postgresql}")
    fill(Installation(named(postgresql_url, "filled")))
    return "filled"


@pytest.fixture
def product(postgresql_url: str, filled: str) -> Iterator[Installation]:
    """A filled database of its own."""
    execute(postgresql_url, f"CREATE DATABASE {NAME} TEMPLATE {filled}")
    yield Installation(named(postgresql_url, NAME))
    execute(postgresql_url, f"DROP DATABASE {NAME} WITH (FORCE)")


def stored(product: Installation) -> object:
    return json.loads(product.shell(LOOK))


def test_a_database_that_was_destroyed_is_there_again(
    product: Installation, postgresql_url: str, tmp_path: Path
) -> None:
    assert stored(product) == FILLED
    ended = product.run("backup", str(tmp_path / "made"))
    assert (ended.code, ended.err) == (0, "")
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600
    execute(postgresql_url, f"DROP DATABASE {NAME} WITH (FORCE)", f"CREATE DATABASE {NAME}")
    ended = product.run("restore", str(tmp_path / "made"))
    assert (ended.code, ended.err) == (0, "")
    assert stored(product) == RESTORED
    assert "Every seal is valid." in product.run("history", "verify").out
    # Numbers go on where they were.
    product.shell("from tests.factories import ConnectionFactory; ConnectionFactory(name='Later')")


def test_what_is_there_is_replaced_only_in_so_many_words(product: Installation, tmp_path: Path) -> None:
    product.run("backup", str(tmp_path / "made"))
    product.shell("from tests.factories import ConnectionFactory; ConnectionFactory(name='Later')")
    # A table of a later version would be in the way of its migration.
    execute(product.url, "CREATE TABLE connections_later (x int)", "CREATE TABLE somebody_elses (x int)")
    ended = product.run("restore", str(tmp_path / "made"))
    assert ended.code == 2
    assert WORDS in ended.err
    assert "Later" in product.run("connections", "list").out
    assert product.run("restore", str(tmp_path / "made"), "--replace", WORDS).code == 0
    assert stored(product) == RESTORED
    with psycopg.connect(product.url) as database:
        names = {name for (name,) in database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert names & {"connections_later", "somebody_elses"} == {"somebody_elses"}


def test_second_factors_are_kept_while_they_are_turned_off(
    product: Installation, postgresql_url: str, tmp_path: Path
) -> None:
    assert product.run("migrate", SECOND_FACTOR="1").code == 0
    execute(
        product.url,
        "INSERT INTO mfa_authenticator (type, data, created_at, user_id) "
        "SELECT 'totp', '{{}}', now(), min(id) FROM auth_user",
    )
    made = tmp_path / "made"
    assert product.run("backup", str(made)).code == 0
    assert product.run("restore", str(made), "--replace", WORDS).code == 0
    execute(postgresql_url, f"DROP DATABASE {NAME} WITH (FORCE)", f"CREATE DATABASE {NAME}")
    ended = product.run("restore", str(made))
    assert (ended.code, ended.err) == (0, "")
    with psycopg.connect(product.url) as database:
        assert database.execute("SELECT type FROM mfa_authenticator").fetchall() == [("totp",)]


def test_a_damaged_backup_changes_nothing(product: Installation, tmp_path: Path) -> None:
    made = tmp_path / "made"
    product.run("backup", str(made))
    made.write_bytes(made.read_bytes()[: made.stat().st_size * 2 // 3])
    ended = product.run("restore", str(made), "--replace", WORDS)
    assert ended.code == 2
    assert "is damaged" in ended.err
    assert stored(product)[:3] == FILLED[:3]  # type: ignore[index]


def test_a_restore_that_fails_half_way_changes_nothing(product: Installation, tmp_path: Path) -> None:
    product.run("backup", str(tmp_path / "made"))
    # What stands in the way of the last step: somebody's view of a table that comes back.
    execute(product.url, "ALTER TABLE people_session RENAME TO somewhere_else")
    execute(product.url, "CREATE VIEW people_session AS SELECT 1 AS x")
    ended = product.run("restore", str(tmp_path / "made"), "--replace", WORDS)
    assert ended.code == 2
    assert "psql failed:" in ended.err
    execute(product.url, "DROP VIEW people_session", "ALTER TABLE somewhere_else RENAME TO people_session")
    assert stored(product)[:3] == FILLED[:3]  # type: ignore[index]


def test_without_its_programs_the_message_says_what_to_install(postgresql_url: str, tmp_path: Path) -> None:
    ended = Installation(postgresql_url).run("backup", str(tmp_path / "made"), PATH=str(tmp_path))
    assert ended.code == 1
    assert "pg_dump is not on PATH. Install PostgreSQL's client programs" in ended.err
    assert list(tmp_path.iterdir()) == []
