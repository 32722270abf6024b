"""What pages of other apps show of this one."""

from typing import Any

from django import template
from django.template.context import RequestContext

from connections.models import Connection
from delivery.repositories.repository_list_views import sync_status_context

register = template.Library()


@register.inclusion_tag("delivery/sync_status.html", takes_context=True)
def holdings(context: RequestContext, connection: Connection) -> dict[str, Any]:
    """A card that says what was brought in of a connection."""
    return {"request": context["request"], **sync_status_context(context["request"], connection)}
