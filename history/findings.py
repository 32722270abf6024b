"""Findings of a verification of the history, and how they name events."""

from dataclasses import dataclass
from datetime import UTC, datetime

SHOWN_EVENTS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. `kind` is a stable code; `events` holds the ids of at most `SHOWN_EVENTS` events.

    `batch` is the number of the seal; for events that are not sealed yet, the number that their seal would get.
    """

    kind: str
    batch: int
    words: str
    events: tuple[int, ...] = ()


def named(ids: tuple[int, ...]) -> str:
    """`Event 7 was`, or `Events 7, 8 were`: the start of a sentence about these events."""
    shown = ", ".join(str(pk) for pk in ids[:SHOWN_EVENTS])
    more = f" and {len(ids) - SHOWN_EVENTS} more" if len(ids) > SHOWN_EVENTS else ""
    return f"Event {shown} was" if len(ids) == 1 else f"Events {shown}{more} were"


def moment(at: datetime) -> str:
    """A time as text: `24 November 2026, 12:00 UTC`."""
    return f"{at.astimezone(UTC):%-d %B %Y, %H:%M} UTC"
