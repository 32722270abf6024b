"""The types of events about API tokens."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from api.models import ApiToken
from connections.event_types import mailed, people_and_channels
from history.event_types import EventType, SubjectKind


def _created(detail: dict[str, Any]) -> str:
    count, connections = len(detail["permissions"]), detail["connections"]
    permissions = f"{count} permission{'' if count == 1 else 's'}"
    where = "all connections" if connections == "all" else f"{connections} connection{'' if connections == 1 else 's'}"
    return f"For {detail['owner']}: {permissions}, {where}, valid for {detail['days']} days"


def _reminded(detail: dict[str, Any]) -> str:
    whom, left = people_and_channels(detail), detail["days_left"]
    return f"{whom}, {left} day{'' if left == 1 else 's'} before it expires" if left > 0 else f"{whom}, on its last day"


def _revoked(detail: dict[str, Any]) -> str:
    return f"Of {detail['owner']}"


KINDS = {
    "api_token.created": EventType("API token created", "key-round", "info", _created),
    "api_token.reminded": EventType("API token: reminded", "bell", "info", _reminded),
    "api_token.reminder_withdrawn": EventType("API token: reminder withdrawn", "mail-x", "quiet", mailed),
    "api_token.revoked": EventType("API token revoked", "key-round", "warn", _revoked),
}


def _links(ids: Iterable[int]) -> dict[int, str]:
    there = ApiToken.objects.filter(pk__in=ids).order_by().values_list("pk", flat=True)
    return {pk: reverse("api:all-tokens") for pk in there}


API_TOKENS = SubjectKind("API token", _links)
