"""Convert rows and reports to response schemas."""

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.utils import timezone

from api import reads
from api.authentication import Caller
from api.v1 import outbox_schemas, schemas
from api.v1.links import address
from connections import clients
from connections.actions import enforce_policy, versions
from connections.audit_reads import Progress
from connections.domain.health import Health, health_of
from connections.domain.problems import catalogue
from connections.domain.token_policy import Rule
from connections.domain.verification import Report
from connections.models import AuditedConnection, AuditRun, Connection, Mail
from connections.old_tokens import OldToken
from connections.providers.capability import Verdict
from connections.providers.credential import Credential
from connections.providers.registry import capabilities_of
from history.event_types import event_row
from history.models import Event

# Everything that a person decides on; what audits find makes no update stale.
_VERSIONED = tuple(dict.fromkeys((*versions.EDIT, *versions.ROTATE, *versions.DISABLE, *versions.DISCONNECT)))


def version_of(connection: Connection) -> str:
    """The version of a connection, which every change by a person changes."""
    return versions.version(connection, _VERSIONED)


def connection(row: Connection, caller: Caller) -> schemas.Connection:
    """A connection."""
    projects = (
        None
        if row.all_projects
        else [
            schemas.ProjectRef(id=chosen.project_id, name=chosen.name, is_visible=chosen.not_visible_since is None)
            for chosen in row.chosen_projects.all()
        ]
    )
    owner: User = row.owner
    return schemas.Connection(
        id=row.pk,
        version=version_of(row),
        name=row.name,
        provider=row.provider,
        server=row.server,
        organization=row.organization,
        organization_id=row.organization_id,
        identity=schemas.Identity(name=row.identity_name, account=row.identity_account),
        owner=owner.get_username(),
        is_owner_active=owner.is_active,
        projects=projects,
        token_reach=schemas.Reach(row.token_reach),
        token_set_at=row.token_set_at,
        expires_on=row.last_day,
        never_expires=row.never_expires,
        is_date_read=row.is_date_read,
        extra_recipients=row.extra_recipients.split() if caller.may("connections.change_connection") else None,
        is_disabled=row.disabled,
        is_default=row.is_default,
        health=Health(row.health),
        health_since=row.health_since,
        problem=row.problem or None,
        checked_at=row.checked_at,
        created_at=row.created_at,
        url=address("connections:detail", row.pk),
    )


def policy_warnings(row: Connection, token: Credential) -> list[schemas.PolicyWarning]:
    """The rules of the token policy that the connection's new token breaks, and that only warn."""
    found = enforce_policy.violations_of(expires_on=row.expires_on, now=timezone.now(), token=token, besides=row.pk)
    codes = [violation.code for violation in found if violation.rule is Rule.WARN]
    return [schemas.PolicyWarning(code=code, title=catalogue.problem(code).title) for code in codes]


def old_token(old: OldToken, caller: Caller) -> schemas.OldToken:
    """A replaced token. A caller that is limited to connections learns of others only how many there are."""
    ids = [row.pk for row in old.still_used_by]
    named = list(reads.open_to(caller.token, Connection.objects.filter(pk__in=ids)))
    return schemas.OldToken(
        identity=schemas.Identity(name=old.person, account=old.account),
        still_used_by=[schemas.ConnectionRef(id=row.pk, name=row.name) for row in named],
        still_used_by_others=len(ids) - len(named),
    )


def capabilities(row: Connection) -> schemas.CapabilityList:
    """All capabilities; those that were never verified are unknown."""
    known = {state.capability: state for state in row.capabilities.all()}
    found = []
    for capability in capabilities_of(row.provider):
        state = known.get(capability.key)
        found.append(
            schemas.Capability(
                capability=capability.key,
                scope=capability.scope,
                verdict=Verdict(state.verdict) if state else Verdict.UNKNOWN,
                reason=(state.reason or None) if state else None,
                doubt=(state.doubt or None) if state else None,
                verified_at=state.verified_at if state else None,
            )
        )
    return schemas.CapabilityList(capabilities=found)


def report(found: Report, *, server: str, organization: str) -> schemas.TestResult:
    """What a test found."""
    identity = found.identity
    return schemas.TestResult(
        health=health_of(found),
        finished_at=found.finished_at,
        is_accepted=found.accepted,
        has_passed=found.passed,
        problem=_report_problem(found, server, organization),
        identity=schemas.Identity(name=identity.display_name, account=identity.account or "") if identity else None,
        capabilities=[
            schemas.FindingResult(capability=finding.capability, verdict=finding.verdict, reason=finding.reason or None)
            for finding in found.findings
        ],
        projects_seen=len(found.projects),
        is_project_list_complete=found.projects_complete,
    )


def _report_problem(found: Report, server: str, organization: str) -> schemas.ReportProblem | None:
    if found.failure is None:
        return None
    facts = catalogue.facts_of(found.failure, organization)
    problem = catalogue.problem(found.failure.code, place=clients.place_of(server), facts=facts)
    return schemas.ReportProblem(
        code=problem.code,
        title=problem.title,
        detail=f"{problem.explanation} {problem.next_step}",
        activity_id=found.failure.activity_id,
    )


def audit(run: AuditRun, progress: Progress) -> schemas.Audit:
    """An audit with its counts."""
    ended = schemas.AuditState.CANCELLED if run.cancelled_at else schemas.AuditState.FINISHED
    return schemas.Audit(
        id=run.pk,
        state=ended if run.finished_at else schemas.AuditState.RUNNING,
        started_at=run.started_at,
        started_by=run.started_by,
        is_by_hand=run.by_hand,
        finished_at=run.finished_at,
        total=progress.total,
        done=progress.done,
        problems=progress.problems,
        cancelled=progress.cancelled,
        url=address("v1:get_audit", run.pk),
    )


def audited(row: AuditedConnection) -> schemas.AuditedConnection:
    """The result of an audit for one connection."""
    return schemas.AuditedConnection(
        connection_id=row.connection_id,
        name=row.name,
        state=AuditedConnection.State(row.state),
        health=Health(row.health) if row.health else None,
        problem=row.problem or None,
        finished_at=row.finished_at,
    )


def events(rows: Iterable[Event]) -> list[schemas.Event]:
    """Events with their labels."""
    return [
        schemas.Event(
            id=row.event.pk,
            at=row.event.at,
            kind=row.event.kind,
            title=row.type.label,
            description=row.detail,
            actor=row.event.actor_name,
            address=row.event.address,
            subject=schemas.Subject(kind=row.event.subject_kind, id=row.event.subject_id, name=row.event.subject_name),
            details=row.event.detail,
        )
        for row in map(event_row, rows)
    ]


def mail(row: Mail) -> outbox_schemas.Mail:
    """A mail, without its text."""
    about = row.connection
    return outbox_schemas.Mail(
        id=row.pk,
        kind=row.kind,
        channel_kind=outbox_schemas.ChannelKind(row.channel_kind) if row.channel_kind else None,
        state=_mail_state(row),
        recipient=row.recipient,
        subject=row.subject,
        connection=schemas.ConnectionRef(id=about.pk, name=about.name) if about else None,
        created_at=row.created_at,
        due_at=row.due_at,
        attempts=row.attempts,
        sent_at=row.sent_at,
        failed_at=row.given_up_at,
        last_error=row.last_error or None,
        url=address("v1:get_mail", row.pk),
    )


def _mail_state(row: Mail) -> outbox_schemas.MailState:
    if row.sent_at is not None:
        return outbox_schemas.MailState.IN_A_FOLDER if row.is_only_written else outbox_schemas.MailState.SENT
    if row.given_up_at is not None:
        return outbox_schemas.MailState.GIVEN_UP
    if row.withdrawn_at is not None:
        return outbox_schemas.MailState.WITHDRAWN
    return outbox_schemas.MailState.FAILING if row.last_error else outbox_schemas.MailState.WAITING
