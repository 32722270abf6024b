"""How PostgreSQL's own programs get the connection that Django uses: psql, pg_dump."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class ProgramConnection:
    """What a program is started with. The environment holds the password, which arguments would show to others."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)


def program_connection(database: Mapping[str, Any]) -> ProgramConnection:
    """For an entry of Django's DATABASES, complete with defaults, as `connection.settings_dict` is.

    Django itself says which parameters it would connect with, so that the programs leave none out: options of the
    query, a socket's folder as host, several hosts. Raises `ImproperlyConfigured`.
    """
    # Only here: without PostgreSQL nobody needs psycopg.
    from django.db.backends.postgresql.base import DatabaseWrapper
    from psycopg import conninfo, pq

    known = {option.keyword.decode(): option for option in pq.Conninfo.get_defaults()}
    wanted = DatabaseWrapper(dict(database)).get_connection_params()
    parameters = {name: str(value) for name, value in wanted.items() if name in known and value is not None}
    if role := database["OPTIONS"].get("assume_role"):
        # Django sends SET ROLE once it is connected.
        parameters["options"] = f"{parameters.get('options', '')} -c role={_escaped(role)}".strip()
    secrets = {}
    for name in parameters.keys() & {name for name, option in known.items() if option.dispchar == b"*"}:
        variable = known[name].envvar
        if variable is None:
            raise ImproperlyConfigured(f"PostgreSQL's programs take no {name} but where others on the machine see it.")
        secrets[variable.decode()] = parameters.pop(name)
    return ProgramConnection((f"--dbname={conninfo.make_conninfo(**parameters)}",), os.environ | secrets)


def _escaped(word: str) -> str:
    """One word of libpq's `options`."""
    return word.replace("\\", "\\\\").replace(" ", "\\ ")
