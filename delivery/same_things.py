"""One row for each repository and pipeline, however many connections see it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from django.core.paginator import Page, Paginator
from django.db import connection as database
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, When

from connections.models import Connection
from core.kept_sql import Sql, found_ids, stand_in
from core.storable_text import storable_text
from delivery.models import Pipeline, ReleasePipeline, Repository
from delivery.reads import PAGE_SIZE, Filters

Row = TypeVar("Row", Pipeline, ReleasePipeline, Repository)
# Two rows are the same thing if these are equal.
_KEY = ("azure_id", "project__azure_id", "project__connection__organization_id", "project__connection__server")
Key = tuple[Any, ...]
Shown = TypeVar("Shown", bound=NamedTuple)
_WORKING = (Connection.Severity.NONE, Connection.Severity.PROBLEM)


class SeenVia(NamedTuple):
    """A row that is the same thing as others: its ids, and the connection through which it is seen."""

    pk: int
    project_id: int
    azure_id: int | str
    connection: str


def one_row_each(rows: QuerySet[Row]) -> QuerySet[Row]:
    """Of rows that are the same thing, the oldest of a connection that works, or else the oldest."""
    return _best(rows) if _organizations_seen_twice() else rows


def page_of_each(
    find: Callable[[Filters], QuerySet[Row]],
    filters: Filters,
    number: str | None,
    *,
    row: Callable[..., Shown],
    columns: Sequence[str],
) -> tuple[Page[Shown], dict[int, tuple[SeenVia, ...]]]:
    """One page of `one_row_each`, the nearest one if the number is out of range, and through what each is seen.

    That is every present row that is the same thing, by the pk of the row on the page; only where there are several.
    `find` returns what the filters select and depends on nothing else; `row` makes what a list shows of these columns,
    with the id first.
    """
    rows, is_shared = find(filters), _organizations_seen_twice()
    # Counting what is different is much quicker than counting what has nothing better.
    count = (rows.order_by().values(*_KEY).distinct() if is_shared else rows).count()
    page: Page[Any] = Paginator(range(count), PAGE_SIZE).get_page(number)
    ids = _ids_at(range(page.start_index() - 1, page.end_index()), find, filters, is_shared=is_shared) if count else []
    read = tuple(dict.fromkeys((*columns, *_KEY)))
    by_id = {
        values[0]: values for values in rows.model._default_manager.filter(pk__in=ids).order_by().values_list(*read)
    }
    found = [by_id[pk] for pk in ids if pk in by_id]
    page.object_list = [row(*values[: len(columns)]) for values in found]
    key_of = itemgetter(*map(read.index, _KEY))
    return page, _seen_via(rows.model, {values[0]: key_of(values) for values in found}) if is_shared else {}


def _ids_at(places: range, find: Callable[[Filters], QuerySet[Any]], filters: Filters, *, is_shared: bool) -> list[int]:
    """The ids at these places. Their SQL is written once for each choice of filters and number of words.

    What people type is not kept with it.
    """
    words = {stand_in(place): word for place, word in enumerate(filters.q.split())}
    name = {stand_in("name"): storable_text(filters.connection_name)} if filters.connection_name else {}
    kept = replace(filters, q=" ".join(words), connection_name="".join(name))
    like = database.ops.prep_for_like_query
    given = {f"%{typed}%": f"%{like(text)}%" for typed, text in (words | name).items()}
    sql = _ids_sql(find, kept, is_shared, database.vendor)
    return found_ids(sql, given, " LIMIT %s OFFSET %s", len(places), places.start)


@lru_cache(maxsize=128)
def _ids_sql(find: Callable[[Filters], QuerySet[Any]], filters: Filters, is_shared: bool, _vendor: str) -> Sql:
    rows = find(filters)
    return (_best(rows) if is_shared else rows).values_list("pk", flat=True).query.sql_with_params()


def _best(rows: QuerySet[Row]) -> QuerySet[Row]:
    """Each row is compared through indexes with those that are the same, so that a page does not read all rows."""
    ranked = rows.alias(rank=Case(When(project__connection__severity__in=_WORKING, then=0), default=1))
    same = ranked.order_by().filter(**{name: OuterRef(name) for name in _KEY})
    better = Q(rank__lt=OuterRef("rank")) | Q(rank=OuterRef("rank"), pk__lt=OuterRef("pk"))
    return ranked.exclude(Exists(same.filter(better)))


def _organizations_seen_twice() -> bool:
    counted = Connection.objects.order_by().values("server", "organization_id").annotate(count=Count("pk"))
    return counted.filter(count__gt=1).exists()


def _seen_via(model: type[Row], keys: Mapping[int, Key]) -> dict[int, tuple[SeenVia, ...]]:
    if not keys:
        return {}
    # Numbers of pipelines begin anew in each project, so they alone would match the whole table.
    found = model._default_manager.filter(
        azure_id__in={key[0] for key in keys.values()},
        project__azure_id__in={key[1] for key in keys.values()},
        gone_at=None,
    ).order_by("project__connection__name", "pk")
    by_key = _by_key(found.values_list("pk", "project_id", "project__connection__name", *_KEY))
    return {pk: tuple(by_key[key]) for pk, key in keys.items() if len(by_key[key]) > 1}


def _by_key(found: Iterable[tuple[Any, ...]]) -> dict[Key, list[SeenVia]]:
    by_key: dict[Key, list[SeenVia]] = defaultdict(list)
    for pk, project_id, connection, *key in found:
        by_key[tuple(key)].append(SeenVia(pk, project_id, key[0], connection))
    return by_key
