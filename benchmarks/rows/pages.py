"""Row 20: twenty people on the five most used pages, with ten thousand connections, on the embedded default."""

from collections import defaultdict
from collections.abc import Iterator
from statistics import median

from benchmarks.audits import running_broker
from benchmarks.data import make_connections, make_pipelines, make_repositories
from benchmarks.place import analyze
from benchmarks.result import Measured
from benchmarks.rows.crowds import Crowd, p95, web
from connections.models import Connection

PEOPLE = 20
READING = (1.0, 2.0)
NOWHERE = "http://127.0.0.1:9"


def measure(*, short: bool) -> Iterator[Measured]:
    """Milliseconds, with the generator of the load on the same machine."""
    people, seconds = (5, 5.0) if short else (PEOPLE, 90.0)
    make_connections(200 if short else 10_000, ending_within=90)
    make_repositories(100 if short else 1_000)
    make_pipelines(100 if short else 1_000)
    analyze()
    pages = _pages()
    with running_broker() as broker, web(broker, NOWHERE) as site:
        crowd = Crowd(site, people, list(pages), reading=READING)
        # The first pages of a process are slow.
        crowd.look(seconds / 4)
        taken: dict[str, list[float]] = defaultdict(list)
        for page, needed in crowd.look(seconds):
            taken[pages[page]].append(needed * 1000)
    for name, milliseconds in taken.items():
        work = f"{people} people on the five most used pages: {name}, p95"
        facts: dict[str, float | int | str] = {"median": median(milliseconds), "pages": len(milliseconds)}
        yield Measured(20, work, "", p95(milliseconds), 120.0, unit="ms", facts=facts)
    yield Measured(20, f"{people} people on the five most used pages: errors", "", crowd.errors, 0, unit="errors")


def _pages() -> dict[str, str]:
    """Paths with the names of their pages, as often one as another."""
    details = {connection.get_absolute_url(): "a connection" for connection in Connection.objects.order_by("pk")[:3]}
    lists = {f"/code-repositories/{query}": "Code Repositories" for query in ("", "?page=2", "?status=attention")}
    searches = {f"/code-repositories/?q={word}": "a search" for word in ("payments", "shop", "nothing")}
    repositories = {f"/repositories/{query}": "Repositories" for query in ("", "?page=2", "?q=service+01")}
    builds = {f"/builds/{query}": "Builds" for query in ("", "?page=2", "?q=service+01")}
    return lists | details | searches | repositories | builds
