"""list, test and audit: the health of connections, from the database or by asking Azure DevOps."""

import argparse
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from connections import clients, reads
from connections.actions.audit import audit
from connections.actions.audit_all import audit_all, audit_named
from connections.cli.common import ExitCode, Options, Output, count, find, last_day, row
from connections.cli.scopes import is_notable, scope_line, scope_of_finding, scope_of_state
from connections.domain import expiry
from connections.domain.health import REFUSALS, Expiry, Health, health_of, was_tested
from connections.domain.problems import catalogue
from connections.domain.verification import Failure, Report
from connections.domain.where_tried import and_join
from connections.models import Connection
from core.control_characters import one_line
from history.record import COMMAND_LINE


def add_arguments(verbs: Any) -> Iterator[argparse.ArgumentParser]:
    """Add the parsers of these verbs."""
    yield verbs.add_parser("list", help="List connections")
    testing = verbs.add_parser("test", help="Test the stored token of one connection")
    testing.add_argument("name")
    yield testing
    auditing = verbs.add_parser("audit", help="Audit connections and show their health; for monitors")
    auditing.add_argument("names", nargs="*", metavar="name", help="names of connections; all enabled ones by default")
    auditing.add_argument(
        "--stored", action="store_true", help="show the results of the last audits, without asking Azure DevOps"
    )
    auditing.add_argument(
        "--within",
        type=count,
        default=7,
        metavar="DAYS",
        help="exit with 3 if a token expires within this many days (7)",
    )
    yield auditing


def list_all(_options: Options, output: Output) -> int:
    """List every connection."""
    rows = [row(connection) for connection in reads.all_connections()]
    lines = [f"{item['health']:12} {last_day(item):12} {item['organization']:20} {item['name']}" for item in rows]
    output.lines(rows, lines, empty="No connections.")
    return ExitCode.OK


def test(options: Options, output: Output) -> int:
    """Test the stored token of one connection now."""
    connection = find(options["name"])
    report = audit(connection, by=COMMAND_LINE, now=timezone.now(), interactive=True)
    output.say(_report_row(connection, report), _report_text(connection, report))
    return _exit_code(report)


def _report_row(connection: Connection, report: Report) -> dict[str, Any]:
    return {
        "name": connection.name,
        "health": str(health_of(report)),
        "problem": report.failure.code if report.failure else "",
        "activity_id": report.failure.activity_id if report.failure else None,
        "host": report.failure.host if report.failure else "",
        "retry_after": report.failure.retry_after if report.failure else None,
        "reason": _failure_text(report.failure, connection) if report.failure else "",
        "identity": report.identity.display_name if report.identity else None,
        "projects": len(report.projects),
        "projects_complete": report.projects_complete,
        "projects_problem": report.projects_failure.code if report.projects_failure else "",
        "projects_tried": [project.name for project in report.tried()],
        "projects_not_visible": [project.name for project in report.not_visible],
        "capabilities": {finding.capability: str(finding.verdict) for finding in report.findings},
        "scopes": [scope_of_finding(finding) for finding in report.findings],
    }


def _report_text(connection: Connection, report: Report) -> str:
    place = clients.place_of(connection.server)
    if report.failure:
        return _failure_text(report.failure, connection)
    lines = [scope_line(scope_of_finding(finding), place=place) for finding in report.findings]
    if report.untried:
        problem = catalogue.problem(report.untried.code, place=place)
        listing = "The projects could not be listed. " if report.projects_failure else ""
        lines.append(f"{listing}{problem.full}")
    elif report.projects_failure:
        problem = catalogue.problem(report.projects_failure.code, place=place)
        seen = len(report.projects)
        lines.append(
            f"The list of projects is incomplete; {seen} projects were read before this problem: {problem.title}."
        )
    if report.tried():
        lines.append(f"Tested in {and_join(project.name for project in report.tried())}.")
    if report.not_visible:
        lines.append(f"Not visible: {and_join(project.name or project.id for project in report.not_visible)}.")
    return "\n".join(map(one_line, lines))


def _failure_text(failure: Failure, connection: Connection) -> str:
    facts = catalogue.facts_of(failure, connection.organization)
    problem = catalogue.problem(failure.code, place=clients.place_of(connection.server), facts=facts)
    support = f" Azure DevOps activity id for support: {failure.activity_id}" if failure.activity_id else ""
    return f"{problem.full}{support}"


def _exit_code(report: Report) -> int:
    if report.failure:
        return ExitCode.REFUSED if was_tested(report) else ExitCode.UNKNOWN
    if report.passed:
        return ExitCode.OK
    return ExitCode.LIMITED if report.lacking() else ExitCode.UNKNOWN


def audit_many(options: Options, output: Output) -> int:
    """Audit the named connections, or all that are enabled; the exit code is that of the worst."""
    named = [find(name) for name in options["names"]]
    latest = {} if options["stored"] else _audit_now(named)
    connections = [find(connection.name) for connection in named] if named else reads.enabled_connections()
    reads.prefetch_capabilities_and_projects(connections)
    today = timezone.localdate()
    rows = [
        _with_latest(_health_row(connection, today=today, within=options["within"]), latest)
        for connection in connections
    ]
    worst = max((item["exit_code"] for item in rows), key=_SEVERITY.index, default=ExitCode.OK)
    lines = [line for item in rows for line in _health_lines(item)]
    lines.append(f"{len(rows)} audited, {sum(item['exit_code'] != ExitCode.OK for item in rows)} with problems.")
    output.lines({"exit_code": worst, "connections": rows}, lines)
    return worst


# Worst last.
_SEVERITY = (ExitCode.OK, ExitCode.LIMITED, ExitCode.UNKNOWN, ExitCode.REFUSED)


def _audit_now(named: list[Connection]) -> dict[int, str]:
    """Audit one connection after another; the problem code of each that had a problem, by the connection's id.

    An audit of all connections is a run that the Audits page lists, like one that was started there.
    """
    if named:
        return audit_named(named, by=COMMAND_LINE)
    return audit_all(by=COMMAND_LINE, now=timezone.now())


def _with_latest(health: dict[str, Any], latest: Mapping[int, str]) -> dict[str, Any]:
    """The row with the problem of the audit just made; if that is unknown, an older good result does not count."""
    problem = latest.get(health["id"], "")
    is_unknown = bool(problem) and problem not in REFUSALS
    if is_unknown and health["exit_code"] in (ExitCode.OK, ExitCode.LIMITED):
        health |= {"state": "unknown", "exit_code": ExitCode.UNKNOWN}
    return health | {"latest_problem": problem}


def _health_row(connection: Connection, *, today: date, within: int) -> dict[str, Any]:
    expires = expiry.expiry_of(connection.expires_on, today, soon_days=within)
    state, code = str(connection.health), _CODES[Health(connection.health)]
    if expires is Expiry.EXPIRED:
        state, code = str(expires), ExitCode.REFUSED
    elif expires is Expiry.SOON and code == ExitCode.OK:
        state, code = str(expires), ExitCode.LIMITED
    elif code == ExitCode.OK and _is_stale(connection):
        state, code = "stale", ExitCode.UNKNOWN
    return row(connection) | {
        "state": state,
        "exit_code": code,
        "projects_not_visible": [
            chosen_project.name
            for chosen_project in connection.chosen_projects.all()
            if chosen_project.not_visible_since
        ],
        "scopes": [scope_of_state(capability_state) for capability_state in connection.capability_states()],
    }


def _health_lines(health: dict[str, Any]) -> list[str]:
    """One line for the connection, and one more for each scope that is not simply granted."""
    place = clients.place_of(health["server"])
    is_accepted = health["health"] in (Health.HEALTHY, Health.LIMITED)
    scopes = [scope_line(scope, place=place) for scope in health["scopes"] if is_accepted and is_notable(scope)]
    first = f"{health['state']:12} {last_day(health):12} {health['name']}{_reason(health)}"
    return [first, *(f"    {line}" for line in scopes)]


_CODES = {
    Health.HEALTHY: ExitCode.OK,
    Health.LIMITED: ExitCode.LIMITED,
    Health.REJECTED: ExitCode.REFUSED,
    Health.UNREACHABLE: ExitCode.UNKNOWN,
    Health.NOT_CHECKED: ExitCode.UNKNOWN,
    Health.DISABLED: ExitCode.OK,
}


def _is_stale(connection: Connection) -> bool:
    """Whether the last audit is more than a day ago, so that its good result no longer counts."""
    oldest = timezone.now() - timedelta(days=1)
    return connection.checked_at is None or connection.checked_at < oldest


def _reason(health: dict[str, Any]) -> str:
    problem = health["problem"] or health["latest_problem"]
    return f"  {catalogue.problem(problem, place=clients.place_of(health['server'])).title}" if problem else ""
