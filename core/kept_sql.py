"""SQL that is written once and run with other words. Django takes longer to write it than databases to run it."""

from collections.abc import Mapping
from typing import Any

from django.db import connection as database

Sql = tuple[str, tuple[Any, ...]]


def stand_in(name: object) -> str:
    """What stands for a word while the SQL is written. It begins with a character that is in no text."""
    return f"\uffff{name}"


def found_ids(sql: Sql, words: Mapping[str, str], end: str = "", *of_end: int) -> list[int]:
    """The ids that this SQL finds, with `words` in place of what stands for them. `end` is the end of the statement."""
    text, params = sql
    with database.cursor() as cursor:
        cursor.execute(f"{text}{end}", [*(words.get(param, param) for param in params), *of_end])
        return [pk for (pk,) in cursor.fetchall()]
