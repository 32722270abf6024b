"""What the lists of credentials share. Strip, heads and chart are rendered once for many requests."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any, Protocol

from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connections.domain.expiry_chart import Timeline
from connections.filters import ListFilterForm
from connections.views.list_controls import ColumnHead, StripCount
from core.htmx import replaces
from core.query_strings import with_values


class Filters(Protocol):
    """What both lists know of their filters."""

    @property
    def on(self) -> date | None:
        """The day on which what is shown expires."""

    @property
    def any(self) -> bool:
        """Whether any filter is set."""


@dataclass(frozen=True, slots=True)
class ListParts:
    """The parts of one list. `name` is that of its address, `noun` what it lists the expiry dates of.

    `templates` is the folder of its templates.
    """

    name: str
    label: str
    noun: str
    templates: str

    @property
    def url(self) -> str:
        """The address of the list."""
        return reverse(self.name)

    def strip(self, counts: tuple[StripCount, ...]) -> SafeString:
        """The counts above the list."""
        return _linked("connections/strip.html", self.url, self.label, counts)

    def heads(self, heads: Iterable[ColumnHead]) -> SafeString:
        """The heads of the columns."""
        return _linked("connections/column_heads.html", self.url, self.label, tuple(heads))

    def context(self, page: Page[Any], filters: Filters, form: ListFilterForm, given: QueryDict) -> dict[str, Any]:
        """The context of the rows that are shown, and of the form that chose them."""
        return {
            "page": page,
            "total": page.paginator.count,
            "filters": form,
            "selects": form.selects,
            "filtered": filters.any,
            "on": filters.on,
            "query": with_values(given),
            "any_day_query": with_values(given, on=""),
            "list_label": self.label,
            "list_url": self.url,
        }

    def response(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """The page, or for htmx only what it replaces."""
        if replaces(request, "listing"):
            return render(
                request, "connections/list_part.html", {**context, "listing": f"{self.templates}/listing.html"}
            )
        return render(request, f"{self.templates}/list.html", context)

    def chart(self, timeline: Timeline) -> SafeString:
        """The chart of the next 90 days, with its heading."""
        return _chart(timeline, self.noun, self.url)


def _linked(template: str, list_url: str, label: str, items: tuple[ColumnHead | StripCount, ...]) -> SafeString:
    """The items with their links. What people type is in the links, and so is not kept."""
    queries = [item.query for item in items]
    kept = tuple(replace(item, query=f"{{{place}}}" if item.query else "") for place, item in enumerate(items))
    return format_html(_rendered(template, list_url, label, kept), *queries)


@lru_cache(maxsize=256)
def _rendered(template: str, list_url: str, label: str, items: tuple[ColumnHead | StripCount, ...]) -> SafeString:
    return render_to_string(template, {"items": items, "list_url": list_url, "label": label})


# Up to 91 days are rendered twice, and change only with the rows and at midnight.
@lru_cache(maxsize=16)
def _chart(timeline: Timeline, noun: str, list_url: str) -> SafeString:
    return render_to_string("connections/timeline.html", {"timeline": timeline, "noun": noun, "list_url": list_url})
