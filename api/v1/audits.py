"""Operations on audits."""

from http import HTTPStatus
from typing import Annotated

from django.http import Http404, HttpResponse
from django.utils import timezone
from ninja import Path, Query, Router, Status

from api import reads, waiting
from api.authentication import ApiRequest
from api.v1 import cursors, representations, schemas
from api.v1.access import Access
from api.v1.errors import require_known
from api.v1.links import next_page
from api.v1.responses import JOB_SECONDS, LINK, ONE, accepted, answers, followed, retry_after, start
from connections import audit_reads
from connections.actions import audit_runs
from connections.models import AuditRun
from core.tasks import enqueue
from history.record import actor_of

router = Router(tags=["Audits"])
AuditId = Annotated[int, Path(ge=1, le=2**63 - 1)]
VIEW, ACT = "connections.view_auditrun", "connections.audit_connection"


@router.get(
    "/audits",
    auth=Access(VIEW, all_connections=True),
    response=answers(HTTPStatus.OK, schemas.AuditList),
    openapi_extra=LINK,
    summary="List audits",
)
def list_audits(request: ApiRequest, response: HttpResponse, filters: Query[schemas.Paging]) -> schemas.AuditList:
    """List audits, newest first."""
    require_known(request, filters)
    found = audit_reads.runs()
    page = cursors.page_by_id(found, of="audits", cursor=filters.cursor, limit=filters.limit, newest_first=True)
    return schemas.AuditList(
        audits=[representations.audit(run, audit_reads.counted(run)) for run in page.rows],
        next=next_page(request, response, page.next_cursor),
    )


@router.post(
    "/audits",
    auth=Access(ACT, all_connections=True),
    response=answers(HTTPStatus.ACCEPTED, schemas.StartedAudit),
    openapi_extra=accepted("audit"),
    summary="Audit every connection",
)
def start_audit(request: ApiRequest, response: HttpResponse) -> Status[schemas.StartedAudit]:
    """Start an audit of every enabled connection. If one is already running, it is returned instead."""
    from connections.tasks import audit_due

    run = audit_runs.start_by_hand(by=actor_of(request), now=timezone.now())
    # The scheduler would find it in seconds; this saves the wait.
    otherwise = "The audit begins when the scheduler and a worker are back."
    warnings = start(lambda: enqueue(audit_due), otherwise=otherwise)
    shown = _shown(run, response)
    response.headers["Location"] = shown.url
    return Status(HTTPStatus.ACCEPTED, schemas.StartedAudit(**shown.model_dump(), warnings=warnings))


@router.get(
    "/audits/{int:audit_id}",
    auth=Access(VIEW, all_connections=True),
    response=answers(HTTPStatus.OK, schemas.Audit, *ONE),
    openapi_extra=followed("the audit runs"),
    summary="Follow an audit",
)
def get_audit(
    request: ApiRequest,
    response: HttpResponse,
    audit_id: AuditId,
    options: Query[schemas.Waiting],
    prefer: schemas.Prefer = None,
) -> schemas.Audit:
    """Return the progress of an audit. With `wait`, respond when it has ended, or when that time is over."""
    require_known(request, options)
    wait = waiting.requested(response, options.wait, prefer)
    run = waiting.follow(lambda: _find(audit_id), lambda run: run.finished_at is not None, wait=wait)
    return _shown(run, response)


@router.get(
    "/audits/{int:audit_id}/connections",
    auth=Access(VIEW, all_connections=True),
    response=answers(HTTPStatus.OK, schemas.AuditedConnectionList, *ONE),
    openapi_extra=LINK,
    summary="List what an audit found",
)
def list_audited_connections(
    request: ApiRequest, response: HttpResponse, audit_id: AuditId, filters: Query[schemas.Paging]
) -> schemas.AuditedConnectionList:
    """List the connections of an audit with their results so far."""
    require_known(request, filters)
    found = reads.audited_connections(_find(audit_id))
    page = cursors.page_by_id(found, of=f"audit {audit_id}", cursor=filters.cursor, limit=filters.limit)
    return schemas.AuditedConnectionList(
        connections=[representations.audited(row) for row in page.rows],
        next=next_page(request, response, page.next_cursor),
    )


@router.post(
    "/audits/{int:audit_id}/cancel",
    auth=Access(ACT, all_connections=True),
    response=answers(HTTPStatus.OK, schemas.Audit, *ONE),
    summary="Cancel an audit",
)
def cancel_audit(request: ApiRequest, response: HttpResponse, audit_id: AuditId) -> schemas.Audit:
    """Connections that are being audited are finished first. Cancelling twice is not an error."""
    audit_runs.cancel(_find(audit_id), now=timezone.now())
    return _shown(_find(audit_id), response)


def _find(audit_id: int) -> AuditRun:
    run = reads.audit_run(audit_id)
    if run is None:
        raise Http404
    return run


def _shown(run: AuditRun, response: HttpResponse) -> schemas.Audit:
    if run.finished_at is None:
        retry_after(response, JOB_SECONDS)
    return representations.audit(run, audit_reads.progress(run))
