"""Notices about a replaced token: whether it can be revoked now."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils import timezone

from connections import clients, rotation_reads
from connections.domain.rotation_plan import BulkRotation, RotationStep
from connections.filters import WithinForm
from connections.old_tokens import OldToken
from connections.views.common import rotation_step_url


@dataclass(frozen=True, slots=True)
class OldTokenView:
    """An old token as a page shows it. `update_url` starts a rotation of the enabled connections that still use it."""

    token: OldToken
    tokens_page: str
    update_url: str


def old_token_view(old: OldToken, request: HttpRequest) -> OldTokenView:
    """The old token with the links that the current user may follow."""
    enabled = [connection.pk for connection in old.still_used_by if not connection.disabled]
    may_rotate = request.user.has_perm("connections.rotate_connection")
    # A new credential of an application is for all its connections, whatever the token policy says about tokens.
    steps = [tuple(enabled)] if old.application else rotation_reads.steps_through(enabled)
    url = _rotation_url(steps) if enabled and may_rotate else ""
    return OldTokenView(old, clients.tokens_page(old.server, old.organization), url)


def _rotation_url(steps: list[RotationStep]) -> str:
    return rotation_step_url(BulkRotation.starting(steps, now=timezone.now(), within=WithinForm.DEFAULT))
