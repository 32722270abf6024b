"""The timeline of expiry dates as HTML. Up to 91 days, each twice: a template takes thirty times as long.

It changes when a connection does, and at midnight, so each is drawn once.
"""

from functools import lru_cache

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from connections.domain.expiry_chart import Bar, Day, Timeline

_DATE = "j M Y"


@lru_cache(maxsize=8)
def bars(timeline: Timeline) -> SafeString:
    """Each day as a bar that leads to its connections, with its names as a tooltip."""
    shape = (
        '<a href="?on={}" class="{}" aria-label="{}: {}"><title>{}: {}</title>'
        '<rect class="reach" x="{}" y="0" width="{}" height="{}"/>'
        '<rect class="bar" x="{}" y="{}" width="{}" height="{}" rx="2"/></a>'
    )
    return format_html_join("", shape, (_bar(one, timeline.base) for one in timeline.bars))


def _bar(bar: Bar, base: int) -> tuple[object, ...]:
    day, shown = bar.day, date_format(bar.day.date, _DATE)
    told = (day.date.isoformat(), day.tone, shown, _tokens(day.count), shown, _who(day))
    return (*told, bar.x, bar.width, base, bar.x, bar.y, bar.width, bar.height)


@lru_cache(maxsize=8)
def days(timeline: Timeline) -> SafeString:
    """The same as a list, for whoever cannot see the bars."""
    shape = '<li class="{}"><a href="?on={}"><time datetime="{}">{}</time></a>{}</li>'
    return format_html_join("", shape, (_day(one.day) for one in timeline.bars))


def _day(day: Day) -> tuple[object, ...]:
    iso = day.date.isoformat()
    words = format_html('<span><span class="tint">{}</span> · {}</span>', _when(day.left), _who(day))
    return day.tone, iso, iso, date_format(day.date, _DATE), words


def _when(left: int) -> str:
    return {0: "today", 1: "tomorrow"}.get(left, f"in {left} days")


def _tokens(count: int) -> str:
    return f"{count:,} token{'' if count == 1 else 's'}"


def _who(day: Day) -> str:
    more = f" and {day.more:,} more" if day.more else ""
    return ", ".join(day.names) + more if day.names else _tokens(day.count)
