"""Read due connections by person or organization, without reading the others of one that has no room.

An index has the connections by ten minutes, person or organization, and time. The first of the next person is found by
a search in it, as PostgreSQL's wiki explains: https://wiki.postgresql.org/wiki/Loose_indexscan
So this takes a search for each person in each ten minutes, however many connections a person has.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from django.db import connection as database

from connections.models import Connection
from core.ten_minutes import ten_minutes

_TABLE = Connection._meta.db_table


class By(Enum):
    """What connections are grouped by: the columns of an index between its ten minutes and its time."""

    PERSON = ("identity_id",)
    ORGANIZATION = ("server", "organization")


@dataclass(frozen=True, slots=True)
class First:
    """The first due connection of a group within ten minutes."""

    pk: int
    server: str
    organization: str
    person: str


def first_of_groups(by: By, *, now: datetime, most: int) -> list[First]:
    """The first of each group in each ten minutes, in this order; of `most` groups."""
    sql = _sql_of_first(by, database.vendor)
    with database.cursor() as cursor:
        cursor.execute(sql, [*_times(now, sql.count("%s") - 1), most])
        return [First(*row) for row in cursor.fetchall()]


def next_of_groups(by: By, first: Collection[int], *, now: datetime, most: int) -> Mapping[int, list[int]]:
    """The ids of the next of each group and ten minutes, by the id of the first; `most` of each, with the first."""
    if not first:
        return {}
    sql = _sql_of_next(by, database.vendor)
    ids = list(first) if database.vendor == "postgresql" else json.dumps(list(first))
    found: dict[int, list[int]] = defaultdict(list)
    with database.cursor() as cursor:
        cursor.execute(sql, [ids, *_times(now, sql.count("%s") - 2), most])
        for first_pk, pk in cursor.fetchall():
            found[first_pk].append(pk)
    return found


def _times(now: datetime, count: int) -> list[Any]:
    return [Connection._meta.get_field("next_check_at").get_db_prep_value(now, database)] * count


@lru_cache(maxsize=4)
def _sql_of_first(by: By, vendor: str) -> str:
    # The next group within the same ten minutes, or else the first within later ones.
    following = [_search(by, vendor, same) for same in reversed(range(len(by.value) + 1))]
    until_now = f"{ten_minutes('following.next_check_at', vendor)} <= {ten_minutes('%s', vendor)}"
    start = _select(by, vendor, 0, until_now)
    return " ".join(
        (
            "WITH RECURSIVE walk(id, step) AS (SELECT",
            f"{start}, 1",
            f"UNION ALL SELECT COALESCE({', '.join(following)}), walk.step + 1",
            f"FROM walk JOIN {_TABLE} AS reached ON reached.id = walk.id WHERE walk.step < %s)",
            "SELECT reached.id, reached.server, reached.organization, reached.identity_id",
            f"FROM walk JOIN {_TABLE} AS reached ON reached.id = walk.id ORDER BY walk.step",
        )
    )


@lru_cache(maxsize=4)
def _sql_of_next(by: By, vendor: str) -> str:
    same = len(by.value) + 1
    following = [_search(by, vendor, same + 1), _search(by, vendor, same)]
    given = "unnest(%s::bigint[]) AS given(value)" if vendor == "postgresql" else "json_each(%s) AS given"
    return " ".join(
        (
            "WITH RECURSIVE walk(first, id, step) AS (SELECT given.value, given.value, 1",
            f"FROM {given}",
            f"UNION ALL SELECT walk.first, COALESCE({', '.join(following)}), walk.step + 1",
            f"FROM walk JOIN {_TABLE} AS reached ON reached.id = walk.id WHERE walk.step < %s)",
            "SELECT first, id FROM walk WHERE id IS NOT NULL",
        )
    )


def _columns(by: By, vendor: str, row: str) -> list[str]:
    """The columns of the index."""
    times = f"{row}.next_check_at"
    return [ten_minutes(times, vendor), *(f"{row}.{name}" for name in by.value), times, f"{row}.id"]


def _search(by: By, vendor: str, same: int) -> str:
    """The next due row that equals the reached one in so many columns of the index, and follows it in the next one."""
    following, reached = _columns(by, vendor, "following"), _columns(by, vendor, "reached")
    conditions = [f"{following[number]} = {reached[number]}" for number in range(same)]
    conditions.append(f"{following[same]} > {reached[same]}")
    if same == 0:
        # Else all that is due later would be read.
        conditions.append(f"{following[0]} <= {ten_minutes('%s', vendor)}")
    return _select(by, vendor, same, " AND ".join(conditions))


def _select(by: By, vendor: str, same: int, condition: str) -> str:
    # SQLite would sort if the columns that are the same were named.
    order = ", ".join(_columns(by, vendor, "following")[same:])
    due = "NOT following.disabled AND following.next_check_at <= %s"
    return " ".join(
        (
            "(SELECT following.id",
            f"FROM {_TABLE} AS following",
            f"WHERE {due} AND {condition} ORDER BY {order} LIMIT 1)",
        )
    )
