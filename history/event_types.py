"""The words of events. Each app registers those of its own kinds, and the pages that its subjects have."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from history.models import Event


@dataclass(frozen=True, slots=True)
class EventType:
    """How a kind of event is shown. `tone` is good, warn, bad, info or quiet; `detail` words the event's detail."""

    label: str
    icon: str
    tone: str
    detail: Callable[[dict[str, Any]], str] = lambda _detail: ""


@dataclass(frozen=True, slots=True)
class SubjectKind:
    """What events can be about. `links` gives the pages of those that still exist; `find` the ids of a name."""

    label: str
    links: Callable[[Iterable[int]], Mapping[int, str]] = lambda _ids: {}
    find: Callable[[str], list[int]] = lambda _name: []
    suggestions: Callable[[], list[str]] = list


_kinds: dict[str, EventType] = {}
_subjects: dict[str, SubjectKind] = {}


def register(kinds: Mapping[str, EventType], *, subject: str = "", about: SubjectKind | None = None) -> None:
    """Called once by each app when it is ready."""
    _kinds.update(kinds)
    if about is not None:
        _subjects[subject] = about


def kinds() -> list[tuple[str, str]]:
    """Every kind with its label, as a filter offers them: grouped by the part before the dot."""
    return sorted(
        ((kind, words.label) for kind, words in _kinds.items()), key=lambda one: (one[0].split(".")[0], one[1])
    )


def registered() -> list[EventType]:
    """The words of every kind."""
    return list(_kinds.values())


def subject_kind(name: str) -> SubjectKind:
    """The registered kind of subject, or one without pages."""
    return _subjects.get(name, SubjectKind(name.capitalize()))


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as a page shows it."""

    at: datetime
    actor: str
    label: str
    detail: str
    icon: str
    tone: str
    id: int = 0
    kind: str = ""
    address: str = ""
    subject_label: str = ""
    subject: str = ""
    subject_url: str = ""


def event_row(event: Event, *, subject_url: str = "") -> EventRow:
    """The words of an event. A kind that nobody registered is shown by its own name."""
    words = _kinds.get(event.kind) or EventType(event.kind, "dot", "quiet")
    return EventRow(
        at=event.at,
        actor=event.actor_name,
        label=words.label,
        detail=_detail(words, event.detail),
        icon=words.icon,
        tone=words.tone,
        id=event.pk,
        kind=event.kind,
        address=event.address or "",
        subject_label=subject_kind(event.subject_kind).label,
        subject=event.subject_name,
        subject_url=subject_url,
    )


def _detail(words: EventType, detail: Any) -> str:
    """Worded, or as it is stored: an event of another version, or one that was tampered with, is shown all the same."""
    try:
        return words.detail(detail)
    except (AttributeError, LookupError, TypeError, ValueError):
        return json.dumps(detail, ensure_ascii=False)


def event_rows(events: list[Event]) -> list[EventRow]:
    """Several events, with links to what they are about; one query for each kind of subject."""
    ids: dict[str, set[int]] = {}
    for event in events:
        ids.setdefault(event.subject_kind, set()).add(event.subject_id)
    links = {kind: subject_kind(kind).links(found) for kind, found in ids.items()}
    return [event_row(event, subject_url=links[event.subject_kind].get(event.subject_id, "")) for event in events]
