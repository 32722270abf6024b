"""DATABASE_URL as Django reads it, and as PostgreSQL's own programs get it."""

import traceback
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import ConnectionHandler

from orchestrator import database_settings
from orchestrator.libpq import ProgramConnection, program_connection

PASSWORD = "p@s:s/w?o#r d%$é'\\\""
ENCODED = "p%40s%3As%2Fw%3Fo%23r%20d%25%24%C3%A9%27%5C%22"


def connection_of(url: str) -> ProgramConnection:
    return program_connection(ConnectionHandler({"default": database_settings.read(url)})["default"].settings_dict)


def test_a_password_with_special_letters_is_read_and_handed_over_as_it_is() -> None:
    url = f"postgres://us%40er:{ENCODED}@db.example.com/name"
    assert database_settings.read(url)["PASSWORD"] == PASSWORD
    assert connection_of(url).environment["PGPASSWORD"] == PASSWORD


def test_the_password_is_in_no_argument_and_in_no_repr() -> None:
    made = connection_of("postgres://user:sesame@db.example.com/name")
    assert "sesame" not in f"{made.arguments} {made!r}"


def test_a_password_in_the_query_is_no_argument_either() -> None:
    made = connection_of("postgres://user@db.example.com/name?password=sesame")
    assert "sesame" not in f"{made.arguments}"
    assert made.environment["PGPASSWORD"] == "sesame"


def test_a_secret_that_only_an_argument_could_carry_is_refused_by_its_name() -> None:
    with pytest.raises(ImproperlyConfigured, match="sslpassword") as refused:
        connection_of("postgres://user@db.example.com/name?sslpassword=sesame")
    assert "sesame" not in str(refused.value)


def test_options_of_django_alone_are_not_handed_over() -> None:
    made = connection_of("postgres://user@db.example.com/name?server_side_binding=true&conn_max_age=5")
    assert "server_side_binding" not in made.arguments[0]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgres://user@%2Frun%2FPostgreSQL/name", "/run/PostgreSQL"),
        ("postgres://%2Frun%2Fpostgresql:5433/name", "/run/postgresql"),
        ("postgres://user:p%40ss@%2frun%2fpostgresql/name?sslmode=disable", "/run/postgresql"),
        ("postgres://user@db.example.com/name", "db.example.com"),
        ("postgres://user@[2001:db8::1]:5432/name", "2001:db8::1"),
    ],
)
def test_a_host_may_be_the_folder_of_a_socket(url: str, host: str) -> None:
    assert database_settings.read(url)["HOST"] == host


@pytest.mark.parametrize(
    "url",
    [
        "postgres://user:ses/ame@db.example.com/name",
        "postgres://user:12?sesame@db.example.com/name",
        "postgres://user:12/sesame@db.example.com/name?sslmode=require",
        "postgress://user:sesame@db.example.com/name",
        "sesame",
        "://sesame",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_the_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as refused:
        database_settings.read(url)
    told = "".join(traceback.format_exception(refused.value))
    # The checkout may lie in a folder of any name.
    assert "ses" not in told.replace(str(Path(__file__).resolve().parents[2]), "")


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgres://user:12#34@db.example.com:5433/name", "12#34"),
        ("postgres://user:p%40#s@db.example.com:5433/name?sslmode=require", "p@#s"),
        ("postgres://user:$sesame@db.example.com:5433/name", "$sesame"),
    ],
)
def test_a_password_may_have_a_letter_that_urls_use_otherwise(url: str, password: str) -> None:
    database = database_settings.read(url)
    assert (database["PASSWORD"], database["HOST"], database["NAME"]) == (password, "db.example.com", "name")


def test_a_user_may_stand_in_the_query() -> None:
    database = database_settings.read("postgres://db.example.com/name?user=mfe@server")
    assert (database["HOST"], database["OPTIONS"]["user"]) == ("db.example.com", "mfe@server")


@pytest.mark.parametrize(
    ("word", "is_on"), [("false", False), ("False", False), ("0", False), ("true", True), ("1", True)]
)
def test_a_setting_of_django_is_on_or_off_as_the_url_says(word: str, is_on: bool) -> None:
    url = f"postgres://user@db.example.com/name?atomic_requests={word}"
    assert database_settings.read(url)["ATOMIC_REQUESTS"] is is_on


def test_a_setting_of_django_that_is_neither_on_nor_off_is_refused_by_its_name() -> None:
    with pytest.raises(ImproperlyConfigured, match="atomic_requests"):
        database_settings.read("postgres://user@db.example.com/name?atomic_requests=sometimes")
