"""The anchor of each week, which is mailed once a week, however often the task runs."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from history.models import AnchorNotice
from history.queries import SealState, seal_state
from history.record import SCHEDULER, Named, record


@dataclass(frozen=True, slots=True)
class WeeklyAnchor:
    """The state of the seals, and the week that its mail is for: its Monday in the site's time zone."""

    week: date
    seals: SealState

    @property
    def next_week(self) -> date:
        """The Monday of the week in which the next mail is due."""
        return self.week + timedelta(weeks=1)


def due(*, now: datetime) -> WeeklyAnchor | None:
    """This week's anchor; None if it was already sent, or if nothing is sealed yet and nothing is wrong."""
    today = timezone.localdate(now)
    week = today - timedelta(days=today.weekday())
    if AnchorNotice.objects.filter(week=week).exists():
        return None
    state = seal_state(now=now)
    if not state.end.number and not state.finding:
        return None
    return WeeklyAnchor(week, state)


def note_sent(weekly: WeeklyAnchor, *, people: int, now: datetime) -> None:
    """Record the mail, in its transaction. Raises `IntegrityError` if another process has already recorded it."""
    end = weekly.seals.end
    AnchorNotice.objects.create(week=weekly.week, number=end.number, seal=end.mac, sent_at=now)
    detail = {"number": end.number, "people": people}
    record("history.anchor_mailed", Named("history", 0, "History"), by=SCHEDULER, at=now, detail=detail)
