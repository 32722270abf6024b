"""Write the steps of a renewal: each changes the row only if it still is where the step begins."""

from datetime import datetime
from typing import Any

from connections.actions.refusals import CannotRenew
from connections.domain.renewal import State
from connections.models import Renewal
from history.record import Actor, Named, Subject, record


def subject_of(renewal: Renewal) -> Subject:
    """What the history says an event is about: the connection, also after it was disconnected."""
    return renewal.connection or Named("connection", 0, renewal.connection_name)


def note(kind: str, renewal: Renewal, *, by: Actor, now: datetime, **detail: object) -> None:
    """Record an event of a renewal, in the transaction of what it reports."""
    record(kind, subject_of(renewal), by=by, at=now, detail={"renewal": renewal.pk, **detail})


def move(renewal: Renewal, *states: State, **changes: Any) -> None:
    """Change the row if it is in one of these states. Raises `CannotRenew` if it is not any more.

    Why a step failed does not outlive its state, and the names of a person's tokens do not outlive the renewal.
    """
    if changes.get("state", renewal.state) != renewal.state:
        changes = {"problem": "", "problem_word": "", **changes}
    if "ended_at" in changes:
        changes["candidates"] = []
    if not Renewal.objects.filter(pk=renewal.pk, state__in=states).update(**changes):
        raise CannotRenew("renewal_moved_on")
    for name, value in changes.items():
        setattr(renewal, name, value)
