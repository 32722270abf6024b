"""The rows of the connections list. What many rows repeat is rendered once, such as chips, dates and owners."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import TypedDict

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from connections.domain.expiry import never_expires
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.credential import Words
from connections.providers.registry import BY_KEY
from connections.reads import Row
from connections.views.presenters import UNKNOWN_ICON, Chip, projects_summary, states
from core.row_urls import row_url


class ConnectionRow(TypedDict):
    """A row of the list. Templates find a key of a dictionary faster than an attribute."""

    id: int
    name: str
    url: str
    update_url: str
    update_label: str
    is_default: bool
    provider: SafeString
    organization: str
    projects: str
    chips: SafeString
    expiry: SafeString
    checked_at: datetime | None
    checked_text: str
    checked_iso: str
    owner: SafeString


def connection_rows(
    rows: Iterable[Row], *, projects: Mapping[int, int], words: Mapping[int, Words], today: date
) -> Iterator[ConnectionRow]:
    """The rows of a page. `projects` is to how many projects each connection is limited, unless it covers all.

    `words` are what to call a credential that is not the token of a person.
    """
    for row in rows:
        kind = words.get(row.pk, PersonalAccessToken.words)
        state = states(row, today=today)
        checked_at = timezone.localtime(row.checked_at) if row.checked_at else None
        yield ConnectionRow(
            id=row.pk,
            name=row.name,
            url=row_url("connections:detail", row.pk),
            # Nothing of an identity of this server is updated here.
            update_url="" if never_expires(row.expires_on) else row_url("connections:update-token", row.pk),
            update_label=f"Update {kind.name}",
            is_default=row.is_default,
            provider=_provider(row.provider),
            organization=row.organization,
            projects=projects_summary(projects.get(row.pk, 0), of_all=row.all_projects),
            chips=chips(state.chips),
            expiry=expiry_cell(
                None if never_expires(row.expires_on) else row.expires_on,
                state.expires_text,
                state.expires_tone,
                read_in=kind.date_read_in if row.expires_on == row.expires_read_on else "",
            ),
            checked_at=checked_at,
            checked_text=f"{checked_at:%-d %b %Y, %H:%M}" if checked_at else "",
            checked_iso=checked_at.isoformat() if checked_at else "",
            owner=owner_cell(row.owner, is_active=row.owner__is_active),
        )


# 33 states of the expiry date with each of the three states of health that need attention, and some more.
@lru_cache(maxsize=256)
def chips(shown: tuple[Chip, ...]) -> SafeString:
    """These chips, one after another."""
    return format_html_join("", "{}", ((render_to_string("components/chip.html", {"chip": chip}),) for chip in shown))


@lru_cache(maxsize=512)
def expiry_cell(day: date | None, text: str, tone: str, *, read_in: str = "") -> SafeString:
    """An expiry date with its words. `read_in` is where it was read, if a person did not enter it."""
    return render_to_string("connections/expiry.html", {"day": day, "text": text, "tone": tone, "read_in": read_in})


@lru_cache(maxsize=512)
def owner_cell(name: str, *, is_active: bool) -> SafeString:
    """The name of an owner, and whether they left."""
    return render_to_string("connections/owner.html", {"name": name, "is_active": is_active})


@lru_cache(maxsize=64)
def _provider(key: str) -> SafeString:
    # A newer version may have stored a provider that this version does not know.
    provider = BY_KEY.get(key)
    names = {"icon": provider.icon, "label": provider.label} if provider else {"icon": UNKNOWN_ICON, "label": key}
    return render_to_string("connections/provider.html", names)
