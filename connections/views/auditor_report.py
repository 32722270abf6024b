"""The report for auditors: connections, the register, what changed in a period, and the seal of the history.

It is one page to print. Connections and entries of the register are streamed into it row by row, so that many of them
take no more memory than a few.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, StreamingHttpResponse
from django.template.loader import get_template, render_to_string
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from connections import reads, register_reads
from connections.domain import expiry
from connections.filters import PeriodForm
from connections.models import CapabilityState, Connection, RegisterEntry
from connections.providers.capability import Verdict
from connections.providers.registry import CAPABILITIES
from connections.register_reads import EntryFilters
from connections.views.presenters import States, states
from history import queries
from history.days import end_of, start_of
from history.event_types import event_rows
from history.models import Event

MOST_CHANGES = 1000
_PERIOD = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A connection in the report. The scopes are granted, not granted, or unknown.

    `verified_at` is the oldest verification of these.
    """

    connection: Connection
    state: States
    granted: tuple[str, ...]
    lacking: tuple[str, ...]
    unknown: tuple[str, ...]
    verified_at: datetime | None


@never_cache
@require_safe
@permission_required(("connections.view_connection", "history.view_all_events"), raise_exception=True)
def auditor_report(request: HttpRequest) -> StreamingHttpResponse:
    """GET /code-repositories/report/?since=&until=: made to be printed; by default of the last 90 days."""
    now, today = timezone.now(), timezone.localdate()
    form = PeriodForm(request.GET)
    since, until = form.period(default=(today - _PERIOD, today))
    connections = reads.all_connections()
    entries = register_reads.entries(EntryFilters(sort="name"), today=today)
    changes = _changes("connection", since, until)
    of_register = _changes(RegisterEntry.subject_kind, since, until)
    context: dict[str, Any] = {
        "form": PeriodForm(initial={"since": since, "until": until}),
        "since": since,
        "until": until,
        "connection_count": connections.count(),
        "changes": event_rows(changes[:MOST_CHANGES]),
        "has_more": len(changes) > MOST_CHANGES,
        "entry_count": entries.count(),
        "register_changes": event_rows(of_register[:MOST_CHANGES]),
        "register_has_more": len(of_register) > MOST_CHANGES,
        "most": MOST_CHANGES,
        "seals": queries.seal_state(now=now),
        "now": now,
    }
    page = render_to_string("connections/auditor_report.html", context, request)
    rows = (_row(connection, today) for step in reads.with_capabilities_in_steps(connections) for connection in step)
    entry_rows = (_entry(entry, today) for step in register_reads.in_steps(entries) for entry in step)
    return StreamingHttpResponse(
        _with_rows(page, {"connections": _rendered("connection", rows), "entries": _rendered("entry", entry_rows)})
    )


def _with_rows(page: str, tables: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """The page with the rows of each table in its place, a comment. Names are escaped, so none is taken for one."""
    for name, rows in tables.items():
        before, place, rest = page.partition(f"<!-- {name} -->")
        if place:
            yield before
            yield from rows
            page = rest
    yield page


def _rendered(name: str, rows: Iterable[object]) -> Iterator[str]:
    template = get_template(f"connections/report_{name}.html")
    return (template.render({"row": row}) for row in rows)


def _changes(subject_kind: str, since: date, until: date) -> list[Event]:
    filters = queries.Filters(since=start_of(since), until=end_of(until), subject_kind=subject_kind, by_people=True)
    return list(queries.events(filters)[: MOST_CHANGES + 1])


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """An entry of the register in the report."""

    entry: RegisterEntry
    used_by: tuple[str, ...]
    expires_text: str
    expires_tone: str


def _entry(entry: RegisterEntry, today: date) -> ReportEntry:
    tone = "quiet" if entry.is_closed else expiry.tone_of(entry.expires_on, today)
    used_by = tuple(consumer.name for consumer in entry.consumers.all())
    return ReportEntry(entry, used_by, expiry.in_words(entry.expires_on, today), tone)


def _row(connection: Connection, today: date) -> ReportRow:
    known = [state for state in connection.capability_states() if state.capability in CAPABILITIES]
    verified = [state.verified_at for state in known if state.verified_at is not None]
    return ReportRow(
        connection,
        states(connection, today=today),
        granted=_names(known, Verdict.GRANTED),
        lacking=_names(known, Verdict.MISSING, Verdict.NOT_PERMITTED),
        unknown=_names(known, Verdict.UNKNOWN, ""),
        verified_at=min(verified, default=None),
    )


def _names(known: Iterable[CapabilityState], *verdicts: str) -> tuple[str, ...]:
    return tuple(CAPABILITIES[state.capability].short_name for state in known if state.verdict in verdicts)
