"""Store the pipelines of a project, or its release pipelines, as they were listed."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet

from core.columns import upsert
from delivery.models import PipelineBase

Row = TypeVar("Row", bound=PipelineBase)
BATCH = 500
_KEY = ("project", "azure_id")


def store(stored: QuerySet[Row], listed: Sequence[Row], *, is_whole: bool, now: datetime) -> None:
    """Insert or update the rows that were listed, in a constant number of queries.

    The others of `stored` are marked gone if the list `is_whole`.
    """
    for row in listed:
        row.pk = None
    columns = [field.name for field in stored.model._meta.concrete_fields if not field.primary_key]
    with transaction.atomic():
        upsert(
            stored.model,
            listed,
            unique_fields=_KEY,
            update_fields=[name for name in columns if name not in _KEY],
            batch=BATCH,
        )
        if is_whole:
            stored.filter(gone_at=None, seen_at__lt=now).update(gone_at=now)
