"""Row 5: the Code Repositories page with ten thousand connections and a million events."""

from collections.abc import Iterator
from functools import partial

from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.data import make_connections, make_events, make_repositories
from benchmarks.place import analyze
from benchmarks.result import Measured, calls_of, side_by_side
from connections.list_pages import PAGE_SIZE
from connections.models import Connection

PAGE, REPOSITORIES = "/code-repositories/", "/repositories/"
LIST = "the list"
ASKED = {
    LIST: "",
    "the last page": "?page=9999999",
    "search": "?q=payments+12",
    "search for two letters": "?q=ay",
    "search while typing": "?q=payments+12",
    "healthy": "?status=healthy",
    "rejected": "?status=rejected",
    "needs attention": "?status=attention",
    "expiring soon": "?status=soon",
    "expired": "?status=expired",
    "no date": "?status=not_recorded",
    "owner inactive": "?status=owner_left",
    "disabled": "?status=disabled",
    "by expiry": "?sort=expiry",
    "by check": "?sort=checked",
    "one day": f"?on={timezone.localdate()}",
}
# A browser with JavaScript replaces the rows alone.
_TYPING = {"search while typing": {"HX-Request": "true", "HX-Target": "listing"}}
_GOALS = dict.fromkeys(("search", "search for two letters", "search while typing"), 1.3)


def measure(*, short: bool) -> Iterator[Measured]:
    """First empty, then with one full page, then with everything, then empty again; rendered in this process.

    Each of the pages is measured amid all others, the empty one too: one that is asked for again and again finds
    everything warm. The floor is the quicker of the two empty ones, as the machine is not always equally quick.
    """
    times = 3 if short else 40
    browser = Client()
    browser.force_login(User.objects.create_superuser("bench"))
    empty = _all(browser, times)[LIST]
    make_connections(PAGE_SIZE, ending_within=90)
    full = _all(browser, times)
    make_connections((200 if short else 10_000) - PAGE_SIZE, first=PAGE_SIZE)
    make_events(2_000 if short else 1_000_000, until=timezone.now())
    analyze()
    many, count = _all(browser, times), Connection.objects.count()
    make_repositories(100 if short else 1000)
    analyze()
    choosing = list(_choosing(browser, times))
    work_of = {name: list(_work(browser, name)) for name in ASKED}
    Connection.objects.all().delete()
    analyze()
    empty = min(empty, _all(browser, times)[LIST])
    yield from choosing
    for name in ASKED:
        facts = {"empty": empty, "with one page": full[name], f"with {count:,}": many[name]}
        work = f"Code Repositories with {count:,}: {name}"
        yield Measured(5, work, "the page when empty", many[name] / empty, _GOALS.get(name, 2.0), facts=facts)
        if name == LIST:
            yield Measured(5, f"the same: {name}", "itself with one full page", many[name] / full[name], 1.3)
        yield from work_of[name]


def _choosing(browser: Client, times: int) -> Iterator[Measured]:
    """The pages on which connections are chosen, beside the list: one person owns all of them."""
    leaving, count = User.objects.create_user("leaving"), Connection.objects.count()
    Connection.objects.update(owner=leaving)
    analyze()
    pages = {"Repositories": REPOSITORIES, "the page of their owner": f"/people/{leaving.pk}/"}
    taken = side_by_side([partial(_get, browser, page) for page in (PAGE, *pages.values())], times)
    for (name, page), seconds in zip(pages.items(), taken[1:], strict=True):
        work = f"{name}, with {count:,} connections to choose from"
        yield Measured(5, work, "the list of connections", seconds / taken[0], 1.2)
        yield Measured(5, f"{work}: its size", "", _get(browser, page) / 1000, 40.0, unit="KB")


def _all(browser: Client, times: int) -> dict[str, float]:
    """The median of each page."""
    return dict(zip(ASKED, side_by_side([partial(_ask, browser, name) for name in ASKED], times), strict=True))


def _work(browser: Client, name: str) -> Iterator[Measured]:
    """What a page takes by itself, which does not depend on other work: queries, function calls, bytes."""
    _ask(browser, name)
    with CaptureQueriesContext(database) as queries:
        size = _ask(browser, name) / 1000
    is_part = name in _TYPING
    yield Measured(5, f"the same: {name}", "", len(queries), 10, unit="queries")
    calls = calls_of(partial(_ask, browser, name)) / 1000
    yield Measured(5, f"the same: {name}", "", calls, 20 if is_part else 32, unit="thousand function calls")
    yield Measured(5, f"the same: {name}", "", size, 60 if is_part else 120, unit="KB")


def _ask(browser: Client, name: str) -> int:
    return _get(browser, PAGE + ASKED[name], _TYPING.get(name))


def _get(browser: Client, address: str, headers: dict[str, str] | None = None) -> int:
    """The size of the page in bytes."""
    response = browser.get(address, headers=headers)
    assert response.status_code == 200
    return len(response.content)
