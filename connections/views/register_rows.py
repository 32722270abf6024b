"""The rows of the register, and how an entry's kind and state are shown."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache

from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.safestring import SafeString

from connections.domain import expiry
from connections.domain.health import Expiry
from connections.models import RegisterEntry
from connections.register_reads import EntryColumns
from connections.views.cells import chips, expiry_cell, owner_cell
from connections.views.presenters import Chip, expiry_chip_of
from core.row_urls import row_url

Kind = RegisterEntry.Kind
CLOSED = Chip("Closed", "archive", "quiet")
LEAKED = Chip("Leaked", "siren", "bad")
_ICONS: dict[str, str] = {
    Kind.PAT: "key-round",
    Kind.CLIENT_SECRET: "key-square",
    Kind.CERTIFICATE: "file-badge",
    Kind.SSH_KEY: "terminal",
    Kind.SERVICE_CONNECTION: "cable",
    Kind.OTHER: "key",
}
_LABELS: dict[str, str] = dict(Kind.choices)


def register_rows(
    rows: Iterable[EntryColumns],
    *,
    consumers: Mapping[int, int],
    leaked: Collection[int],
    today: date,
    can_choose: bool,
) -> Iterator[SafeString]:
    """The rows of a page. `consumers` is how many consumers each entry has, if any; `leaked` has the leaked ones."""
    prefix = get_script_prefix()
    for row in rows:
        yield _rendered(row, consumers.get(row.pk, 0), row.pk in leaked, today, can_choose, prefix)


# As in the list of connections.
@lru_cache(maxsize=1024)
def _rendered(
    row: EntryColumns,
    used_by: int,
    is_leaked: bool,
    today: date,
    can_choose: bool,
    _prefix: str,
) -> SafeString:
    is_closed = row.state == RegisterEntry.State.CLOSED
    shown = state_chips(row.expires_on, is_closed=is_closed, today=today)
    cells = {
        "row": row,
        "can_choose": can_choose,
        "url": row_url("connections:register-entry", row.pk),
        "kind": kind_cell(row.kind),
        "chips": chips((LEAKED, *shown) if is_leaked else shown),
        "expiry": _expiry_of(row.expires_on, is_closed=is_closed, today=today),
        "used_by": used_by,
        "owner": owner_cell(row.owner, is_active=row.owner__is_active),
    }
    return render_to_string("connections/register/row.html", cells)


def state_chips(expires_on: date | None, *, is_closed: bool, today: date) -> tuple[Chip, ...]:
    """Closed, or the expiry date where it needs attention."""
    if is_closed:
        return (CLOSED,)
    return (expiry_chip_of(expires_on, today=today),)


def _expiry_of(expires_on: date | None, *, is_closed: bool, today: date) -> SafeString:
    if is_closed:
        return expiry_cell(expires_on, "" if expires_on else "not recorded", "quiet")
    words = expiry.in_words(expires_on, today)
    if expiry.expiry_of(expires_on, today) is Expiry.EXPIRED:
        words = f"{words}. Still in use?"
    return expiry_cell(expires_on, words, expiry.tone_of(expires_on, today))


@lru_cache(maxsize=16)
def kind_cell(kind: str) -> SafeString:
    """The kind of an entry with its icon."""
    names = {"icon": _ICONS.get(kind, "key"), "label": _LABELS.get(kind, kind)}
    return render_to_string("connections/provider.html", names)
