"""Variables for all templates."""

from collections.abc import Callable

from django.http import HttpRequest
from django.utils import timezone

from orchestrator import health
from orchestrator.health import Alarm


def alarms(request: HttpRequest) -> dict[str, Callable[[], list[Alarm]]]:
    """`alarms`, for people who can see connections. It is a function, so only templates that use it run the query."""

    def current_alarms() -> list[Alarm]:
        user = getattr(request, "user", None)
        if user is None or not user.has_perm("connections.view_connection"):
            return []
        return health.monitor.alarms(now=timezone.now())

    return {"alarms": current_alarms}
