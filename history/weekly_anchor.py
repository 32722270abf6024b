"""The anchor of each week, for whoever sends it out of the database: once a week, whoever asks and however often."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from history.chain import End
from history.models import AnchorNotice
from history.queries import seal_state
from history.record import SCHEDULER, Named, record


@dataclass(frozen=True, slots=True)
class WeeklyAnchor:
    """Where the sealed history ends, and what is wrong with it. `week` is a Monday, in the site's time zone."""

    week: date
    end: End
    sealed_up_to: datetime | None
    verified_at: datetime | None
    finding: str

    @property
    def anchor(self) -> str:
        """As `history verify --anchor` takes it; empty when nothing is sealed."""
        return self.end.anchor

    @property
    def last_event(self) -> int:
        """The id of the last event that it covers."""
        return self.end.last_id

    @property
    def next_week(self) -> date:
        """The Monday of the week in which the next one is due."""
        return self.week + timedelta(weeks=1)


def due(*, now: datetime) -> WeeklyAnchor | None:
    """This week's anchor; None when it was sent, or when there is nothing to say because nothing is sealed yet."""
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
        verified_at=state.looked.at if state.looked else None,
        finding=state.finding,
    )


def note_sent(weekly: WeeklyAnchor, *, people: int, now: datetime) -> None:
    """Write down that it is sent, in the transaction of the mails. Raises `IntegrityError` when somebody else did."""
    AnchorNotice.objects.create(week=weekly.week, number=weekly.end.number, seal=weekly.end.mac, sent_at=now)
    detail = {"number": weekly.end.number, "people": people}
    record("history.anchor_mailed", Named("history", 0, "History"), by=SCHEDULER, at=now, detail=detail)
