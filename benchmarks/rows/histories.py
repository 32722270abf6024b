"""Row 6: the history page and its export with a million events."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from django.contrib.auth.models import User
from django.db import connection as database
from django.http import StreamingHttpResponse
from django.test import Client
from django.utils import timezone

from benchmarks.data import make_connections, make_events
from benchmarks.place import peak_memory
from benchmarks.result import Measured, seconds, side_by_side
from history.models import Event
from history.record import Actor

CHUNK = 64 * 1024


def measure(*, short: bool) -> Iterator[Measured]:
    """Pages first, then the whole export, drained without being kept."""
    browser = Client()
    browser.force_login(User.objects.create_superuser("bench"))
    make_connections(100)
    now, count = timezone.now(), 2_000 if short else 1_000_000
    make_events(count, until=now)
    # Older than all others, so that a page of them is as far away as it can be.
    make_events(100, until=now - timedelta(seconds=count), actor=Actor("Ann"))
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")
    queries = ("?automatic=on", "?automatic=on&end=oldest", "")
    first, last, by_people = side_by_side([partial(_page, browser, query) for query in queries], 3 if short else 30)
    events = f"{Event.objects.count():,} events"
    facts = {"first page": first, "last page": last, "without automatic events": by_people}
    yield Measured(6, f"history of {events}: the last page", "the first page", last / first, 1.2, facts=facts)
    yield Measured(6, "the same: without automatic events", "the first page", by_people / first, 1.2)
    yield from _export(browser, events)


def _page(browser: Client, query: str) -> None:
    assert browser.get(f"/history/{query}").status_code == 200


def _export(browser: Client, events: str) -> Iterator[Measured]:
    size = 0

    def export() -> None:
        nonlocal size
        size = _drain(browser.get("/history.csv"))

    before = peak_memory()
    ours = seconds(export)
    grown = peak_memory() - before
    chunk = b"x" * CHUNK
    bare = seconds(lambda: _drain(StreamingHttpResponse(chunk for _ in range(size // CHUNK))))
    facts = {"MB": size / 1e6, "export": ours, "bare streaming": bare, "MB a second": size / 1e6 / ours}
    yield Measured(6, f"CSV of {events}: memory it adds at its peak", "", grown, 16.0, unit="MB", facts=facts)


def _drain(answer: object) -> int:
    assert isinstance(answer, StreamingHttpResponse)
    return sum(map(len, answer))
