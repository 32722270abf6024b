"""The search over everything: connections, repositories, pipelines and releases."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections import reads as connection_reads
from connections.list_order import WORST
from core.storable_text import storable_text
from delivery import reads
from delivery.same_things import one_row_each

SHOWN = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found."""

    name: str
    url: str
    about: str


@dataclass(frozen=True, slots=True)
class Section:
    """What was found of one kind. `more_url` leads to the list with all of it; empty if all of it is shown."""

    label: str
    icon: str
    hits: tuple[Hit, ...]
    more_url: str


@require_safe
@permission_required("connections.view_connection", raise_exception=True)
def search(request: HttpRequest) -> HttpResponse:
    """GET /search/?q=: what is called so, by kind."""
    q = storable_text(request.GET.get("q", "")).strip()[:200]
    sections = _sections(request, q) if q else []
    context = {
        "q": q,
        # The header of the page keeps it.
        "searched_for": q,
        "sections": sections,
        "shown": sum(len(section.hits) for section in sections),
        "has_more": any(section.more_url for section in sections),
    }
    return render(request, "delivery/search.html", context)


def _sections(request: HttpRequest, q: str) -> list[Section]:
    filters = reads.Filters(q=q)
    sections = [_connections(q)]
    if request.user.has_perm("delivery.view_repository"):
        found = one_row_each(reads.repositories(filters))[: SHOWN + 1]
        sections.append(_section("Repositories", "git-branch", list(found), "delivery:repositories", q))
    if request.user.has_perm("delivery.view_pipeline"):
        pipelines = one_row_each(reads.pipelines(filters))[: SHOWN + 1]
        sections.append(_section("Pipelines", "workflow", list(pipelines), "delivery:builds", q))
    if request.user.has_perm("delivery.view_releasepipeline"):
        releases = one_row_each(reads.release_pipelines(filters))[: SHOWN + 1]
        sections.append(_section("Releases", "rocket", list(releases), "delivery:releases", q))
    return [section for section in sections if section.hits]


def _connections(q: str) -> Section:
    filters = connection_reads.Filters(q=q, sort=WORST)
    found = list(connection_reads.connections(filters, today=timezone.localdate())[: SHOWN + 1])
    hits = [Hit(connection.name, connection.get_absolute_url(), connection.organization) for connection in found]
    return Section("Connections", "folder-git-2", tuple(hits[:SHOWN]), _more("connections:list", q, len(hits)))


def _section(label: str, icon: str, rows: Sequence[Any], name: str, q: str) -> Section:
    """Of repositories, pipelines or release pipelines."""
    hits = tuple(Hit(row.name, row.get_absolute_url(), _about(row)) for row in rows[:SHOWN])
    return Section(label, icon, hits, _more(name, q, len(rows)))


def _about(row: Any) -> str:
    words = [row.project.name, row.project.connection.name]
    release = getattr(row, "newest_name", "")
    return " · ".join([*words, f"newest release {release}"] if release else words)


def _more(name: str, q: str, count: int) -> str:
    return f"{reverse(name)}?{urlencode({'q': q})}" if count > SHOWN else ""
