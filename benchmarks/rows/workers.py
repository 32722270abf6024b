"""Row 4: two and four workers on Redis and PostgreSQL, where waiting for Azure DevOps dominates."""

from collections.abc import Iterator

from benchmarks.audits import audit_all, make_auditable, team
from benchmarks.place import cpu_seconds, sandbox
from benchmarks.result import Measured
from tests.servers.running import redis

LATENCY = 0.5
WIDTH = 8
ORGANIZATIONS = 16


def measure(*, short: bool) -> Iterator[Measured]:
    """As many audits for every worker, each of its own people, so that all have something to do to the end."""
    waves = 1 if short else 4
    latency = 0.05 if short else LATENCY
    count = 4 * WIDTH * waves
    scale = ("--organizations", str(ORGANIZATIONS), "--projects", "1", "--repositories", "1")
    with sandbox("--latency", str(latency), *scale) as (url, pid), redis() as broker:
        make_auditable(url, count, organizations=ORGANIZATIONS)
        seconds, shares = {}, {}
        for workers in (1, 2, 4):
            with team(broker.url, url, workers=workers, width=WIDTH, paced=False):
                busy = cpu_seconds(pid)
                seconds[workers], _ = audit_all(url)
                shares[workers] = (cpu_seconds(pid) - busy) / seconds[workers]
    for workers, goal in ((2, 1.9), (4, 3.6)):
        facts = {
            "one worker": seconds[1],
            f"{workers} workers": seconds[workers],
            "share of one core used by the sandbox": shares[workers],
        }
        work = f"{count} audits of {latency:g} s an answer by {workers} workers, {WIDTH} at once each"
        yield Measured(4, work, "one worker", seconds[1] / seconds[workers], goal, more_is_better=True, facts=facts)
