"""Search and filters of the History page, all of them in the URL."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django import forms

from core.widgets import DayField
from history import event_types, queries
from history.days import end_of, start_of
from history.queries import Filters


class HistoryForm(forms.Form):
    """The filters; each is optional."""

    q = forms.CharField(label="Search", required=False, max_length=200, widget=forms.SearchInput)
    kind = forms.ChoiceField(label="What", required=False)
    person = forms.CharField(
        label="Who", required=False, max_length=150, widget=forms.TextInput(attrs={"list": "people"})
    )
    connection = forms.CharField(
        label="Connection", required=False, max_length=200, widget=forms.TextInput(attrs={"list": "connections"})
    )
    since = DayField(label="From")
    until = DayField(label="To")
    automatic = forms.BooleanField(label="Automatic events", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)  # noqa: S101  (declared above)
        kind.choices = [("", "Everything"), *event_types.kinds()]

    def filters(self) -> Filters:
        """The valid filters; invalid ones are ignored."""
        return filters_of(self.cleaned_data)

    def shown(self) -> Filters:
        """The filters of the page. Without a type or a person, it leaves out what the scheduler did."""
        given = self.cleaned_data
        is_open = bool(given.get("automatic") or given.get("kind") or given.get("person"))
        return replace(self.filters(), by_people=not is_open)


def filters_of(values: Mapping[str, Any]) -> Filters:
    """The filters for values by the names of the form's fields; `until` is the last day."""
    person, connection = values.get("person", ""), values.get("connection", "")
    since, until = values.get("since"), values.get("until")
    return Filters(
        kind=values.get("kind", ""),
        actor_name=person,
        actor_ids=queries.people_called(person) if person else (),
        subject_kind="connection" if connection else "",
        subject_ids=_connections_called(connection) if connection else None,
        since=start_of(since) if since else None,
        until=end_of(until) if until else None,
        words=values.get("q", ""),
    )


def _connections_called(name: str) -> tuple[int, ...]:
    """Ids of the connections that have this name now or had it in some event."""
    current = event_types.subject_kind("connection").find(name)
    return tuple({*current, *queries.subjects_once_called("connection", name)})
