"""What every page can show."""

from collections.abc import Callable

from django.http import HttpRequest
from django.utils import timezone

from orchestrator import health
from orchestrator.health import Alarm


def alarms(request: HttpRequest) -> dict[str, Callable[[], list[Alarm]]]:
    """`alarms`, asked for only by a template that shows them: what stands still, for those who see connections."""

    def found() -> list[Alarm]:
        user = getattr(request, "user", None)
        if user is None or not user.has_perm("connections.view_connection"):
            return []
        return health.watch.alarms(now=timezone.now())

    return {"alarms": found}
