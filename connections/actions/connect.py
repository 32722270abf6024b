"""Connect an organization: check, then store the connection and its sealed token in one transaction."""

from collections.abc import Iterable, Sequence
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
from connections.actions.refusal_causes import with_cause_of_new
from connections.actions.refusals import CannotConnect, refusing_invalid_input
from connections.actions.verify_credential import Credentials, keep_result, usable_or_new_report
from connections.domain.health import health_of
from connections.domain.problems import catalogue
from connections.domain.verification import Report
from connections.models import Connection, StoredCredential
from connections.providers.azure_devops.models import Project
from connections.providers.organization import ProjectRef
from core.columns import fit_to_columns
from history.record import Actor, record


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """What the person chose beside the credentials. `projects` are ids; None means all projects."""

    name: str
    expires_on: date | None
    token_reach: str = Connection.Reach.UNKNOWN
    projects: Sequence[str] | None = None
    accept_limited: bool = False
    verification_key: str = ""


def connect(
    credentials: Credentials, wishes: ConnectRequest, *, owner: AbstractBaseUser, by: Actor, now: datetime
) -> Connection:
    """Store a connection whose token was seen to work. Raises `CannotConnect`, and then nothing is stored."""
    wishes = _checked(wishes, today=timezone.localdate(now))
    _name_is_free(wishes.name)
    enforce_policy.enforce(
        enforce_policy.violations_of(expires_on=wishes.expires_on, now=now, token=credentials.token), CannotConnect
    )
    # What the token can do is asked where it will be used.
    credentials = replace(credentials, projects=tuple(map(ProjectRef, wishes.projects or ())))
    tested = usable_or_new_report(wishes.verification_key, credentials, by=owner, now=now)
    report = tested.report
    try:
        chosen = validate(report, wishes, credentials, today=timezone.localdate(now))
    except CannotConnect as refused:
        refused.tested = keep_result(tested, credentials, by=owner, now=now)
        raise
    try:
        with transaction.atomic():
            connection = _store(credentials, wishes, report, owner=owner, now=now)
            choose_projects(connection, chosen, now=now)
            status_changes.record_notified(connection, store_findings(connection, report).lacking)
            connection.save(update_fields=["notified_lacking"])
            record("connection.connected", connection, by=by, at=now, detail=_detail(credentials, wishes, report))
    except IntegrityError:
        # Somebody else took the name between our look and our write.
        _name_is_free(wishes.name)
        if not type(owner)._default_manager.filter(pk=owner.pk).exists():
            raise CannotConnect("owner_gone", "The owner was removed in the meantime. Choose someone else.") from None
        raise
    return connection


def _checked(wishes: ConnectRequest, *, today: date) -> ConnectRequest:
    """The wishes as they are stored. Raises `CannotConnect` for what nobody may enter."""
    with refusing_invalid_input(CannotConnect):
        return replace(
            wishes,
            name=input_rules.connection_name(wishes.name),
            expires_on=input_rules.expiry_of_new_token(wishes.expires_on, today=today),
            token_reach=input_rules.choice(wishes.token_reach, Connection.Reach.values, field="token_reach"),
        )


NAME_TAKEN = "Another connection already has this name. Choose another name."


def _name_is_free(name: str) -> None:
    if Connection.objects.filter(name__iexact=name).exists():
        raise CannotConnect("name_taken", NAME_TAKEN, field="name")


def validate(
    report: Report, wishes: ConnectRequest, credentials: Credentials, *, today: date
) -> tuple[Project, ...] | None:
    """The chosen projects, when the report allows to connect. Raises `CannotConnect` with the problem's code."""
    if not report.accepted:
        problem = why_refused(report, credentials, token_reach=wishes.token_reach, today=today)
        raise CannotConnect(problem.code, f"{problem.title}. {problem.next_step}", field="token")
    chosen = None if wishes.projects is None else pick_projects(report, wishes.projects, credentials)
    if not report.passed and not wishes.accept_limited:
        raise CannotConnect(
            "limited_not_accepted",
            "The token works, but not every scope was confirmed. Tick the box to connect it as Limited, or fix the "
            "token first.",
            field="accept_limited",
        )
    return chosen


def why_refused(report: Report, credentials: Credentials, *, token_reach: str, today: date) -> catalogue.Problem:
    """Why a token that nothing is stored of was not accepted."""
    failure = with_cause_of_new(report, place=credentials.server.place, token_reach=token_reach, today=today).failure
    if failure is None:
        return catalogue.problem("unexpected_answer", place=credentials.server.place)
    facts = catalogue.facts_of(failure, credentials.organization.name)
    return catalogue.problem(failure.code, place=credentials.server.place, facts=facts)


def pick_projects(report: Report, wanted: Iterable[str], credentials: Credentials) -> tuple[Project, ...]:
    """The wanted projects out of those the token sees. Raises `CannotConnect` for any other."""
    visible = {project.id: project for project in report.projects}
    wanted = list(dict.fromkeys(wanted))
    if not wanted:
        raise CannotConnect("no_project_chosen", "Choose at least one project, or all projects.", field="projects")
    if any(name not in visible for name in wanted):
        if report.projects_failure is not None:
            facts = catalogue.facts_of(report.projects_failure, credentials.organization.name)
            problem = catalogue.problem(report.projects_failure.code, place=credentials.server.place, facts=facts)
            raise CannotConnect(problem.code, f"{problem.title}. {problem.next_step}", field="projects")
        raise CannotConnect(
            "project_not_visible", "This token cannot see one of the chosen projects. Choose again.", field="projects"
        )
    return tuple(visible[name] for name in wanted)


def _store(
    credentials: Credentials, wishes: ConnectRequest, report: Report, *, owner: AbstractBaseUser, now: datetime
) -> Connection:
    connection = Connection(
        name=wishes.name,
        server=credentials.server.name,
        organization=credentials.organization.name,
        owner_id=owner.pk,
        expires_on=credentials.token.expires_on(wishes.expires_on),
        token_reach=Connection.Reach.at(credentials.server.place, wishes.token_reach),
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
    stored.save()
    return connection


def apply_report(connection: Connection, report: Report) -> None:
    """Copy onto the connection what an accepted report says of the token. The caller saves."""
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


def _detail(credentials: Credentials, wishes: ConnectRequest, report: Report) -> dict[str, object]:
    return {
        "server": credentials.server.name,
        "organization": credentials.organization.name,
        "identity": report.identity.id if report.identity else "",
        "health": str(health_of(report)),
        "expires_on": wishes.expires_on.isoformat() if wishes.expires_on else None,
        "projects": "all" if wishes.projects is None else len(wishes.projects),
    }
