"""`manage.py backup` and `restore` on PostgreSQL with no more rights than an application is given."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests import migrated
from tests.orchestrator.backups import FILLED, LOOK, RESTORED, WORDS, fill
from tests.orchestrator.installation import Installation
from tests.servers.fixtures import execute, named

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]
DATABASE, ROLE, OTHER = "shared", "orch", "landlord"


def rows(url: str, question: str) -> list[object]:
    with psycopg.connect(url) as database:
        return [row[0] for row in database.execute(question)]


def as_role(url: str, role: str, database: str = DATABASE) -> str:
    return named(url.replace("postgres@", f"{role}@"), database)


def let_find(url: str, database: str, schema: str) -> None:
    execute(url, f"ALTER ROLE {ROLE} IN DATABASE {database} SET search_path = {{schema}}", schema=schema)


Prepare = Callable[..., Installation]


@pytest.fixture(scope="module")
def original(postgresql_url: str) -> Iterator[Callable[[str], str]]:
    """`original(schema)`: the name of a database that belongs to somebody else, with a filled product in that schema.

    It is made once, and tests work on copies.
    """
    made: dict[str, str] = {}

    def make(schema: str) -> str:
        if schema not in made:
            made[schema] = f"original_{len(made)}"
            _make(postgresql_url, made[schema], schema)
        return made[schema]

    with ExitStack() as cleaning:
        for role in (ROLE, OTHER):
            execute(postgresql_url, f"CREATE ROLE {role} LOGIN")
            cleaning.callback(execute, postgresql_url, f"DROP ROLE {role}")
        yield make
        for name in made.values():
            execute(postgresql_url, f"DROP DATABASE {name} WITH (FORCE)")


def _make(url: str, name: str, schema: str) -> None:
    execute(url, f"CREATE DATABASE {name} OWNER {OTHER}")
    let_find(url, name, schema)
    admin = as_role(url, "postgres", name)
    execute(admin, "CREATE EXTENSION pg_trgm", "CREATE SCHEMA {schema} AUTHORIZATION orch", schema=schema)
    execute(admin, "CREATE SCHEMA billing")
    # Another application of Django, whose tables nobody here may read.
    for table in ("billing.invoice", "billing.auth_user", "billing.django_migrations"):
        execute(admin, f"CREATE TABLE {table} AS SELECT 'billing'::text AS app, 'x'::text AS name")
    product = as_role(url, ROLE, name)
    migrated.migrate(product)
    fill(Installation(product))


@pytest.fixture
def prepare(postgresql_url: str, original: Callable[[str], str]) -> Iterator[Prepare]:
    """`prepare(schema)`: a filled product in a schema of its own, in a database that belongs to somebody else."""

    def make(schema: str) -> Installation:
        execute(postgresql_url, f"CREATE DATABASE {DATABASE} OWNER {OTHER} TEMPLATE {original(schema)}")
        let_find(postgresql_url, DATABASE, schema)
        return Installation(as_role(postgresql_url, ROLE))

    yield make
    execute(postgresql_url, f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


def stored(product: Installation) -> object:
    return json.loads(product.shell(LOOK))


@pytest.mark.parametrize("schema", ["mfe", 'My "own" schema.x'])
def test_the_rights_of_the_application_are_enough(prepare: Prepare, tmp_path: Path, schema: str) -> None:
    product = prepare(schema)
    ended = product.run("backup", str(tmp_path / "made"))
    assert (ended.code, ended.err) == (0, "")
    ended = product.run("restore", str(tmp_path / "made"), "--replace", WORDS)
    assert (ended.code, ended.err) == (0, "")
    assert stored(product) == RESTORED
    # Numbers go on where they were.
    product.shell("from tests.factories import ConnectionFactory; ConnectionFactory(name='Later')")


def test_another_application_in_the_database_is_left_alone(prepare: Prepare, tmp_path: Path) -> None:
    product = prepare("mfe")
    execute(product.url.replace(ROLE, "postgres", 1), "GRANT USAGE ON SCHEMA billing TO orch")
    execute(
        product.url.replace(ROLE, "postgres", 1), "ALTER ROLE orch IN DATABASE shared SET search_path = mfe, billing"
    )
    assert product.run("backup", str(tmp_path / "made")).code == 0
    assert product.run("restore", str(tmp_path / "made"), "--replace", WORDS).code == 0
    admin = product.url.replace(ROLE, "postgres", 1)
    for table in ("invoice", "auth_user", "django_migrations"):
        assert rows(admin, f"SELECT name FROM billing.{table}") == ["x"]  # noqa: S608
    assert rows(admin, "SELECT extname FROM pg_extension WHERE extname = 'pg_trgm'") == ["pg_trgm"]


def test_an_empty_schema_is_filled_although_another_has_tables_of_the_same_names(
    prepare: Prepare, tmp_path: Path
) -> None:
    product = prepare("mfe")
    assert product.run("backup", str(tmp_path / "made")).code == 0
    admin = product.url.replace(ROLE, "postgres", 1)
    execute(admin, "DROP SCHEMA mfe CASCADE", "CREATE SCHEMA mfe AUTHORIZATION orch")
    execute(admin, "GRANT USAGE ON SCHEMA billing TO orch", "GRANT SELECT ON ALL TABLES IN SCHEMA billing TO orch")
    execute(admin, "ALTER ROLE orch IN DATABASE shared SET search_path = mfe, billing")
    ended = product.run("restore", str(tmp_path / "made"))
    assert (ended.code, ended.err) == (0, "")
    assert stored(product) == RESTORED
    assert rows(admin, "SELECT name FROM billing.auth_user") == ["x"]


def test_what_others_built_on_our_tables_stops_a_restore_with_the_error_alone(prepare: Prepare, tmp_path: Path) -> None:
    product = prepare("mfe")
    assert product.run("backup", str(tmp_path / "made")).code == 0
    admin = product.url.replace(ROLE, "postgres", 1)
    execute(admin, "CREATE VIEW billing.people AS SELECT username FROM mfe.auth_user")
    ended = product.run("restore", str(tmp_path / "made"), "--replace", WORDS)
    assert ended.code == 2
    assert "ERROR:  cannot drop desired object(s) because other objects depend on them" in ended.err
    assert "view billing.people depends on table" in ended.err
    assert "NOTICE" not in ended.err
    assert rows(admin, "SELECT username FROM billing.people") == ["owner"]
    assert stored(product)[:3] == FILLED[:3]  # type: ignore[index]


def test_a_role_that_may_not_make_tables_is_told_so(prepare: Prepare, tmp_path: Path) -> None:
    product = prepare("mfe")
    assert product.run("backup", str(tmp_path / "made")).code == 0
    execute(
        product.url.replace(ROLE, "postgres", 1),
        "ALTER SCHEMA mfe OWNER TO landlord",
        "GRANT USAGE ON SCHEMA mfe TO orch",
    )
    ended = product.run("restore", str(tmp_path / "made"), "--replace", WORDS)
    assert ended.code == 2
    assert "ERROR:  permission denied for schema mfe" in ended.err
    assert "NOTICE" not in ended.err
    assert stored(product)[:3] == FILLED[:3]  # type: ignore[index]


def test_a_backup_of_another_schema_says_how_to_put_it_back(prepare: Prepare, tmp_path: Path) -> None:
    product = prepare("mfe")
    assert product.run("backup", str(tmp_path / "made")).code == 0
    admin = product.url.replace(ROLE, "postgres", 1)
    execute(admin, "DROP SCHEMA mfe CASCADE", "CREATE SCHEMA later AUTHORIZATION orch")
    execute(admin, "ALTER ROLE orch IN DATABASE shared SET search_path = later")
    ended = product.run("restore", str(tmp_path / "made"))
    assert ended.code == 2
    assert 'in the schema "mfe", but this role creates its tables in "later"' in ended.err
    execute(admin, "ALTER ROLE orch IN DATABASE shared SET search_path = nowhere")
    ended = product.run("restore", str(tmp_path / "made"))
    assert ended.code == 2
    assert "no schema in the search_path of this role exists" in ended.err


def test_a_database_without_our_tables_makes_no_backup(prepare: Prepare, tmp_path: Path) -> None:
    product = prepare("mfe")
    execute(product.url.replace(ROLE, "postgres", 1), "DROP SCHEMA mfe CASCADE", "CREATE SCHEMA mfe AUTHORIZATION orch")
    ended = product.run("backup", str(tmp_path / "made"))
    assert ended.code == 1
    assert "has no tables of this product" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_programs_of_another_version_are_named(prepare: Prepare, tmp_path: Path) -> None:
    product = prepare("mfe")
    programs = tmp_path / "programs"
    programs.mkdir()
    old = programs / "pg_dump"
    # What pg_dump 12 does with every newer server.
    old.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 12.9" && exit\n'
        'echo "pg_dump: error: server version: 15.0; pg_dump version: 12.9" >&2\n'
        'echo "pg_dump: error: aborting because of server version mismatch" >&2\nexit 1\n'
    )
    old.chmod(0o755)
    ended = product.run("backup", str(tmp_path / "made"), PATH=f"{programs}:{os.environ['PATH']}")
    assert ended.code == 1
    assert "aborting because of server version mismatch" in ended.err
    server = int(str(rows(product.url, "SELECT current_setting('server_version_num')")[0])) // 10_000
    assert f"pg_dump has version 12, but the server has {server}: use the programs of the server's" in ended.err
