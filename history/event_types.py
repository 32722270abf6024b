"""Event types and their labels. Each app registers its own types, and the pages of the subjects of its events."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from history.models import Event


@dataclass(frozen=True, slots=True)
class Change:
    """A field that an event changed: what was removed and what was added."""

    label: str
    removed: str
    added: str


@dataclass(frozen=True, slots=True)
class EventType:
    """How a type of event is shown. `tone` is good, warn, bad, info or quiet.

    `detail` turns the detail into text, `changes` into the fields that were changed.
    """

    label: str
    icon: str
    tone: str
    detail: Callable[[dict[str, Any]], str] = lambda _detail: ""
    changes: Callable[[dict[str, Any]], list[Change]] = lambda _detail: []


@dataclass(frozen=True, slots=True)
class SubjectKind:
    """A kind of subject. `links` returns the pages of those that still exist, `find` the ids of those with a name."""

    label: str
    links: Callable[[Iterable[int]], Mapping[int, str]] = lambda _ids: {}
    find: Callable[[str], list[int]] = lambda _name: []
    suggestions: Callable[[], list[str]] = list


_kinds: dict[str, EventType] = {}
_subjects: dict[str, SubjectKind] = {}


def register(kinds: Mapping[str, EventType], *, subject: str = "", about: SubjectKind | None = None) -> None:
    """Register the event types of an app; called once from its `ready`."""
    _kinds.update(kinds)
    if about is not None:
        _subjects[subject] = about


def kinds() -> list[tuple[str, str]]:
    """Every kind with its label, as choices of a filter, grouped by the part before the dot."""
    choices = [(kind, event_type.label) for kind, event_type in _kinds.items()]
    return sorted(choices, key=lambda choice: (choice[0].split(".")[0], choice[1]))


def registered() -> list[EventType]:
    """Every registered event type."""
    return list(_kinds.values())


def subject_kind(name: str) -> SubjectKind:
    """The registered kind of subject, or a kind without pages."""
    return _subjects.get(name, SubjectKind(name.capitalize()))


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event with its type and the page of its subject, as pages show it."""

    event: Event
    type: EventType
    subject_url: str = ""

    @property
    def subject_label(self) -> str:
        """The kind of the subject as text."""
        return subject_kind(self.event.subject_kind).label

    @property
    def detail(self) -> str:
        """The detail as text; as JSON if another version wrote it or if it was tampered with."""
        try:
            return self.type.detail(self.event.detail)
        except (AttributeError, LookupError, TypeError, ValueError):
            return json.dumps(self.event.detail, ensure_ascii=False)

    @property
    def changes(self) -> list[Change]:
        """The fields that were changed; none if the detail can't be read."""
        try:
            return self.type.changes(self.event.detail)
        except (AttributeError, LookupError, TypeError, ValueError):
            return []


def event_row(event: Event, *, subject_url: str = "") -> EventRow:
    """The row of an event. A kind that is not registered is shown by its code."""
    return EventRow(event, _kinds.get(event.kind) or EventType(event.kind, "dot", "quiet"), subject_url)


def event_rows(events: list[Event]) -> list[EventRow]:
    """Several events with links to their subjects; one query for each kind of subject."""
    ids: dict[str, set[int]] = {}
    for event in events:
        ids.setdefault(event.subject_kind, set()).add(event.subject_id)
    links = {kind: subject_kind(kind).links(subject_ids) for kind, subject_ids in ids.items()}
    return [event_row(event, subject_url=links[event.subject_kind].get(event.subject_id, "")) for event in events]
