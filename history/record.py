"""Append events to the history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.http import HttpRequest

from core.client_ip import client_address
from history.models import SCHEDULER_NAMES, Event

NAME_LENGTH = 150
SUBJECT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, or a part of the product. `address` is the person's network address."""

    name: str
    id: int | None = None
    address: str | None = None


ANONYMOUS = "anonymous"
COMMAND_LINE = Actor("command line")
SCHEDULER = Actor(SCHEDULER_NAMES[0])


def actor_of(request: HttpRequest) -> Actor:
    """The person who signed in, or who was named on the request, and the address that it came from."""
    named = getattr(request, "actor", None)
    if isinstance(named, Actor):
        return named
    user, address = getattr(request, "user", None), client_address(request)
    if user is None or not user.is_authenticated:
        return Actor(ANONYMOUS, address=address)
    return Actor(user.get_full_name() or user.get_username(), user.pk, address)


class Subject(Protocol):
    """The subject of an event: any stored object with a name."""

    @property
    def pk(self) -> int:
        """Its id."""

    @property
    def name(self) -> str:
        """Its current name."""


@dataclass(frozen=True, slots=True)
class Named:
    """A subject that is not a model, such as the history itself."""

    kind: str
    pk: int
    name: str


def record(
    kind: str, subject: Subject, *, by: Actor, at: datetime, detail: Mapping[str, object] | None = None
) -> Event:
    """Append an event, in the transaction of the change that it records. `detail` is JSON without secrets."""
    event = _event(kind, subject, by=by, at=at, detail=detail)
    event.save()
    return event


def record_all(kind: str, subjects: Iterable[tuple[Subject, Mapping[str, object]]], *, by: Actor, at: datetime) -> None:
    """Append an event of one kind about each subject, with its detail, in a few statements."""
    record_each(kind, ((subject, at, detail) for subject, detail in subjects), by=by)


def record_each(kind: str, entries: Iterable[tuple[Subject, datetime, Mapping[str, object]]], *, by: Actor) -> None:
    """The same for subjects to which it happened at different times."""
    Event.objects.append([_event(kind, subject, by=by, at=at, detail=detail) for subject, at, detail in entries])


def _event(kind: str, subject: Subject, *, by: Actor, at: datetime, detail: Mapping[str, object] | None) -> Event:
    return Event(
        at=at,
        kind=kind,
        actor_id=by.id,
        actor_name=by.name[:NAME_LENGTH],
        address=by.address,
        subject_kind=_kind_of(subject),
        subject_id=subject.pk,
        subject_name=subject.name[:SUBJECT_LENGTH],
        detail=dict(detail or {}),
    )


def _kind_of(subject: Subject) -> str:
    """The stored kind; a renamed class keeps its former one as `subject_kind`."""
    if isinstance(subject, Named):
        return subject.kind
    return str(getattr(subject, "subject_kind", type(subject).__name__.lower()))
