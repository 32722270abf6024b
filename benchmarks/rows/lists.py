"""Row 5: the Code Repositories page with ten thousand connections and a million events."""

from collections.abc import Iterator
from functools import partial

from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.data import make_connections, make_events
from benchmarks.result import Measured, side_by_side
from connections.models import Connection
from connections.queries import PAGE_SIZE

PAGE = "/code-repositories/"
ASKED = {
    "the list": "",
    "the last page": "?page=9999999",
    "search": "?q=payments+12",
    "status": "?status=rejected",
    "attention": "?status=attention",
    "by expiry": "?sort=expiry",
    "by check": "?sort=checked",
    "one day": f"?on={timezone.localdate()}",
}


def measure(*, short: bool) -> Iterator[Measured]:
    """First empty, then with one full page, then with everything; the page is rendered in this process."""
    times = 3 if short else 40
    browser = Client()
    browser.force_login(User.objects.create_superuser("bench"))
    (empty,) = side_by_side([partial(_get, browser, "")], times)
    make_connections(PAGE_SIZE, ending_within=90)
    full = dict(
        zip(ASKED, side_by_side([partial(_get, browser, query) for query in ASKED.values()], times), strict=True)
    )
    make_connections((200 if short else 10_000) - PAGE_SIZE, first=PAGE_SIZE)
    make_events(2_000 if short else 1_000_000, until=timezone.now())
    _analyze()
    many = dict(
        zip(ASKED, side_by_side([partial(_get, browser, query) for query in ASKED.values()], times), strict=True)
    )
    count = Connection.objects.count()
    for name, query in ASKED.items():
        with CaptureQueriesContext(database) as queries:
            _get(browser, query)
        facts = {"empty": empty, "with one page": full[name], f"with {count:,}": many[name], "queries": len(queries)}
        yield Measured(
            5, f"Code Repositories with {count:,}: {name}", "the page when empty", many[name] / empty, 2.0, facts=facts
        )
        if name == "the list":
            yield Measured(5, f"the same: {name}", "itself with one full page", many[name] / full[name], 1.3)
            yield Measured(5, f"the same: {name}", "", len(queries), 8, unit="queries")


def _get(browser: Client, query: str) -> None:
    assert browser.get(PAGE + query).status_code == 200


def _analyze() -> None:
    """What PostgreSQL does by itself within a minute, and what an operator of SQLite does."""
    with database.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if database.vendor == "postgresql" else "ANALYZE")
