"""Ask Azure DevOps about the stored credential of a connection. Writes nothing."""

from dataclasses import replace
from datetime import datetime

from connections import clients
from connections.actions import rate_limit_pauses, read_dates
from connections.domain.problems import catalogue
from connections.domain.verification import Failure, Report, nothing_found
from connections.leak_guard import LeakGuard
from connections.models import Connection
from core.encryption import UnreadableToken


def failure_before_asking(connection: Connection, *, now: datetime) -> Failure | None:
    """Why a person or a command may not use the stored credential now; None if they may.

    The connection is disabled, or Azure DevOps asked to send nothing for the owner of the token.
    """
    if connection.disabled:
        return Failure("connection_disabled", transient=False)
    wait = rate_limit_pauses.seconds_left(connection, now=now)
    return None if wait is None else Failure("throttled", transient=True, retry_after=wait)


def problem_of(failure: Failure, connection: Connection) -> catalogue.Problem:
    """The failure in words that fit the server of the connection."""
    facts = catalogue.facts_of(failure, connection.organization)
    return catalogue.problem(failure.code, place=clients.place_of(connection.server), facts=facts)


def check_stored(connection: Connection, *, interactive: bool, now: datetime, guard: LeakGuard | None = None) -> Report:
    """Verify the stored credential; `interactive` makes the calls concurrently, for a person who waits.

    With its credential and chosen projects loaded, and a guard that is kept up to date, no database is asked.
    """
    check = clients.check_concurrently if interactive else clients.check_sequentially
    try:
        server = clients.server(connection.server)
        projects = connection.limited_to()
        token = clients.stored_credential(connection)
        report = _same_organization(connection, check(server, connection.organization, token, projects, guard))
        asks_date = interactive or read_dates.is_due(connection.stored_credential, now=now)
        if report.accepted and asks_date:
            return replace(report, date=clients.read_date(server, token, now=now, guard=guard))
        return report
    except (UnreadableToken, clients.UnknownServer) as error:
        return nothing_found(Failure(error.code, transient=False), at=now)


def _same_organization(connection: Connection, report: Report) -> Report:
    """Fail if the name now belongs to another organization, as it may after a rename."""
    if report.accepted and report.organization_id != connection.organization_id:
        return nothing_found(Failure("another_organization", transient=False), at=report.finished_at)
    return report
