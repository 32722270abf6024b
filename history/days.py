"""Days as moments: when a day begins and ends in the site's time zone."""

from datetime import date, datetime, time, timedelta

from django.utils import timezone

_A_DAY = timedelta(days=1)
# A moment nearer to the ends of the calendar cannot be written in every time zone, and no event is from there.
_FIRST, _LAST = date.min + 2 * _A_DAY, date.max - 2 * _A_DAY


def start_of(day: date) -> datetime:
    """The first moment of the day; of a day at an end of the calendar, that of a day beside it."""
    return timezone.make_aware(datetime.combine(min(max(day, _FIRST), _LAST), time.min))


def end_of(day: date) -> datetime:
    """The first moment after the day."""
    return start_of(min(day, _LAST) + _A_DAY)
