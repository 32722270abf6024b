"""What lists that are live while they are open have in common: watching, how fresh they are, what limits them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from django.utils import timezone
from django.utils.http import urlencode
from kombu.exceptions import OperationalError

from connections import clients, messages
from connections.models import Connection
from delivery.actions import watching
from delivery.models import Project, Watch
from delivery.queries import PipelineFilters
from delivery.tasks import poll_due


def watch(projects: Iterable[int], kind: str) -> list[Watch]:
    """Keep the projects of a page watched; ring the bell when there is something new to read."""
    found, is_new = watching.look(projects, kind, now=timezone.now())
    if is_new:
        # Without a broker the page shows what is known and since when; the clock comes by itself.
        with suppress(OperationalError):
            poll_due.delay()
    return list(found.values())


def freshness(watches: Iterable[Watch]) -> dict[str, Any]:
    """When what a page shows was last read, and what could not be read, in the catalogue's words."""
    found = list(watches)
    read = [one.read_at for one in found if one.read_at is not None]
    problems = Counter(_words(one for one in found if one.problem))
    return {
        "read_at": min(read) if read and len(read) == len(found) else None,
        "watched": len(found),
        "troubles": [{"problem": problem, "count": count} for problem, count in problems.items()],
    }


def _words(troubled: Iterable[Watch]) -> Iterator[messages.Problem]:
    """What could not be read, in the words of each one's server."""
    found = list(troubled)
    projects = Project.objects.filter(pk__in=[one.project_id for one in found])
    servers = dict(projects.values_list("pk", "connection__server")) if found else {}
    for one in found:
        yield messages.problem(one.problem, place=clients.place_of(servers.get(one.project_id, "")))


def only(filters: PipelineFilters, here: str) -> list[dict[str, str]]:
    """The connection and the project that the list at the address `here` is limited to, each with the way out."""
    found = []
    kept = {"q": filters.q, "state": filters.state, "sort": filters.sort}
    if filters.project is not None:
        project = Project.objects.filter(pk=filters.project).first()
        more = {"connection": str(filters.connection)} if filters.connection else {}
        label = f"Project {project.name if project else '?'}"
        found.append({"label": label, "url": f"{here}?{urlencode(kept | more)}"})
    if filters.connection is not None:
        connection = Connection.objects.filter(pk=filters.connection).first()
        label = f"Connection {connection.name if connection else '?'}"
        found.append({"label": label, "url": f"{here}?{urlencode(kept)}"})
    return found
