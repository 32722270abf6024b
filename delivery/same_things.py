"""One row for each repository and pipeline, however many connections see it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, When

from connections.models import Connection
from delivery.models import Pipeline, ReleasePipeline, Repository
from delivery.reads import PAGE_SIZE

Row = TypeVar("Row", Pipeline, ReleasePipeline, Repository)
# Two rows are the same thing if these are equal.
_KEY = ("azure_id", "project__azure_id", "project__connection__organization_id", "project__connection__server")
_WORKING = (Connection.Severity.NONE, Connection.Severity.PROBLEM)


class SeenVia(NamedTuple):
    """A row that is the same thing as others, and the connection through which it is seen."""

    url: str
    connection: str


def one_row_each(rows: QuerySet[Row]) -> QuerySet[Row]:
    """Of rows that are the same thing, the oldest of a connection that works, or else the oldest."""
    return _best(rows) if _organizations_seen_twice() else rows


def page_of_each(rows: QuerySet[Row], number: str | None) -> tuple[Page[Row], dict[int, list[SeenVia]]]:
    """One page of `one_row_each`, the nearest one if the number is out of range, and through what each is seen.

    That is every present row that is the same thing, by the pk of the row on the page; only where there are several.
    """
    if not _organizations_seen_twice():
        return Paginator(rows, PAGE_SIZE).get_page(number), {}
    paginator = Paginator(_best(rows), PAGE_SIZE)
    # Counting what is different is much quicker than counting what has nothing better.
    paginator.count = rows.order_by().values(*_KEY).distinct().count()
    page = paginator.get_page(number)
    page.object_list = list(page.object_list)
    return page, _seen_via(page.object_list)


def _best(rows: QuerySet[Row]) -> QuerySet[Row]:
    """Each row is compared through indexes with those that are the same, so that a page does not read all rows."""
    ranked = rows.alias(rank=Case(When(project__connection__severity__in=_WORKING, then=0), default=1))
    same = ranked.order_by().filter(**{name: OuterRef(name) for name in _KEY})
    better = Q(rank__lt=OuterRef("rank")) | Q(rank=OuterRef("rank"), pk__lt=OuterRef("pk"))
    return ranked.exclude(Exists(same.filter(better)))


def _organizations_seen_twice() -> bool:
    counted = Connection.objects.order_by().values("server", "organization_id").annotate(count=Count("pk"))
    return counted.filter(count__gt=1).exists()


def _seen_via(rows: Sequence[Row]) -> dict[int, list[SeenVia]]:
    if not rows:
        return {}
    model = type(rows[0])
    # Numbers of pipelines begin anew in each project, so they alone would match the whole table.
    found = model.objects.filter(
        azure_id__in={row.azure_id for row in rows},
        project__azure_id__in={row.project.azure_id for row in rows},
        gone_at=None,
    )
    by_key: dict[tuple[object, ...], list[SeenVia]] = defaultdict(list)
    columns = found.select_related("project__connection").only(*_KEY, "project__connection__name")
    for row in columns.order_by("project__connection__name", "pk"):
        by_key[_key(row)].append(SeenVia(row.get_absolute_url(), row.project.connection.name))
    return {row.pk: by_key[_key(row)] for row in rows if len(by_key[_key(row)]) > 1}


def _key(row: Pipeline | ReleasePipeline | Repository) -> tuple[object, ...]:
    connection = row.project.connection
    return row.azure_id, row.project.azure_id, connection.organization_id, connection.server
