"""Row 3: auditing two thousand connections with one worker."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event, Thread
from time import perf_counter

import requests

from benchmarks.audits import (
    AskedFor,
    audit_all,
    log_of,
    make_auditable,
    requests_of_one,
    running_broker,
    settled,
    team,
)
from benchmarks.place import cpu_seconds, peak_memory, sandbox
from benchmarks.result import Measured
from connections.models import Connection
from sandbox.samples import secret
from sandbox.scale import bench_name

LATENCY = 0.1
WIDTH = 16
Seen = tuple[str, str, str, str]


def measure(*, short: bool) -> Iterator[Measured]:
    """Sandbox, worker, scheduler and broker have processes of their own."""
    organizations = 10 if short else 200
    steps = (20, 40, 60) if short else (500, 2_000, 10_000)
    scale = ("--organizations", str(organizations), "--projects", "1", "--repositories", "1")
    with sandbox("--latency", str(LATENCY), *scale) as (url, pid), running_broker() as broker:
        make_auditable(url, steps[0], organizations=organizations)
        floor = _bare(url, requests_of_one(url), [number % organizations for number in range(20 if short else 320)])
        with team(broker, url, width=WIDTH, paced=False) as (worker,):
            per_connection, facts = [], {}
            for count in steps:
                make_auditable(url, count - Connection.objects.count(), organizations=organizations)
                busy = cpu_seconds(pid), cpu_seconds(worker)
                took, asked = audit_all(url)
                per_connection.append(took / count)
                facts[f"{count:,}"] = {
                    "requests a second": asked / took,
                    "bare": floor,
                    "share of one core used by the sandbox": (cpu_seconds(pid) - busy[0]) / took,
                    "by the worker": (cpu_seconds(worker) - busy[1]) / took,
                    "MB of the worker at its peak": peak_memory(worker),
                }
        small, middle, large = (f"{count:,}" for count in steps)
        work = f"audit of {middle} connections by one worker, {WIDTH} at once"
        value = facts[middle]["requests a second"] / floor
        yield Measured(3, work, "a thread pool as wide", value, 0.85, more_is_better=True, facts=facts[middle])
        peaks = {count: found["MB of the worker at its peak"] for count, found in facts.items()}
        yield Measured(3, f"{work}: peak of the worker", "", peaks[middle], 150.0, unit="MB", facts=peaks)
        growth = per_connection[2] / per_connection[0]
        yield Measured(3, f"time for each connection at {large}", f"at {small}", growth, 1.1, facts=facts[large])
        yield _paced(url, broker)


def _bare(url: str, asked: list[AskedFor], organizations: list[int]) -> float:
    """Requests a second of a bare thread pool that asks the same."""

    def ask(number: int) -> None:
        name = bench_name(number)
        with requests.Session() as session:
            session.auth = ("", secret(name))
            for method, path, query in asked:
                address = f"{url}{path.replace(bench_name(0), name, 1)}?{query}"
                session.request(method, address, json=None if method == "GET" else {}, timeout=60)

    with ThreadPoolExecutor(WIDTH) as pool:
        begun = perf_counter()
        list(pool.map(ask, organizations))
        return len(asked) * len(organizations) / (perf_counter() - begun)


def _paced(url: str, broker: str) -> Measured:
    """Two at once for each organization and person: the most that were ever under way, by the sandbox's own log."""
    Connection.objects.exclude(organization__in=[bench_name(number) for number in range(10)]).delete()
    keep = Connection.objects.order_by("pk").values_list("pk", flat=True)[:100]
    Connection.objects.exclude(pk__in=list(keep)).delete()
    seen: set[Seen] = set()
    over = Event()

    def watch() -> None:
        while not over.wait(0.3):
            seen.update(_log(url))

    with team(broker, url, width=WIDTH) as _:
        settled(url)
        before = _log(url)
        watcher = Thread(target=watch)
        watcher.start()
        took, asked = audit_all(url)
        over.set()
        watcher.join()
    seen -= before
    facts = {"requests": asked, "seen in the log": len(seen), "seconds": took}
    work = "audit with the pace set: requests of one organization under way at once"
    return Measured(3, work, "", _most_at_once(seen), 2, unit="at once", facts=facts)


def _log(url: str) -> set[Seen]:
    return {(seen["at"], seen["method"], seen["path"], seen["query"]) for seen in log_of(url)}


def _most_at_once(seen: set[Seen]) -> int:
    begun: dict[str, list[datetime]] = defaultdict(list)
    for at, _, path, _ in sorted(seen):
        begun[path.split("/")[1]].append(datetime.fromisoformat(at))
    lasting = timedelta(seconds=LATENCY)
    return max(sum(at <= other < at + lasting for other in ats) for ats in begun.values() for at in ats)
