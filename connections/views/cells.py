"""Cells that lists of credentials and of what they reach share. Each is rendered once for many rows and requests."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from connections.views.presenters import Chip


def joined(rows: Iterable[SafeString]) -> SafeString:
    """Rows that were rendered before, as one. A template that loops over them localizes each."""
    return format_html_join("", "{}", ((row,) for row in rows))


def time_since(at: datetime | None, now: datetime) -> str:
    """How long ago this was; kept for a minute, unless it is less."""
    if at is None or now - at < timedelta(minutes=1):
        return naturaltime(at) if at else ""
    return _minutes_since(at, now.replace(second=0, microsecond=0))


@lru_cache(maxsize=1024)
def _minutes_since(at: datetime, _minute: datetime) -> str:
    return naturaltime(at)


# 33 states of the expiry date with each of the three states of health that need attention, and some more.
@lru_cache(maxsize=256)
def chips(shown: tuple[Chip, ...]) -> SafeString:
    """These chips, one after another."""
    return joined(render_to_string("components/chip.html", {"chip": chip}) for chip in shown)


@lru_cache(maxsize=512)
def expiry_cell(day: date | None, text: str, tone: str, *, read_in: str = "") -> SafeString:
    """An expiry date with its words. `read_in` is where it was read, if a person did not enter it."""
    return render_to_string("connections/expiry.html", {"day": day, "text": text, "tone": tone, "read_in": read_in})


@lru_cache(maxsize=512)
def owner_cell(name: str, *, is_active: bool) -> SafeString:
    """The name of an owner, and whether they left."""
    return render_to_string("connections/owner.html", {"name": name, "is_active": is_active})
