"""The rows of the connections list. Each is rendered once for many requests, and so is what many rows repeat."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils import timezone
from django.utils.safestring import SafeString

from connections.domain.expiry import never_expires
from connections.providers.registry import BY_KEY
from connections.reads import Row
from connections.views.cells import chips, expiry_cell, owner_cell, time_since
from connections.views.presenters import UNKNOWN_ICON, projects_summary, states
from core.row_urls import row_url


class Columns(NamedTuple):
    """What depends on servers and person: the name of a column, and whether a row has a box and an action."""

    place_label: str
    can_choose: bool
    can_rotate: bool


def connection_rows(
    rows: Iterable[Row], *, projects: Mapping[int, int], today: date, columns: Columns
) -> Iterator[SafeString]:
    """The rows of a page. `projects` is to how many projects each connection is limited, unless it covers all."""
    now, prefix = timezone.now(), get_script_prefix()
    for row in rows:
        checked = time_since(row.checked_at, now)
        yield _rendered(row, projects.get(row.pk, 0), checked, today, columns, prefix)


# A row has 2 KB. It is kept by all that it shows: its columns, the day, and when it was checked.
@lru_cache(maxsize=1024)
def _rendered(row: Row, projects: int, checked: str, today: date, columns: Columns, _prefix: str) -> SafeString:
    state = states(row, today=today)
    checked_at = timezone.localtime(row.checked_at) if row.checked_at else None
    cells = {
        "row": row,
        "columns": columns,
        "url": row_url("connections:detail", row.pk),
        # Nothing of an identity of this server is updated here.
        "update_url": "" if never_expires(row.expires_on) else row_url("connections:update-token", row.pk),
        "update_label": f"Update {row.words.name}",
        "provider": _provider(row.provider),
        "projects": projects_summary(projects, of_all=row.all_projects),
        "chips": chips(state.chips),
        "expiry": expiry_cell(
            None if never_expires(row.expires_on) else row.expires_on,
            state.expires_text,
            state.expires_tone,
            read_in=row.words.date_read_in if row.expires_on == row.expires_read_on else "",
        ),
        "checked_at": checked_at,
        "checked_text": f"{checked_at:%-d %b %Y, %H:%M}" if checked_at else "",
        "checked": checked,
        "owner": owner_cell(row.owner, is_active=row.owner__is_active),
    }
    return render_to_string("connections/row.html", cells)


@lru_cache(maxsize=64)
def _provider(key: str) -> SafeString:
    # A newer version may have stored a provider that this version does not know.
    provider = BY_KEY.get(key)
    names = {"icon": provider.icon, "label": provider.label} if provider else {"icon": UNKNOWN_ICON, "label": key}
    return render_to_string("connections/provider.html", names)
