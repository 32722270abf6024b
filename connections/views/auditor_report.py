"""The report for auditors: every connection, what changed in a period, and the seal of the history, on one page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from connections import reads
from connections.filters import PeriodForm
from connections.models import CapabilityState, Connection
from connections.providers.capability import Verdict
from connections.providers.registry import CAPABILITIES
from connections.views.presenters import States, states
from history import queries
from history.days import end_of, start_of
from history.event_types import event_rows

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
def auditor_report(request: HttpRequest) -> HttpResponse:
    """GET /code-repositories/report/?since=&until=: made to be printed; by default of the last 90 days."""
    now, today = timezone.now(), timezone.localdate()
    form = PeriodForm(request.GET)
    since, until = form.period(default=(today - _PERIOD, today))
    connections = reads.with_capabilities(reads.all_connections())
    changes = queries.events(
        queries.Filters(since=start_of(since), until=end_of(until), subject_kind="connection", by_people=True)
    )
    shown = list(changes[: MOST_CHANGES + 1])
    context: dict[str, Any] = {
        "form": PeriodForm(initial={"since": since, "until": until}),
        "since": since,
        "until": until,
        "rows": [_row(connection, today) for connection in connections],
        "changes": event_rows(shown[:MOST_CHANGES]),
        "has_more": len(shown) > MOST_CHANGES,
        "most": MOST_CHANGES,
        "seals": queries.seal_state(now=now),
        "now": now,
    }
    return render(request, "connections/auditor_report.html", context)


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
