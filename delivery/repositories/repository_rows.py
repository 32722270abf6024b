"""The rows of the list of repositories. Each is rendered once for many requests."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.safestring import SafeString

from core.row_urls import row_url
from delivery.same_things import SeenVia


class RepositoryRow(NamedTuple):
    """The columns that the list reads of a repository, named as in the database."""

    pk: int
    name: str
    default_branch: str
    size: int
    disabled: bool
    gone_at: datetime | None
    project_id: int
    project__name: str
    project__connection_id: int
    project__connection__name: str


def repository_rows(rows: Iterable[RepositoryRow], via: Mapping[int, tuple[SeenVia, ...]]) -> Iterator[SafeString]:
    """The rows of a page. `via` has through which connections a row is seen, where there are several."""
    prefix = get_script_prefix()
    for row in rows:
        yield _rendered(row, via.get(row.pk, ()), prefix)


# A row is kept by all that it shows, as in the list of connections.
@lru_cache(maxsize=1024)
def _rendered(row: RepositoryRow, via: tuple[SeenVia, ...], _prefix: str) -> SafeString:
    cells = {
        "row": row,
        "url": row_url("delivery:repository", row.pk),
        "connection_url": row_url("connections:detail", row.project__connection_id),
        "branch": row.default_branch.removeprefix("refs/heads/"),
        "via": [{"url": row_url("delivery:repository", same.pk), "connection": same.connection} for same in via],
    }
    return render_to_string("delivery/repository_row.html", cells)
