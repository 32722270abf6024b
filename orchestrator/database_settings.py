"""Settings of the database, from DATABASE_URL."""

from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from orchestrator.service_urls import with_encoded_hash

_POSTGRESQL = "django.db.backends.postgresql"
_FORM = (
    "Use the form postgres://user:password@host:5432/name, with special characters in user and password "
    "percent-encoded."
)
_SWITCHES = ("ATOMIC_REQUESTS", "AUTOCOMMIT", "CONN_HEALTH_CHECKS", "DISABLE_SERVER_SIDE_CURSORS")


def read(url: str) -> dict[str, Any]:
    """Django's settings for this URL. Raises `ImproperlyConfigured`, without the URL, which contains a password."""
    if url.partition("://")[0] not in environ.Env.DB_SCHEMES:
        raise ImproperlyConfigured(f"DATABASE_URL names no database that Django supports. {_FORM}")
    try:
        if not url.startswith("sqlite:"):
            url = with_encoded_hash(url)
        database: dict[str, Any] = environ.Env.db_url_config(url)
    except ValueError:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read. {_FORM}") from None
    if database["ENGINE"] == _POSTGRESQL and "%" in database["HOST"]:
        database["HOST"] = _percent_decoded_host(url)
    return database | {name: _is_on(name, database[name]) for name in _SWITCHES if name in database}


def _is_on(name: str, value: object) -> bool:
    """Whether the URL turns this setting on. django-environ leaves "false" a text, which Django takes for true."""
    word = str(value).lower()
    if word not in {"true", "false", "1", "0"}:
        raise ImproperlyConfigured(f"DATABASE_URL has a value for {name.lower()} that is neither true nor false.")
    return word in {"true", "1"}


def _percent_decoded_host(url: str) -> str:
    """The folder of a socket, or several hosts, decoded for libpq; django-environ leaves it encoded, in lower case.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
    """
    address = urlsplit(url).netloc.rpartition("@")[2]
    return unquote(address.partition(":")[0])
