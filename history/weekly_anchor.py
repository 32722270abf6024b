"""The anchor of each week, which is mailed once a week, however often the task runs."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from history.chain import End
from history.models import AnchorNotice
from history.queries import seal_state
from history.record import SCHEDULER, Named, record


@dataclass(frozen=True, slots=True)
class WeeklyAnchor:
    """The end of the sealed history, and what is wrong with it. `week` is a Monday in the site's time zone."""

    week: date
    end: End
    sealed_up_to: datetime | None
    verified_at: datetime | None
    finding: str

    @property
    def anchor(self) -> str:
        """The anchor for `history verify --anchor`; empty if nothing is sealed."""
        return self.end.anchor

    @property
    def last_event(self) -> int:
        """The id of the last sealed event."""
        return self.end.last_id

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
    return WeeklyAnchor(
        week=week,
        end=state.end,
        sealed_up_to=state.sealed_up_to,
        verified_at=state.last_verification.at if state.last_verification else None,
        finding=state.finding,
    )


def note_sent(weekly: WeeklyAnchor, *, people: int, now: datetime) -> None:
    """Record the mail, in its transaction. Raises `IntegrityError` if another process has already recorded it."""
    AnchorNotice.objects.create(week=weekly.week, number=weekly.end.number, seal=weekly.end.mac, sent_at=now)
    detail = {"number": weekly.end.number, "people": people}
    record("history.anchor_mailed", Named("history", 0, "History"), by=SCHEDULER, at=now, detail=detail)
