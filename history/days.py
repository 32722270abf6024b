"""When a day begins and ends in the site's time zone."""

from datetime import date, datetime, time, timedelta

from django.utils import timezone

_A_DAY = timedelta(days=1)
# Nearer to the ends of the calendar, a time can't be converted to every time zone.
_FIRST, _LAST = date.min + 2 * _A_DAY, date.max - 2 * _A_DAY


def start_of(day: date) -> datetime:
    """The start of the day, or of the nearest valid day."""
    return timezone.make_aware(datetime.combine(min(max(day, _FIRST), _LAST), time.min))


def end_of(day: date) -> datetime:
    """The start of the next day."""
    return start_of(min(day, _LAST) + _A_DAY)
