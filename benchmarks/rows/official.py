"""Row 19: audits, beside a program that sends the same requests by the official Python client.

The program stores nothing and looks up no addresses; each audit has a client of its own, as each has another token.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from statistics import median
from time import perf_counter, process_time

from azure.devops.client import Client as OfficialClient
from azure.devops.exceptions import AzureDevOpsServiceError
from msrest.authentication import BasicAuthentication
from msrest.universal_http import ClientRequest

from benchmarks.audits import AskedFor, audit_all, make_auditable, requests_of_one, running_broker, team
from benchmarks.place import cpu_seconds, sandbox
from benchmarks.result import Measured
from sandbox.samples import secret
from sandbox.scale import bench_name

WIDTH = 16
ORGANIZATIONS = 40
_HEADERS = {"Accept": "application/json;api-version=6.0", "X-TFS-FedAuthRedirect": "Suppress"}
# Its methods for single calls send by this one, which alone takes any request.
_send = OfficialClient._send_request  # noqa: SLF001 - it has no other way
# Processor time in milliseconds of an audit, and audits a second.
Cost = tuple[float, float]


def measure(*, short: bool) -> Iterator[Measured]:
    """In turns, with a sandbox that answers immediately."""
    count, pairs = (40, 1) if short else (600, 3)
    scale = ("--organizations", str(ORGANIZATIONS), "--projects", "1", "--repositories", "1")
    with sandbox(*scale) as (url, _), running_broker() as broker:
        make_auditable(url, count, organizations=ORGANIZATIONS)
        asked = requests_of_one(url)
        with team(broker, url, width=WIDTH, paced=False) as (worker,):
            audit_all(url)
            measured = [(_ours(url, worker, count), _theirs(url, asked, count)) for _ in range(pairs)]
    ours, theirs = ([pair[side] for pair in measured] for side in (0, 1))
    work = f"audits by one worker, {WIDTH} at once, from a sandbox that answers immediately"
    facts: dict[str, float | int | str] = {"ms": _median(ours, 0), "ms of the client": _median(theirs, 0)}
    ratio = median(our[0] / their[0] for our, their in measured)
    yield Measured(19, f"{work}: processor time", "the official client", ratio, 0.3, facts=facts)
    facts = {"a second": _median(ours, 1), "by the client": _median(theirs, 1)}
    ratio = median(our[1] / their[1] for our, their in measured)
    yield Measured(19, f"{work}: rate", "the official client", ratio, 3.5, more_is_better=True, facts=facts)


def _median(costs: list[Cost], which: int) -> float:
    return median(cost[which] for cost in costs)


def _ours(url: str, worker: int, count: int) -> Cost:
    before = cpu_seconds(worker)
    took, _ = audit_all(url)
    return (cpu_seconds(worker) - before) / count * 1000, count / took


def _theirs(url: str, asked: list[AskedFor], count: int) -> Cost:
    def ask(number: int) -> None:
        name = bench_name(number % ORGANIZATIONS)
        client = OfficialClient(base_url=f"{url}/{name}", creds=BasicAuthentication("", secret(name)))
        for method, path, query in asked:
            address = f"{url}{path.replace(bench_name(0), name, 1)}?{query}"
            content: dict[str, str] | None = None if method == "GET" else {}
            # Some of the requests are refused, as intended.
            with suppress(AzureDevOpsServiceError):
                _send(client, ClientRequest(method, address), headers=_HEADERS, content=content)

    with ThreadPoolExecutor(WIDTH) as pool:
        begun, spent = perf_counter(), process_time()
        list(pool.map(ask, range(count)))
        return (process_time() - spent) / count * 1000, count / (perf_counter() - begun)
