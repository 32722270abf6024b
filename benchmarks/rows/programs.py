"""Row 16: the REST API beside the pages, ten thousand connections by cursor, fifty programs at once."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection as database
from django.test import Client, RequestFactory
from django.utils import timezone

from api.scopes import SCOPES
from benchmarks.audits import running_broker
from benchmarks.data import make_connections
from benchmarks.place import peak_memory, sandbox
from benchmarks.result import Measured, seconds, side_by_side
from benchmarks.rows.crowds import web
from connections.actions import versions
from connections.models import Connection
from history.models import Event
from tests.factories import make_token
from tests.faults import api_clients

API = "/api/v1"
PAGE_SIZE = 25
PROGRAMS, SECONDS = 50, 30.0


def measure(*, short: bool) -> Iterator[Measured]:
    """In this process first, then against gunicorn as `make run` starts it."""
    # Otherwise an idle machine would use up what a token may ask in a minute.
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    make_connections(200 if short else 10_000, ending_within=90)
    _analyze()
    owner = User.objects.create_superuser("bench")
    yield from _beside_pages(owner, times=3 if short else 40)
    yield from _by_cursor(owner)
    yield from _programs(owner, *((10, 3.0) if short else (PROGRAMS, SECONDS)))


def _program(owner: User) -> tuple[Client, str]:
    token = make_token(owner, *(scope.permission for scope in SCOPES))[1]
    return Client(headers={"Authorization": f"Bearer {token}"}), token


def _beside_pages(owner: User, *, times: int) -> Iterator[Measured]:
    """What a person does with one click: read a page of the list; disable a connection and enable it."""
    browser, (program, _) = Client(), _program(owner)
    browser.force_login(owner)
    row = Connection.objects.filter(disabled=False).earliest("pk")
    # The page sends the version that it was rendered from.
    shown = {"disable": versions.version(row, versions.DISABLE)}
    row.disabled = True
    shown["enable"] = versions.version(row, versions.DISABLE)
    acts: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        f"reading {PAGE_SIZE} connections": (
            lambda: _good(browser.get("/code-repositories/")),
            lambda: _good(program.get(f"{API}/connections?limit={PAGE_SIZE}")),
        ),
        "disabling and enabling a connection": (
            lambda: [_good(browser.post(f"{row.get_absolute_url()}{act}/", {"version": shown[act]})) for act in shown],
            lambda: [_good(program.post(f"{API}/connections/{row.pk}/{act}")) for act in shown],
        ),
    }
    for act, (by_page, by_api) in acts.items():
        page, ours = side_by_side([by_page, by_api], times)
        facts = {"by page": page, "by the API": ours}
        yield Measured(16, f"{act} by the API", "the same by page", ours / page, 1.5, facts=facts)


def _by_cursor(owner: User) -> Iterator[Measured]:
    """Every page of the list. The first tenth warms up what grows once.

    Without Django's test client, which keeps three objects of each request.
    """
    handler, factory = WSGIHandler(), RequestFactory(headers={"Authorization": f"Bearer {_program(owner)[1]}"})
    count = Connection.objects.count()
    pages = -(-count // PAGE_SIZE)
    address, taken, peak = f"{API}/connections?limit={PAGE_SIZE}", list[float](), 0.0

    def read() -> None:
        nonlocal address
        address = json.loads(_good(handler.get_response(factory.get(address))).content)["next"]

    while address:
        taken.append(seconds(read))
        if len(taken) == max(1, pages // 10):
            peak = peak_memory()
    assert len(taken) == pages
    tenth = max(1, pages // 10)
    first, last = sum(taken[:tenth]), sum(taken[-tenth:])
    facts = {"pages": pages, "all of it": sum(taken), "first tenth": first, "last tenth": last}
    work = f"{count:,} connections by cursor"
    yield Measured(16, f"{work}: the last tenth", "the first tenth", last / first, 1.3, facts=facts)
    yield Measured(16, f"{work}: memory added after the first tenth", "", peak_memory() - peak, 16.0, unit="MB")


def _programs(owner: User, programs: int, duration: float) -> Iterator[Measured]:
    """All change the same five connections, each from the version that it read."""
    tokens = [_program(owner)[1] for _ in range(programs)]
    ids = list(Connection.objects.order_by("pk").values_list("pk", flat=True)[:5])
    with ExitStack() as stack:
        url, _ = stack.enter_context(sandbox())
        broker = stack.enter_context(running_broker())
        site = stack.enter_context(web(broker, url, API_REQUESTS_PER_MINUTE="1000000"))
        begun = timezone.now()
        outcome = api_clients.run(site, tokens, ids, duration)
    events = Event.objects.filter(kind="connection.edited", at__gte=begun).count()
    facts: dict[str, float | int | str] = {
        "seconds": duration,
        "changes": outcome.changes,
        "responses": outcome.statuses.total(),
        "refused as stale": outcome.statuses[412],
    }
    work = f"{programs} programs at five connections"
    lost = outcome.lost + abs(events - outcome.changes)
    yield Measured(16, f"{work}: lost updates", "", lost, 0, unit="updates", facts=facts)
    yield Measured(16, f"{work}: errors", "", outcome.faults, 0, unit="5xx")


def _good(response: Any) -> Any:
    assert response.status_code < 400, response.content[:500]
    return response


def _analyze() -> None:
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")
