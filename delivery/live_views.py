"""What lists that are live while they are open have in common: filters, watching, and how fresh they are."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from django.utils import timezone

from connections import clients
from connections.domain.problems import catalogue
from core.tasks import BrokerUnavailable, enqueue
from delivery import reads
from delivery.forms import PipelineFilterForm
from delivery.live import polling
from delivery.models import PollSubscription
from delivery.reads import PipelineFilters


def subscribe(projects: Iterable[int], kind: str) -> list[PollSubscription]:
    """Subscribe to the projects of a page; enqueue a poll when one of them is new."""
    from delivery.tasks import poll_due

    found, is_new = polling.subscribe(projects, kind, now=timezone.now())
    if is_new:
        # Without a broker the page shows what is known and since when; the scheduler polls on its own.
        with suppress(BrokerUnavailable):
            enqueue(poll_due)
    return list(found.values())


def freshness(watches: Iterable[PollSubscription]) -> dict[str, Any]:
    """When what a page shows was last read, and what could not be read, in the catalogue's words."""
    found = list(watches)
    read = [subscription.read_at for subscription in found if subscription.read_at is not None]
    problems = Counter(_words(subscription for subscription in found if subscription.problem))
    return {
        "read_at": min(read) if read and len(read) == len(found) else None,
        "watched": len(found),
        "troubles": [{"problem": problem, "count": count} for problem, count in problems.items()],
    }


def _words(troubled: Iterable[PollSubscription]) -> Iterator[catalogue.Problem]:
    """What could not be read, in the words of each one's server."""
    found = list(troubled)
    servers = reads.servers_of_projects([subscription.project_id for subscription in found])
    for subscription in found:
        yield catalogue.problem(subscription.problem, place=clients.place_of(servers.get(subscription.project_id, "")))


def chosen(form: PipelineFilterForm) -> PipelineFilters:
    """What a person asked for; the form learns which connections and projects there are to choose from."""
    form.is_valid()
    data = form.cleaned_data
    connection, project = data.get("connection"), data.get("project")
    home = reads.connection_of_project(project)
    if home is not None and connection not in (None, home):
        # Another connection was chosen since.
        project = None
    form.offer("connection", reads.connections_to_choose())
    place = connection or home
    form.offer("project", reads.projects_to_choose(place) if place else [])
    texts = {name: data.get(name) or "" for name in ("q", "state", "sort")}
    return PipelineFilters(**texts, connection=connection, project=project)
