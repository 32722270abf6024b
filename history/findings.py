"""What a verification of the history can find, and how a finding names events."""

from dataclasses import dataclass
from datetime import UTC, datetime

SHOWN_EVENTS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `kind` is stable; `events` are ids, at most `SHOWN_EVENTS` of them.

    `batch` is the number of the seal concerned; for events that are not sealed yet, the number their seal would get.
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
    """A moment in words, in UTC: `24 November 2026, 12:00 UTC`."""
    return f"{at.astimezone(UTC):%-d %B %Y, %H:%M} UTC"
