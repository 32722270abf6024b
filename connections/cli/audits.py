"""list, test and audit: how connections stand, from what is stored or by asking Azure DevOps."""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils import timezone

from connections import clients
from connections.actions import audit_runs
from connections.actions.audit import audit
from connections.actions.refusals import ConnectionGone
from connections.cli.common import LIMITED, OPERATOR, REFUSED, UNKNOWN, WELL, Options, Output, count, find, row
from connections.cli.scopes import is_worth_telling, scope_line, scope_of_finding, scope_of_state
from connections.domain import expiry
from connections.domain.health import REFUSALS, Expiry, Health, health_of, was_tested
from connections.domain.problems import catalogue
from connections.domain.verification import Failure, Report
from connections.domain.where_tried import and_join
from connections.models import AuditedConnection, Connection
from core.control_characters import one_line


def add_arguments(verbs: Any) -> Iterator[argparse.ArgumentParser]:
    """The parsers of these verbs."""
    yield verbs.add_parser("list", help="List connections")
    testing = verbs.add_parser("test", help="Test the stored token of one connection")
    testing.add_argument("name")
    yield testing
    auditing = verbs.add_parser("audit", help="Audit connections and say how they stand; for monitors")
    auditing.add_argument("names", nargs="*", metavar="name", help="which; every enabled one without a name")
    auditing.add_argument("--stored", action="store_true", help="ask nobody: say what the last audits found")
    auditing.add_argument("--within", type=count, default=7, metavar="DAYS", help="an end so soon is a limit (7)")
    yield auditing


def list_all(_options: Options, output: Output) -> int:
    """Every connection."""
    rows = [row(connection) for connection in Connection.objects.select_related("owner")]
    lines = [f"{one['health']:12} {one['expires_on'] or '-':12} {one['organization']:20} {one['name']}" for one in rows]
    output.lines(rows, lines, empty="No connections.")
    return WELL


def test(options: Options, output: Output) -> int:
    """One connection, now."""
    connection = find(options["name"])
    report = audit(connection, by=OPERATOR, now=timezone.now(), interactive=True)
    output.say(_outcome(connection, report), _sentence(connection, report))
    return _exit_code(report)


def _outcome(connection: Connection, report: Report) -> dict[str, Any]:
    return {
        "name": connection.name,
        "health": str(health_of(report)),
        "problem": report.failure.code if report.failure else "",
        "activity_id": report.failure.activity_id if report.failure else None,
        "host": report.failure.host if report.failure else "",
        "retry_after": report.failure.retry_after if report.failure else None,
        "reason": _failure_in_words(report.failure, connection) if report.failure else "",
        "identity": report.identity.display_name if report.identity else None,
        "projects": len(report.projects),
        "projects_complete": report.projects_complete,
        "projects_problem": report.projects_failure.code if report.projects_failure else "",
        "projects_tried": [project.name for project in report.tried()],
        "projects_not_visible": [project.name for project in report.not_visible],
        "capabilities": {finding.capability: str(finding.verdict) for finding in report.findings},
        "scopes": [scope_of_finding(finding) for finding in report.findings],
    }


def _sentence(connection: Connection, report: Report) -> str:
    place = clients.place_of(connection.server)
    if report.failure:
        return _failure_in_words(report.failure, connection)
    lines = [scope_line(scope_of_finding(finding), place=place) for finding in report.findings]
    if report.untried:
        problem = catalogue.problem(report.untried.code, place=place)
        listing = "The projects could not be listed. " if report.projects_failure else ""
        lines.append(f"{listing}{problem.title}. {problem.explanation} {problem.next_step}")
    elif report.projects_failure:
        problem = catalogue.problem(report.projects_failure.code, place=place)
        seen = len(report.projects)
        lines.append(f"The list of projects is incomplete, {seen} seen before it stopped: {problem.title}.")
    if report.tried():
        lines.append(f"Tried in {and_join(one.name for one in report.tried())}.")
    if report.not_visible:
        lines.append(f"Not visible: {and_join(one.name or one.id for one in report.not_visible)}.")
    return "\n".join(map(one_line, lines))


def _failure_in_words(failure: Failure, connection: Connection) -> str:
    facts = catalogue.facts_of(failure, connection.organization)
    problem = catalogue.problem(failure.code, place=clients.place_of(connection.server), facts=facts)
    support = f" Azure DevOps activity id for support: {failure.activity_id}" if failure.activity_id else ""
    return f"{problem.title}. {problem.explanation} {problem.next_step}{support}"


def _exit_code(report: Report) -> int:
    if report.failure:
        return REFUSED if was_tested(report) else UNKNOWN
    if report.passed:
        return WELL
    return LIMITED if report.lacking() else UNKNOWN


def audit_many(options: Options, output: Output) -> int:
    """Named connections, or all that are enabled; the exit code is that of the worst."""
    named = [find(name) for name in options["names"]]
    latest = {} if options["stored"] else _ask(named)
    found = [find(connection.name) for connection in named] if named else list(_enabled())
    prefetch_related_objects(found, "capabilities", "chosen_projects")
    today = timezone.localdate()
    rows = [_with_latest(_standing(connection, today=today, within=options["within"]), latest) for connection in found]
    worst = max((item["exit_code"] for item in rows), key=_GRAVITY.index, default=WELL)
    lines = [line for item in rows for line in _standing_lines(item)]
    lines.append(f"{len(rows)} audited, {sum(one['exit_code'] != WELL for one in rows)} with problems.")
    output.lines({"exit_code": worst, "connections": rows}, lines)
    return worst


# Worst last.
_GRAVITY = (WELL, LIMITED, UNKNOWN, REFUSED)


def _enabled() -> Iterable[Connection]:
    return Connection.objects.filter(disabled=False).select_related("owner")


def _ask(named: list[Connection]) -> dict[int, str]:
    """One after another; what each met, as a problem code by the connection's id.

    A run over everything is listed on the page like one that was started there.
    """
    if named:
        reports = {
            connection.pk: audit(connection, by=OPERATOR, now=timezone.now(), interactive=False) for connection in named
        }
        return {pk: report.failure.code for pk, report in reports.items() if report.failure}
    run = audit_runs.start_by_hand(by=OPERATOR, now=timezone.now())
    waiting = run.audited.filter(state=AuditedConnection.State.WAITING, connection__disabled=False)
    for pk in list(waiting.values_list("connection_id", flat=True)):
        # A worker may have been faster, or somebody disconnected meanwhile.
        still = waiting.filter(connection_id=pk).select_related("connection").first()
        if still is not None and still.connection is not None:
            with suppress(ConnectionGone):
                audit(still.connection, by=OPERATOR, now=timezone.now(), interactive=False)
    met = run.audited.exclude(problem="").exclude(connection=None)
    return {pk: problem for pk, problem in met.values_list("connection_id", "problem") if pk is not None}


def _with_latest(standing: dict[str, Any], latest: Mapping[int, str]) -> dict[str, Any]:
    """The row with what the audit met just now: when nothing could be told, no older answer counts as well."""
    problem = latest.get(standing["id"], "")
    could_not_tell = bool(problem) and problem not in REFUSALS
    if could_not_tell and standing["exit_code"] in (WELL, LIMITED):
        standing |= {"state": "unknown", "exit_code": UNKNOWN}
    return standing | {"latest_problem": problem}


def _standing(connection: Connection, *, today: date, within: int) -> dict[str, Any]:
    end = expiry.expiry_of(connection.expires_on, today, soon_days=within)
    state, code = str(connection.health), _CODES[Health(connection.health)]
    if end is Expiry.EXPIRED:
        state, code = str(end), REFUSED
    elif end is Expiry.SOON and code == WELL:
        state, code = str(end), LIMITED
    elif code == WELL and _is_old(connection):
        state, code = "stale", UNKNOWN
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


def _standing_lines(one: dict[str, Any]) -> list[str]:
    """One line for the connection, and one more for each scope of which there is something to say."""
    place = clients.place_of(one["server"])
    accepted = one["health"] in (Health.HEALTHY, Health.LIMITED)
    told = [scope_line(scope, place=place) for scope in one["scopes"] if accepted and is_worth_telling(scope)]
    first = f"{one['state']:12} {one['expires_on'] or '-':12} {one['name']}{_why(one)}"
    return [first, *(f"    {line}" for line in told)]


_CODES = {
    Health.HEALTHY: WELL,
    Health.LIMITED: LIMITED,
    Health.REJECTED: REFUSED,
    Health.UNREACHABLE: UNKNOWN,
    Health.NOT_CHECKED: UNKNOWN,
    Health.DISABLED: WELL,
}


def _is_old(connection: Connection) -> bool:
    """Whether nobody has looked for a day: then no answer is no good news."""
    oldest = timezone.now() - timedelta(days=1)
    return connection.checked_at is None or connection.checked_at < oldest


def _why(one: dict[str, Any]) -> str:
    problem = one["problem"] or one["latest_problem"]
    return f"  {catalogue.problem(problem, place=clients.place_of(one['server'])).title}" if problem else ""
