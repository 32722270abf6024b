"""One row for each repository and pipeline, however many connections see it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from connections.models import Connection
from delivery.models import Pipeline, ReleasePipeline, Repository

Row = TypeVar("Row", Pipeline, ReleasePipeline, Repository)
# Two rows are the same thing if these are equal.
_KEY = ("azure_id", "project__azure_id", "project__connection__organization_id", "project__connection__server")
_WORKING = (Connection.Severity.NONE, Connection.Severity.PROBLEM)


def one_row_each(rows: QuerySet[Row]) -> QuerySet[Row]:
    """Of rows that are the same thing, the oldest of a connection that works, or else the oldest."""
    if not _organizations_seen_twice():
        return rows
    same = rows.order_by().filter(**{name: OuterRef(name) for name in _KEY})
    works = Q(project__connection__severity__in=_WORKING)
    older = Q(pk__lt=OuterRef("pk"))
    working = rows.filter(works).exclude(Exists(same.filter(works & older)))
    others = rows.exclude(works).exclude(Exists(same.filter(works | older)))
    return rows.filter(Q(pk__in=working.order_by().values("pk")) | Q(pk__in=others.order_by().values("pk")))


def _organizations_seen_twice() -> bool:
    counted = Connection.objects.order_by().values("server", "organization_id").annotate(count=Count("pk"))
    return counted.filter(count__gt=1).exists()


def seen_via(rows: Sequence[Row]) -> dict[int, list[Row]]:
    """Every present row that is the same thing as one of these, by the pk of that one; only where there are several."""
    if not rows or not _organizations_seen_twice():
        return {}
    model = type(rows[0])
    # Numbers of pipelines begin anew in each project, so they alone would match the whole table.
    found = model.objects.filter(
        azure_id__in={row.azure_id for row in rows},
        project__azure_id__in={row.project.azure_id for row in rows},
        gone_at=None,
    )
    by_key: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in found.select_related("project__connection").order_by("project__connection__name", "pk"):
        by_key[_key(row)].append(row)
    return {row.pk: by_key[_key(row)] for row in rows if len(by_key[_key(row)]) > 1}


def _key(row: Pipeline | ReleasePipeline | Repository) -> tuple[object, ...]:
    connection = row.project.connection
    return row.azure_id, row.project.azure_id, connection.organization_id, connection.server
