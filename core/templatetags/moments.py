"""Moments that are stored as text."""

from datetime import date, datetime

from django import template
from django.utils import timezone

register = template.Library()


@register.filter
def day_of(moment: str) -> date | None:
    """The day, in the time zone of the site, of a moment as ISO text: `{{ candidate.valid_to|day_of }}`."""
    return timezone.localdate(datetime.fromisoformat(moment)) if moment else None
