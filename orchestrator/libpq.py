"""Connection parameters for PostgreSQL's own programs, such as psql and pg_dump, the same as those of Django."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class ProgramConnection:
    """Arguments and environment of a program. The password is in the environment, because arguments are public."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)


def program_connection(database: Mapping[str, Any]) -> ProgramConnection:
    """The connection for an entry of Django's DATABASES with all defaults, such as `connection.settings_dict`.

    The parameters are those with which Django connects, including options of the URL, a socket's folder as host, and
    several hosts. Raises `ImproperlyConfigured`.
    """
    # Imported here because psycopg is only needed for PostgreSQL.
    from django.db.backends.postgresql.base import DatabaseWrapper
    from psycopg import conninfo, pq

    known = {option.keyword.decode(): option for option in pq.Conninfo.get_defaults()}
    of_django = DatabaseWrapper(dict(database)).get_connection_params()
    parameters = {name: str(value) for name, value in of_django.items() if name in known and value is not None}
    if role := database["OPTIONS"].get("assume_role"):
        # Django sends SET ROLE after connecting.
        parameters["options"] = f"{parameters.get('options', '')} -c role={_escaped(role)}".strip()
    secrets = {}
    for name in parameters.keys() & {name for name, option in known.items() if option.dispchar == b"*"}:
        variable = known[name].envvar
        if variable is None:
            raise ImproperlyConfigured(f"PostgreSQL's programs accept {name} only where other users can see it.")
        secrets[variable.decode()] = parameters.pop(name)
    return ProgramConnection((f"--dbname={conninfo.make_conninfo(**parameters)}",), os.environ | secrets)


def _escaped(word: str) -> str:
    """A value within libpq's `options`."""
    return word.replace("\\", "\\\\").replace(" ", "\\ ")
