"""Operations on the outbox."""

from http import HTTPStatus
from typing import Literal

from django.http import Http404, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status
from pydantic import Field

from api.authentication import ApiRequest
from api.v1 import cursors, outbox_schemas, representations, schemas
from api.v1.access import Access
from api.v1.delivery_schemas import RowId
from api.v1.errors import require_known
from api.v1.links import next_page
from api.v1.responses import LINK, ONE, answers, headers, start
from connections import notification_reads
from connections.notifications import emails
from connections.notifications.outbox import try_again

router = Router(tags=["Outbox"])
VIEW = "connections.view_mail"


class MailFilters(schemas.Paging):
    """Filters, as on the Outbox page."""

    state: Literal["", "waiting", "failing", "given-up", "withdrawn", "sent", "in-a-folder"] = Field(
        "", description="waiting includes failing ones, which are retried."
    )


@router.get(
    "/outbox",
    auth=Access(VIEW, all_connections=True),
    response=answers(HTTPStatus.OK, outbox_schemas.Outbox),
    summary="Read the state of the outbox",
)
def get_outbox(request: ApiRequest) -> outbox_schemas.Outbox:
    """Return how many mails wait, are retried and failed."""
    counts = notification_reads.mail_counts(now=timezone.now())
    return outbox_schemas.Outbox(
        due=counts.due,
        waiting=counts.waiting,
        failing=counts.failing,
        failed=counts.failed,
        written_to=emails.written_to() or None,
    )


@router.get(
    "/outbox/mails",
    auth=Access(VIEW, all_connections=True),
    response=answers(HTTPStatus.OK, outbox_schemas.MailList),
    openapi_extra=LINK,
    summary="List mails",
)
def list_mails(request: ApiRequest, response: HttpResponse, filters: Query[MailFilters]) -> outbox_schemas.MailList:
    """List the mails of the outbox, and its messages to notification channels, without their text, newest first."""
    require_known(request, filters)
    found = notification_reads.mails(filters.state)
    page = cursors.page_by_id(found, of="mails", cursor=filters.cursor, limit=filters.limit, newest_first=True)
    return outbox_schemas.MailList(
        mails=[representations.mail(row) for row in page.rows],
        next=next_page(request, response, page.next_cursor),
    )


@router.get(
    "/outbox/mails/{int:mail_id}",
    auth=Access(VIEW, all_connections=True),
    response=answers(HTTPStatus.OK, outbox_schemas.Mail, *ONE),
    summary="Get a mail",
)
def get_mail(request: ApiRequest, mail_id: RowId) -> outbox_schemas.Mail:
    """Return the state of a mail, without its text."""
    return _shown(mail_id)


@router.post(
    "/outbox/mails/{int:mail_id}/retry",
    auth=Access("connections.resend_mail", all_connections=True, shows=VIEW),
    response=answers(HTTPStatus.ACCEPTED, outbox_schemas.RetriedMail, *ONE),
    openapi_extra=headers(HTTPStatus.ACCEPTED, Location="Where to follow the mail."),
    summary="Retry a mail",
)
def retry_mail(request: ApiRequest, response: HttpResponse, mail_id: RowId) -> Status[outbox_schemas.RetriedMail]:
    """Try to send an unsent mail or message now, also one that failed. A sent mail is left as it is."""
    from connections.tasks import enqueue_sending

    row = notification_reads.mail(mail_id)
    if row is None:
        raise Http404
    try_again(row, now=timezone.now())
    otherwise = "The mail or message is sent when the scheduler and a worker are back."
    warnings = start(lambda: enqueue_sending(row), otherwise=otherwise)
    shown = _shown(mail_id)
    response.headers["Location"] = shown.url
    return Status(HTTPStatus.ACCEPTED, outbox_schemas.RetriedMail(**shown.model_dump(), warnings=warnings))


def _shown(mail_id: int) -> outbox_schemas.Mail:
    row = notification_reads.mail(mail_id)
    if row is None:
        raise Http404
    return representations.mail(row)
