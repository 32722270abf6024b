"""Edit a connection: its name, projects, recipients, and the data recorded about its token."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from connections import clients, input_rules
from connections.actions import enforce_policy, versions
from connections.actions.check_stored import failure_before_asking, problem_of
from connections.actions.coverage import choose_projects
from connections.actions.find_project import look_for
from connections.actions.read_dates import is_date_entered
from connections.actions.refusal_causes import cause_for, correct_problem
from connections.actions.refusals import CannotEdit, CannotRotate, refusing_invalid_input
from connections.actions.rotate import credentials_for
from connections.domain.problems import catalogue
from connections.domain.problems.notices import Notice
from connections.models import Connection
from connections.providers.azure_devops.errors import AzureDevOpsError
from connections.providers.azure_devops.models import Project
from connections.providers.azure_devops.paging import Listed, read_all
from core.encryption import UnreadableToken
from history.record import Actor, record


@dataclass(frozen=True, slots=True)
class Changes:
    """The entered values. `projects` are ids; None means all projects."""

    name: str
    expires_on: date | None
    token_reach: str
    projects: Sequence[str] | None
    extra_recipients: str = ""


def visible_projects(connection: Connection) -> Listed[Project]:
    """The projects that the stored token can see, sorted by name. Raises `CannotEdit` with the problem code."""
    if failure := failure_before_asking(connection, now=timezone.now()):
        raise _not_listed(connection, failure.code, catalogue.facts_of(failure, connection.organization))
    try:
        server = clients.server(connection.server)
        token = clients.stored_credential(connection)
        with clients.azure_devops(server, connection.organization, token, seconds=clients.page_seconds()) as client:
            listed = read_all(client.projects())
    except AzureDevOpsError as error:
        facts = catalogue.Facts(error.host, connection.organization, error.retry_after)
        raise _not_listed(connection, cause_for(connection, error.code, now=timezone.now()), facts) from None
    except (UnreadableToken, clients.UnknownServer) as error:
        raise _not_listed(connection, error.code, catalogue.Facts()) from None
    return replace(listed, items=tuple(sorted(listed.items, key=lambda project: project.name.casefold())))


@dataclass(frozen=True, slots=True)
class ProjectChoices:
    """The projects to choose from: first those that were chosen and are not visible, then those that the token sees.

    `chosen` are the ids of those that are chosen now, `problem` why nothing could be listed.
    """

    projects: tuple[Project, ...]
    chosen: tuple[str, ...]
    problem: str = ""
    is_complete: bool = True


def project_choices(connection: Connection) -> ProjectChoices:
    """What the form offers. Asks Azure DevOps; where it cannot be asked, what is chosen can still be kept."""
    kept = _kept_projects(connection)
    try:
        listed = visible_projects(connection)
    except CannotEdit as refused:
        return ProjectChoices(tuple(kept.values()), tuple(kept), problem=refused.message)
    visible = {project.id: project for project in listed.items}
    gone = [project for project in kept.values() if project.id not in visible]
    return ProjectChoices((*gone, *visible.values()), tuple(kept), is_complete=listed.complete)


def _kept_projects(connection: Connection) -> dict[str, Project]:
    return {
        chosen_project.project_id: Project(chosen_project.project_id, chosen_project.name, state="wellFormed")
        for chosen_project in connection.chosen_projects.all()
    }


def _not_listed(connection: Connection, code: str, facts: catalogue.Facts) -> CannotEdit:
    problem = catalogue.problem(code, place=clients.place_of(connection.server), facts=facts)
    return CannotEdit(problem.code, problem.brief, field="projects")


def edit(
    connection: Connection, changes: Changes, *, by: Actor, now: datetime, drawn_from: str | None = None
) -> list[str]:
    """Apply the changes and return the names of the changed fields.

    `drawn_from` is the version in the form. Raises `CannotEdit`, with the conflicts if fields of the form changed in
    the meantime, and `ConnectionGone`.
    """
    changes = _checked(connection, changes, today=timezone.localdate(now))
    _require_unchanged(connection, changes, drawn_from)
    _enforce_policy(connection, changes, now=now)
    chosen = _chosen(connection, changes)
    try:
        with transaction.atomic():
            current = versions.held(connection.pk)
            _require_unchanged(current, changes, drawn_from)
            changes = _with_read_date(changes, connection, current)
            changed = _write(current, changes, chosen, now=now)
            if changed:
                record("connection.edited", current, by=by, at=now, detail=changed)
            connection.refresh_from_db()
    except IntegrityError:
        if Connection.objects.filter(name__iexact=changes.name).exclude(pk=connection.pk).exists():
            raise CannotEdit("name_taken", field="name") from None
        raise
    return list(changed)


def _checked(connection: Connection, changes: Changes, *, today: date) -> Changes:
    """The changes with normalized values. Raises `CannotEdit` for invalid ones."""
    with refusing_invalid_input(CannotEdit):
        return replace(
            changes,
            name=input_rules.connection_name(changes.name),
            expires_on=_date(connection, changes.expires_on, today=today),
            token_reach=input_rules.choice(changes.token_reach, Connection.Reach.values, field="token_reach"),
            extra_recipients=input_rules.recipients(changes.extra_recipients),
        )


def _date(connection: Connection, entered: date | None, *, today: date) -> date | None:
    """The date to store. One that is read from the credential stays as it is."""
    if not is_date_entered(connection):
        return connection.expires_on
    return input_rules.recorded_expiry(entered, today=today, of_application=connection.application is not None)


def _with_read_date(changes: Changes, before: Connection, current: Connection) -> Changes:
    """The changes with the date as it is now, if it is read from the credential: it may have been read again."""
    is_entered = is_date_entered(before) and is_date_entered(current)
    return changes if is_entered else replace(changes, expires_on=current.expires_on)


def _enforce_policy(connection: Connection, changes: Changes, *, now: datetime) -> None:
    if changes.expires_on != connection.expires_on:
        born_on = timezone.localdate(connection.token_set_at)
        enforce_policy.enforce(
            enforce_policy.violations_of(expires_on=changes.expires_on, now=now, born_on=born_on), CannotEdit
        )


def _require_unchanged(current: Connection, changes: Changes, drawn_from: str | None) -> None:
    known = {chosen_project.project_id: chosen_project.name for chosen_project in current.chosen_projects.all()}
    yours = {
        "name": versions.name(changes.name),
        "token_reach": versions.reach(_reach(current, changes)),
        "extra_recipients": versions.recipients(changes.extra_recipients),
        "projects": versions.projects({project: known.get(project, "") for project in changes.projects or ()}),
        "expires_on": versions.expiry_date(changes.expires_on),
    }
    versions.require_unchanged(current, drawn_from, versions.EDIT, yours=yours, refusal=CannotEdit)


def _reach(connection: Connection, changes: Changes) -> str:
    return Connection.Reach.at(clients.place_of(connection.server), changes.token_reach)


def _write(
    current: Connection, changes: Changes, chosen: tuple[Project, ...] | None, *, now: datetime
) -> dict[str, object]:
    """Save the changes to the locked row, and return the differences."""
    before = _state(current)
    current.name = changes.name
    current.expires_on = changes.expires_on
    current.token_reach = _reach(current, changes)
    current.extra_recipients = changes.extra_recipients
    current.save(update_fields=["name", "expires_on", "token_reach", "extra_recipients"])
    correct_problem(current, now=now)
    choose_projects(current, chosen, now=now)
    changed = _differences(before, _state(current))
    if "projects" in changed:
        # The stored results are from other projects, so an audit is due now.
        Connection.objects.filter(pk=current.pk).update(next_check_at=now)
    return changed


def _chosen(connection: Connection, changes: Changes) -> tuple[Project, ...] | None:
    if changes.projects is None:
        return None
    if not changes.projects:
        raise CannotEdit("no_project_chosen", field="projects")
    kept = _kept_projects(connection)
    if set(changes.projects) <= set(kept):
        return tuple(kept[project] for project in changes.projects)
    listed = visible_projects(connection)
    visible = {project.id: project for project in listed.items}
    if not listed.complete:
        # Previously chosen projects may be in the part of the list that was not read.
        visible = kept | visible
    if any(project not in visible for project in changes.projects):
        raise CannotEdit("project_not_visible", field="projects")
    return tuple(visible[project] for project in changes.projects)


def _state(connection: Connection) -> dict[str, object]:
    names = sorted(chosen_project.name for chosen_project in connection.chosen_projects.all())
    return {
        "name": connection.name,
        "expires_on": connection.expires_on.isoformat() if connection.expires_on else None,
        "token_reach": connection.token_reach,
        "extra_recipients": connection.extra_recipients.split(),
        "projects": "all" if connection.all_projects else names,
    }


def _differences(before: dict[str, object], after: dict[str, object]) -> dict[str, object]:
    return {
        field: {"before": before[field], "after": after[field]} for field in before if before[field] != after[field]
    }


def find_project_of(connection: Connection, name: str) -> Notice:
    """Why the project `name` is not in the list of this connection's projects."""
    if failure := failure_before_asking(connection, now=timezone.now()):
        return _not_asked(problem_of(failure, connection))
    try:
        credentials = credentials_for(connection, clients.stored_credential(connection))
    except (CannotRotate, UnreadableToken) as error:
        return _not_asked(catalogue.problem(error.code))
    return look_for(credentials, name)


def _not_asked(problem: catalogue.Problem) -> Notice:
    return Notice(problem.code, "warn", "circle-question-mark", problem.title, problem.next_step)
