"""Row 12: a hundred people on the pages while an audit runs, on the embedded default."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from statistics import median, quantiles
from threading import Event, Thread
from time import perf_counter

import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from benchmarks.audits import answered, make_auditable, process, running_broker, settled, team, wait_until
from benchmarks.data import make_connections
from benchmarks.place import sandbox
from benchmarks.result import Measured
from connections.actions import audit_runs
from connections.models import AuditRun, Connection
from history.record import Actor
from orchestrator.free_ports import HOST, listen_near, port_of
from orchestrator.supervisor import process_specs

PEOPLE = 100
# Seconds between two pages of one person: what was opened is read first.
READING = (3.0, 7.0)
# A page and how many seconds it took.
Taken = tuple[str, float]
LATENCY = 0.1


def measure(*, short: bool) -> Iterator[Measured]:
    """Each person opens the list, a connection or a search, reads, and goes on."""
    people, seconds = (10, 5.0) if short else (PEOPLE, 60.0)
    organizations = 20 if short else 100
    scale = ("--organizations", str(organizations), "--projects", "1", "--repositories", "1")
    with ExitStack() as stack:
        url, _ = stack.enter_context(sandbox("--latency", str(LATENCY), *scale))
        broker = stack.enter_context(running_broker())
        make_connections(100 if short else 1_000, ending_within=90)
        # Enough that the audit goes on for as long as people look.
        make_auditable(url, 40 if short else 1_000, organizations=organizations)
        pages = _pages()
        site = stack.enter_context(web(broker, url))
        # As many at once as the product does by default.
        stack.enter_context(team(broker, url, width=max(1, settings.WORKER_THREADS - 2)))
        settled(url)
        crowd = Crowd(site, people, pages)
        # The first pages of a process are slow.
        crowd.look(seconds / 4)
        alone = _seconds(crowd.look(seconds))
        before = answered(url)
        run = audit_runs.start_by_hand(by=Actor("bench"), now=timezone.now())
        wait_until(lambda: answered(url) > before)
        beside = _seconds(crowd.look(seconds))
        went_on = AuditRun.objects.filter(pk=run.pk, finished_at=None).exists()
        asked = answered(url) - before
    facts: dict[str, float | int | str] = {
        "p95 alone": p95(alone),
        "p95 beside": p95(beside),
        "median alone": median(alone),
        "median beside": median(beside),
        "pages": len(alone) + len(beside),
        "requests of the audit": asked,
        "the audit went on to the end": str(went_on),
    }
    work = f"{people} people on the pages while an audit runs"
    yield Measured(12, f"{work}: p95", "the same without the audit", p95(beside) / p95(alone), 1.5, facts=facts)
    yield Measured(12, f"{work}: errors", "", crowd.errors, 0, unit="errors")


def _seconds(taken: list[Taken]) -> list[float]:
    return [seconds for _, seconds in taken]


def p95(seconds: list[float]) -> float:
    """The 95th percentile; of a single value, that."""
    return quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]


def _pages() -> list[str]:
    """What people open: half the list, a quarter a connection, a quarter a search."""
    details = [connection.get_absolute_url() for connection in Connection.objects.order_by("pk")[:200]]
    lists = ["/code-repositories/", "/code-repositories/?page=2", "/code-repositories/?status=attention"]
    searches = [f"/code-repositories/?q={word}" for word in ("payments", "shop", "ledger", "audited", "nothing")]
    random = Random(12)
    kinds = (lists, lists, details, searches)
    return [random.choice(random.choice(kinds)) for _ in range(997)]


@contextmanager
def web(broker: str, azure: str, **more: str) -> Iterator[str]:
    """gunicorn as `make run` starts it: its address."""
    with listen_near(0) as listener:
        servers = {"REDIS_URL": broker, "AZURE_DEVOPS_SERVERS": f"Sandbox={azure} kind=sandbox"}
        environment = os.environ | servers | more
        site = f"http://{HOST}:{port_of(listener)}"
        with process(process_specs.web(environment, listener.fileno())):
            # Whoever comes before it accepts waits in the queue of the socket.
            requests.get(f"{site}/healthz", timeout=60).raise_for_status()
            yield site


class Crowd:
    """So many people, signed in, each with a connection of its own to the site.

    `reading` is between how many seconds they look at a page.
    """

    def __init__(self, site: str, people: int, pages: list[str], *, reading: tuple[float, float] = READING) -> None:
        self.site = site
        self.pages = pages
        self.reading = reading
        self.errors = 0
        self._sessions = [self._signed_in(number) for number in range(people)]

    def _signed_in(self, number: int) -> requests.Session:
        browser = Client()
        browser.force_login(User.objects.create_superuser(f"person-{number}"))
        session = requests.Session()
        session.cookies.set(settings.SESSION_COOKIE_NAME, browser.cookies[settings.SESSION_COOKIE_NAME].value)
        return session

    def look(self, seconds: float) -> list[Taken]:
        """Let all people use the pages for some time; how long each page took."""
        over, taken = Event(), list[Taken]()
        people = [
            Thread(target=self._person, args=(session, Random(number), over, taken))
            for number, session in enumerate(self._sessions)
        ]
        for visitor in people:
            visitor.start()
        over.wait(seconds)
        over.set()
        for visitor in people:
            visitor.join()
        return taken

    def _person(self, session: requests.Session, chance: Random, over: Event, taken: list[Taken]) -> None:
        # People start at different moments.
        pause = chance.uniform(0, self.reading[1])
        while not over.wait(pause):
            page, begun = chance.choice(self.pages), perf_counter()
            answer = session.get(self.site + page, timeout=60)
            taken.append((page, perf_counter() - begun))
            self.errors += answer.status_code != 200
            pause = chance.uniform(*self.reading)
