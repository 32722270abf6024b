"""The rows of Code Repositories as HTML. A page has 25 of them, and a template takes ten times as long.

What people or Azure DevOps wrote is escaped here, each piece by name: `name`, `organization`, whose it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from html import escape

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from connections.providers.registry import BY_KEY
from connections.reads import Row
from connections.views.presenters import Chip, states
from core.templatetags.icons import lucide


def _icon(name: str, size: int) -> str:
    return lucide(name, size=size, aria_hidden="true")


_ROW = (
    '<tr><th scope="row"><a href="{}">{}</a>{}{}</th>'
    '<td data-label="{}"><span>{}<span class="small">{}</span></span></td>'
    '<td data-label="Status"><span>{}</span></td>'
    '<td data-label="Token expires"><span>{}</span></td>'
    '<td data-label="Last checked"><span>{}</span></td>'
    '<td data-label="Owner"><span>{}{}</span></td>{}</tr>'
)
UNKNOWN_ICON = "circle-question-mark"
_ANY = 987654321
_UPDATE = (
    '<td data-label="Actions"><a class="button compact" href="{}">{} Update token'
    '<span class="unseen"> of {}</span></a></td>'
)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What all rows of a page have in common.

    `place` is what the column of organizations is called, `chosen` counts the projects of each connection, by its id.
    """

    today: date
    place: str
    can_rotate: bool
    chosen: Mapping[int, int]

    def rows(self, found: Iterable[Row]) -> SafeString:
        """One table row for each connection."""
        return SafeString("\n".join(map(self._row, found)))  # nosec B703 - each piece is escaped below

    def _row(self, one: Row) -> str:
        state = states(one, today=self.today)
        name = escape(one.name)
        return _ROW.format(
            _url("connections:detail", one.pk),
            name,
            _default() if one.is_default else "",
            _provider(one.provider),
            escape(self.place),
            escape(one.organization),
            projects_summary(self.chosen.get(one.pk, 0), of_all=one.all_projects),
            _chip(state.chip),
            _ends(one.expires_on, state.expires_text),
            _checked(one.checked_at),
            escape(one.owner),
            "" if one.owner__is_active else _left(),
            self._update(one.pk, name) if self.can_rotate else "",
        )

    def _update(self, pk: int, name: str) -> str:
        return _UPDATE.format(_url("connections:update-token", pk), _icon("refresh-cw", 14), name)


@lru_cache
def _url_of_any(view: str) -> str:
    # Looking an address up takes a third of a row's time.
    return reverse(view, args=[_ANY]).replace(str(_ANY), "{}")


def _url(view: str, pk: int) -> str:
    return _url_of_any(view).format(pk)


def projects_summary(count: int, *, of_all: bool) -> str:
    """How many projects a connection covers."""
    if of_all:
        return "All projects"
    return "1 project" if count == 1 else f"{count} projects"


@lru_cache
def _chip(shown: Chip) -> str:
    return render_to_string("components/chip.html", {"chip": shown})


def _ends(day: date | None, words: str) -> str:
    if day is None:
        return f'<span class="soft">{escape(words)}</span>'
    return f'<time datetime="{day}">{day:%-d %b %Y}</time><span class="small">{escape(words)}</span>'


def _checked(at: datetime | None) -> str:
    if at is None:
        return '<span class="soft">never</span>'
    local = timezone.localtime(at)
    ago = escape(naturaltime(at))
    return f'<time datetime="{local.isoformat()}" title="{local:%-d %b %Y, %H:%M}">{ago}</time>'


def _default() -> str:
    words = f'{_icon("star", 14)}<span class="unseen"> default connection</span>'
    return f' <span class="star" title="Default connection">{words}</span>'


@lru_cache
def _provider(key: str) -> str:
    # A later version may have stored one that this version does not know.
    provider = BY_KEY.get(key)
    icon, label = (provider.icon, provider.label) if provider else (UNKNOWN_ICON, key)
    return f'<span class="small">{_icon(icon, 13)} {escape(label)}</span>'


def _left() -> str:
    return f'<span class="small tint warn">{_icon("triangle-alert", 13)} no longer active</span>'
