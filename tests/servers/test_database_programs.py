"""psql and pg_dump reach the database that Django reaches, however DATABASE_URL is written."""

import json
import subprocess
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from orchestrator import database_settings
from orchestrator.libpq import program_connection
from tests.orchestrator.backups import WORDS
from tests.orchestrator.installation import Installation

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]
ASK = """SELECT json_build_array(current_database(), current_user, current_setting('search_path'),
 current_setting('application_name'), inet_server_addr() IS NULL, current_setting('statement_timeout'))::text"""
NAME = "two words"
URLS = {
    "host and port": "postgres://postgres@127.0.0.1:{port}/postgres",
    "postgresql scheme": "postgresql://postgres@127.0.0.1:{port}/postgres",
    "socket in the query": "postgres:///postgres?host={folder}&port={port}&user=postgres",
    "socket percent-encoded": "postgres://postgres@{quoted}:{port}/postgres",
    "socket in the path": "postgres://postgres@:{port}/{folder}/postgres",
    "options of the session": "postgres://postgres@127.0.0.1:{port}/postgres?options=-c%20search_path%3Dmfe%20-c%20statement_timeout%3D7s",
    "name with a blank": "postgres://postgres@127.0.0.1:{port}/two%20words",
    "application's name": "postgres://postgres@127.0.0.1:{port}/postgres?application_name=Contoso%20%24%25&sslmode=prefer",
    "another role": "postgres://postgres@127.0.0.1:{port}/postgres?assume_role=the%20owner",
    "two hosts": "postgres://postgres@127.0.0.1:1,127.0.0.1:{port}/postgres?connect_timeout=3",
    "keepalives": "postgres://postgres@127.0.0.1:{port}/postgres?keepalives_idle=30&connect_timeout=3",
}


@pytest.fixture
def place(postgresql_url: str) -> dict[str, str]:
    """Where the real server listens; it has a database, a schema and a role that the URLs name."""
    with psycopg.connect(postgresql_url, autocommit=True) as server:
        for sentence in (f'CREATE DATABASE "{NAME}"', 'CREATE ROLE "the owner"', "CREATE SCHEMA mfe"):
            try:
                server.execute(sentence)
            except psycopg.errors.Error as problem:
                if problem.sqlstate not in ("42P04", "42710", "42P06"):
                    raise
        row = server.execute("SHOW unix_socket_directories").fetchone()
    assert row is not None
    return {"port": str(urlsplit(postgresql_url).port), "folder": row[0], "quoted": quote(row[0], safe="")}


def django_connection(url: str) -> DatabaseWrapper:
    wrapper = ConnectionHandler({"default": database_settings.read(url)})["default"]
    assert isinstance(wrapper, DatabaseWrapper)
    return wrapper


def as_django(url: str) -> list[object]:
    connection = django_connection(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(ASK)
            (found,) = cursor.fetchone()
            return list(json.loads(found))
    finally:
        connection.close()


def as_psql(url: str) -> list[object]:
    psql = program_connection(django_connection(url).settings_dict)
    command = ["psql", *psql.arguments, "--no-psqlrc", "--tuples-only", "--no-align", "--command", ASK]
    done = subprocess.run(command, env=psql.environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("form", URLS)
def test_psql_sees_what_django_sees(place: dict[str, str], form: str, django_db_blocker: DjangoDbBlocker) -> None:
    url = URLS[form].format(**place)
    # psql has a name of its own where the URL gives none.
    named = "application_name" in url
    found = [answer for number, answer in enumerate(as_psql(url)) if named or number != 3]
    with django_db_blocker.unblock():
        expected = as_django(url)
    assert found == [answer for number, answer in enumerate(expected) if named or number != 3]


BACKUP_URLS = ("socket in the query", "socket percent-encoded", "two hosts")


@pytest.mark.parametrize("form", BACKUP_URLS)
def test_a_backup_is_made_wherever_django_reads(place: dict[str, str], form: str, tmp_path: Path) -> None:
    product = Installation(URLS[form].format(**place))
    assert product.run("migrate", "--verbosity", "0").code == 0
    ended = product.run("backup", str(tmp_path / "made"), LOG_LEVEL="ERROR")
    assert (ended.code, ended.err) == (0, "")
    ended = product.run("restore", str(tmp_path / "made"), "--replace", WORDS, LOG_LEVEL="ERROR")
    assert (ended.code, ended.err) == (0, "")


def test_dbshell_is_the_same_database(place: dict[str, str]) -> None:
    product = Installation(URLS["options of the session"].format(**place))
    ended = product.run("dbshell", "--", "--tuples-only", "--no-align", "--command", "SHOW search_path")
    assert (ended.code, ended.out, ended.err) == (0, "mfe\n", "")
    assert product.run("dbshell", "--", "--command", "SELECT wrong").code == 1
