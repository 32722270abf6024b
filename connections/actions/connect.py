"""Connect an organization: verify the token, then store the connection and its encrypted token."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from connections import input_rules
from connections.actions import enforce_policy, status_changes
from connections.actions.capability_states import store_findings
from connections.actions.coverage import choose_projects
from connections.actions.declare_leak import refuse_leaked
from connections.actions.read_dates import date_to_store
from connections.actions.refusal_causes import with_cause_of_new
from connections.actions.refusals import CannotConnect, refusing_invalid_input
from connections.actions.verify_credential import Credentials, keep_result, usable_or_new_result
from connections.domain import expiry
from connections.domain.health import health_of
from connections.domain.problems import catalogue
from connections.domain.verification import Report
from connections.models import Connection, StoredCredential
from connections.providers.azure_devops.models import Project
from connections.providers.credential import Credential
from connections.providers.organization import ProjectRef
from core.columns import fit_to_columns
from history.record import Actor, record


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """What a person enters besides the credentials. `projects` are ids; None means all projects."""

    name: str
    expires_on: date | None
    token_reach: str = Connection.Reach.UNKNOWN
    projects: Sequence[str] | None = None
    accept_limited: bool = False
    verification_key: str = ""


def connect(
    credentials: Credentials,
    request: ConnectRequest,
    *,
    owner: AbstractBaseUser,
    by: Actor,
    now: datetime,
    on_stored: Callable[[Connection], object] | None = None,
) -> Connection:
    """Verify the token and store the connection. Raises `CannotConnect` without storing anything.

    `on_stored` is called in the transaction that stores it.
    """
    request = _checked(request, credentials.token, today=timezone.localdate(now))
    _name_is_free(request.name)
    enforce_policy.enforce(
        enforce_policy.violations_of(expires_on=request.expires_on, now=now, token=credentials.token), CannotConnect
    )
    # Verify in the projects that the connection will use.
    credentials = replace(credentials, projects=tuple(map(ProjectRef, request.projects or ())))
    tested = usable_or_new_result(request.verification_key, credentials, by=owner, now=now)
    report = tested.report
    try:
        chosen = validate(report, request, credentials, today=timezone.localdate(now))
        day = date_to_store(report, request.expires_on, now=now, refusal=CannotConnect)
        request = replace(request, expires_on=day)
    except CannotConnect as refused:
        refused.tested = keep_result(tested, credentials, by=owner, now=now)
        raise
    try:
        with transaction.atomic():
            refuse_leaked(credentials.token, CannotConnect)
            enforce_policy.refuse_reused(credentials.token, CannotConnect)
            connection = _store(credentials, request, report, owner=owner, now=now)
            choose_projects(connection, chosen, now=now)
            status_changes.record_notified(connection, store_findings(connection, report).lacking)
            connection.save(update_fields=["notified_lacking"])
            record("connection.connected", connection, by=by, at=now, detail=_detail(credentials, request, report))
            if on_stored:
                on_stored(connection)
    except IntegrityError:
        # Someone else took the name in the meantime.
        _name_is_free(request.name)
        if not type(owner)._default_manager.filter(pk=owner.pk).exists():
            raise CannotConnect("owner_gone") from None
        raise
    return connection


def _checked(request: ConnectRequest, token: Credential, *, today: date) -> ConnectRequest:
    """The request with normalized values. Raises `CannotConnect` for invalid ones."""
    with refusing_invalid_input(CannotConnect):
        return replace(
            request,
            name=input_rules.connection_name(request.name),
            expires_on=input_rules.expiry_of_new_credential(token, request.expires_on, today=today),
            token_reach=input_rules.choice(request.token_reach, Connection.Reach.values, field="token_reach"),
        )


def _name_is_free(name: str) -> None:
    if Connection.objects.filter(name__iexact=name).exists():
        raise CannotConnect("name_taken", field="name")


def validate(
    report: Report, request: ConnectRequest, credentials: Credentials, *, today: date
) -> tuple[Project, ...] | None:
    """The chosen projects, if the report allows connecting. Raises `CannotConnect` with the problem code."""
    if not report.accepted:
        problem = why_refused(report, credentials, token_reach=request.token_reach, today=today)
        raise CannotConnect(problem.code, problem.brief, field="token")
    chosen = None if request.projects is None else pick_projects(report, request.projects, credentials)
    if not report.passed and not request.accept_limited:
        raise CannotConnect("limited_not_accepted", field="accept_limited")
    return chosen


def why_refused(report: Report, credentials: Credentials, *, token_reach: str, today: date) -> catalogue.Problem:
    """Why a new token was not accepted."""
    failure = with_cause_of_new(report, place=credentials.server.place, token_reach=token_reach, today=today).failure
    if failure is None:
        return catalogue.problem("unexpected_answer", place=credentials.server.place)
    facts = catalogue.facts_of(failure, credentials.organization.name)
    return catalogue.problem(failure.code, place=credentials.server.place, facts=facts)


def pick_projects(report: Report, project_ids: Iterable[str], credentials: Credentials) -> tuple[Project, ...]:
    """The projects with these ids. Raises `CannotConnect` if the token cannot see one."""
    visible = {project.id: project for project in report.projects}
    project_ids = list(dict.fromkeys(project_ids))
    if not project_ids:
        raise CannotConnect("no_project_chosen", field="projects")
    if any(project not in visible for project in project_ids):
        if report.projects_failure is not None:
            facts = catalogue.facts_of(report.projects_failure, credentials.organization.name)
            problem = catalogue.problem(report.projects_failure.code, place=credentials.server.place, facts=facts)
            raise CannotConnect(problem.code, problem.brief, field="projects")
        raise CannotConnect("project_not_visible", field="projects")
    return tuple(visible[project] for project in project_ids)


def _store(
    credentials: Credentials, request: ConnectRequest, report: Report, *, owner: AbstractBaseUser, now: datetime
) -> Connection:
    connection = Connection(
        name=request.name,
        server=credentials.server.name,
        organization=credentials.organization.name,
        owner_id=owner.pk,
        expires_on=request.expires_on,
        expires_read_on=report.date.day if report.date else None,
        token_reach=Connection.Reach.at(credentials.server.place, request.token_reach),
        created_at=now,
        token_set_at=now,
        health_since=now,
        next_check_at=now + timedelta(hours=settings.AUDIT_EVERY_HOURS),
    )
    apply_report(connection, report)
    connection.notified_health = connection.health
    connection.save()
    stored = StoredCredential(connection=connection)
    stored.seal(credentials.token)
    stored.note_date(report.date, at=report.finished_at)
    stored.save()
    return connection


def apply_report(connection: Connection, report: Report) -> None:
    """Copy the results of an accepted report to the connection. The caller saves it."""
    assert report.identity is not None  # noqa: S101  (accepted)
    connection.organization_id = report.organization_id
    connection.identity_id = report.identity.id
    connection.identity_name = report.identity.display_name
    connection.identity_account = report.identity.account or ""
    connection.health = health_of(report)
    connection.problem = ""
    connection.problem_host = ""
    connection.activity_id = ""
    connection.consecutive_failures = 0
    connection.checked_at = report.finished_at
    fit_to_columns(connection)


def shown_date(day: date | None) -> str | None:
    """An expiry date as the history has it."""
    if day is None:
        return None
    return "never" if expiry.never_expires(day) else day.isoformat()


def _detail(credentials: Credentials, request: ConnectRequest, report: Report) -> dict[str, object]:
    return {
        "server": credentials.server.name,
        "organization": credentials.organization.name,
        "identity": report.identity.id if report.identity else "",
        "health": str(health_of(report)),
        "expires_on": shown_date(request.expires_on),
        "projects": "all" if request.projects is None else len(request.projects),
    }
