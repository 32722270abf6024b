"""Notices about a replaced token: whether it can be revoked now."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils import timezone

from connections import clients, rotation_reads
from connections.domain.rotation_plan import BulkRotation
from connections.filters import WithinForm
from connections.models import Connection
from connections.old_tokens import OldToken
from connections.views.common import rotation_step_url


@dataclass(frozen=True, slots=True)
class OldTokenView:
    """An old token as a page shows it. `update_url` starts a rotation of the enabled connections that still use it."""

    person: str
    account: str
    organization: str
    tokens_page: str
    still_used_by: tuple[Connection, ...]
    update_url: str


def old_token_view(old: OldToken, request: HttpRequest) -> OldTokenView:
    """The old token with the links that the current user may follow."""
    try:
        page = clients.server(old.server).tokens_page(old.organization)
    except clients.UnknownServer:
        page = ""
    enabled = [connection.pk for connection in old.still_used_by if not connection.disabled]
    may_rotate = request.user.has_perm("connections.rotate_connection")
    url = _rotation_url(enabled) if enabled and may_rotate else ""
    return OldTokenView(old.person, old.account, old.organization, page, old.still_used_by, url)


def _rotation_url(connection_ids: list[int]) -> str:
    steps = rotation_reads.steps_through(connection_ids)
    return rotation_step_url(BulkRotation.starting(steps, now=timezone.now(), within=WithinForm.DEFAULT))
