"""Filter forms of the pages. Filters are in the URL, and invalid values are ignored."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.utils.safestring import SafeString

from connections.fields import offer
from connections.providers.registry import PROVIDERS
from core.widgets import DayField, rendered_select


class HistoryFilterForm(forms.Form):
    """Filter of a connection's events: type, actor, first and last day."""

    kind = forms.ChoiceField(label="What", required=False)
    actor = forms.ChoiceField(label="Who", required=False)
    since = DayField(label="From")
    until = DayField(label="To")
    automatic = forms.BooleanField(label="Automatic events", required=False)

    def __init__(self, *args: Any, kinds: Iterable[tuple[str, str]], actors: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "kind", [("", "All events"), *kinds])
        offer(self, "actor", [("", "Anyone"), *((actor, actor) for actor in actors)])

    def chosen(self) -> dict[str, Any]:
        """The valid values that were chosen."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


SORTS = (
    ("", "Worst first"),
    ("name", "Name"),
    ("-name", "Name, Z to A"),
    ("organization", "Organization"),
    ("-organization", "Organization, Z to A"),
    ("expiry", "Expires first"),
    ("-expiry", "Expires last"),
    ("owner", "Owner"),
    ("-owner", "Owner, Z to A"),
)
CHECKED_SORTS = (("checked", "Checked last"), ("-checked", "Checked longest ago"))


class ListFilterForm(forms.Form):
    """Search, filters and order of a list of credentials."""

    q = forms.CharField(label="Search", required=False, max_length=200, widget=forms.SearchInput)
    status = forms.ChoiceField(label="Status", required=False)
    on = forms.DateField(required=False, widget=forms.HiddenInput)
    sort = forms.ChoiceField(label="Sort by", required=False, choices=SORTS)

    def selects(self) -> list[tuple[forms.BoundField, SafeString]]:
        """The selects with their HTML. Each is rendered once for each of its values."""
        return [(field, _select(field)) for field in self if isinstance(field.field, forms.ChoiceField)]


class FilterForm(ListFilterForm):
    """Search, filters and order of the list of connections."""

    field_order = ("q", "status", "provider", "sort")
    provider = forms.ChoiceField(
        label="Provider",
        required=False,
        choices=[("", "All providers"), *((provider.key, provider.label) for provider in PROVIDERS)],
    )
    sort = forms.ChoiceField(label="Sort by", required=False, choices=(*SORTS, *CHECKED_SORTS))

    def __init__(self, *args: Any, statuses: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "status", [("", "Any status"), *statuses])


def _select(field: forms.BoundField) -> SafeString:
    attrs = (("id", f"id_{field.html_name}"),)
    return rendered_select(field.html_name, field.value() or "", tuple(field.field.widget.choices), attrs)


class PeriodForm(forms.Form):
    """The first and the last day of a report."""

    since = DayField(label="From")
    until = DayField(label="To")

    def period(self, *, default: tuple[date, date]) -> tuple[date, date]:
        """The days given, or else the default; in either order."""
        self.is_valid()
        since, until = (
            self.cleaned_data.get(name) or day for name, day in zip(("since", "until"), default, strict=True)
        )
        return min(since, until), max(since, until)


class WithinForm(forms.Form):
    """How soon a token expires, in days."""

    DEFAULT = 30

    within = forms.IntegerField(label="Expires within (days)", min_value=0, max_value=366, required=False)

    def days(self) -> int:
        """The number of days given, or the default."""
        self.is_valid()
        days = self.cleaned_data.get("within")
        return self.DEFAULT if days is None else int(days)
