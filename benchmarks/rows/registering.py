"""Row 17: the register with fifty thousand entries, and an import of a hundred thousand lines."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median, quantiles
from time import process_time

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from benchmarks.data import make_connections
from benchmarks.place import analyze, peak_memory
from benchmarks.result import Measured, seconds
from connections.actions import register_imports
from connections.actions.register_imports import ImportOptions
from connections.models import Connection, RegisterEntry
from history.record import Actor

PAGES = {"connections": "/code-repositories/", "register": "/code-repositories/register/"}
HEADER = "name,kind,organization,owner,purpose,used_by,scopes,expires_on\n"
BY = Actor("bench")


def measure(*, short: bool) -> Iterator[Measured]:
    """The import fills the register, whose list is then compared with that of as many connections."""
    owner = User.objects.create_superuser("bench")
    count = 2_000 if short else 100_000
    content = (HEADER + "".join(map(_line, range(count)))).encode()
    peak = peak_memory()
    took = seconds(partial(_import, content, owner))
    assert RegisterEntry.objects.count() == count
    facts = {"MB added at the peak": peak_memory() - peak, "MB of the file": len(content) / 1024**2}
    yield Measured(17, f"importing {count:,} lines into the register", "", took, 60, unit="s", facts=facts)
    yield Measured(17, "the same: memory above idle", "", facts["MB added at the peak"], 100, unit="MB")
    kept = RegisterEntry.objects.order_by("pk").values_list("pk", flat=True)[count // 2]
    RegisterEntry.objects.filter(pk__gte=kept).delete()
    make_connections(count // 2)
    assert Connection.objects.count() == RegisterEntry.objects.count()
    analyze()
    browser = Client()
    browser.force_login(owner)
    taken = _in_turns([partial(browser.get, page) for page in PAGES.values()], 5 if short else 60)
    listed, registered = taken
    facts = {name: p95 for name, (p95, _) in zip(PAGES, taken, strict=True)}
    work = f"the register with {count // 2:,} entries"
    yield Measured(17, f"{work}, p95", "the list of as many connections", registered[0] / listed[0], 1.2, facts=facts)
    facts = {name: used for name, (_, used) in zip(PAGES, taken, strict=True)}
    ratio = registered[1] / listed[1]
    yield Measured(17, f"{work}, processor time", "the list of as many connections", ratio, 1.2, facts=facts)


def _line(number: int) -> str:
    day = f"2027-{number % 12 + 1:02}-{number % 28 + 1:02}"
    uses = f"Service {number} https://dev.azure.com/acme/_build?definitionId={number}"
    return f"Credential {number},pat,org {number % 500},bench,Deploys service {number},{uses},Code (Read),{day}\n"


def _import(content: bytes, owner: User) -> None:
    now = timezone.now()
    started = register_imports.begin(content, "bench.csv", ImportOptions(owner), by=BY, now=now)
    register_imports.work(started.pk, clock=timezone.now)
    register_imports.start(started.pk, by=BY, now=now)
    register_imports.work(started.pk, clock=timezone.now)


def _in_turns(works: Sequence[Callable[[], object]], times: int) -> list[tuple[float, float]]:
    """The 95th percentile of the time and the median of the processor time of each, measured in turns."""
    taken: list[list[float]] = [[] for _ in works]
    used: list[list[float]] = [[] for _ in works]
    for work in works:
        work()
    for _ in range(times):
        for number, work in enumerate(works):
            begun = process_time()
            taken[number].append(seconds(work))
            used[number].append(process_time() - begun)
    return [(quantiles(some, n=20)[-1], median(others)) for some, others in zip(taken, used, strict=True)]
