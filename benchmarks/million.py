"""`python -m benchmarks.million`: a full audit of a million connections, simulated. Seeded: the same in every run.

Azure DevOps allows each person 200 throughput units in five minutes and does not say what a request costs. One unit
for each is assumed here, so a person's tokens can be audited twenty times in five minutes.
https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
"""

import argparse
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random

# Whose token it is, its projects, and eight probes; one more where something was refused.
REQUESTS = 10
UNITS = 200
WINDOW = 300.0
# As AUDITS_PER_PERSON is by default.
AT_ONCE = 2
# Seconds that a request takes, one after another: most are quick, a few are not.
MEDIAN, SPREAD = 0.15, 0.5
SEED = 2026


@dataclass
class Person:
    """Who made the tokens, how many of their connections are left, and when their last audits began."""

    left: int
    running: int = 0
    begun: deque[float] | None = None

    def may_begin(self, now: float) -> float:
        """0 when an audit may begin now, otherwise when it may."""
        begun = self.begun = self.begun or deque()
        while begun and begun[0] + WINDOW <= now:
            begun.popleft()
        return begun[0] + WINDOW if (len(begun) + 1) * REQUESTS > UNITS else 0.0


@dataclass(frozen=True)
class Outcome:
    """What a simulation found. Times in seconds, `busy` from 0 to 1, `share` of audits that waited for a person."""

    took: float
    busy: float
    waited: float
    nearly: float


def people(connections: int, organizations: int, random: Random) -> list[Person]:
    """Most organizations are small and some are huge. One in twenty puts all its tokens on a single account."""
    weights = [random.paretovariate(1.5) for _ in range(organizations)]
    share = connections / sum(weights)
    found = []
    for weight in weights:
        size = max(1, round(weight * share))
        heads = 1 if random.random() < 0.05 else 1 + size // 20
        found += [Person(left) for left in (size // heads + (place < size % heads) for place in range(heads)) if left]
    return found


def simulate(everybody: list[Person], slots: int, random: Random) -> Outcome:
    """Audit everything once, `slots` audits at a time, nobody faster than Azure DevOps allows."""
    ready: deque[Person] = deque(everybody)
    events: list[tuple[float, int, Person, bool]] = []
    now, spent, running, done, waits, nearly, count = 0.0, 0.0, 0, 0, 0, 0.0, 0
    total = sum(person.left for person in everybody)
    while done < total:
        while running < slots and ready:
            person = ready.popleft()
            if later := person.may_begin(now):
                waits, count = waits + 1, count + 1
                heappush(events, (later, count, person, False))
                continue
            assert person.begun is not None
            person.begun.append(now)
            person.left, person.running = person.left - 1, person.running + 1
            length = sum(random.lognormvariate(0, SPREAD) for _ in range(REQUESTS)) * MEDIAN
            running, spent, count = running + 1, spent + length, count + 1
            heappush(events, (now + length, count, person, True))
            if person.left and person.running < AT_ONCE:
                ready.append(person)
        now, _, person, ended = heappop(events)
        if ended:
            running, done = running - 1, done + 1
            was_full, person.running = person.running == AT_ONCE, person.running - 1
            nearly = nearly or (now if done >= 0.99 * total else 0.0)
            if not was_full:
                # It stands in the queue, or waits for its window, already.
                continue
        if person.left:
            ready.append(person)
    return Outcome(now, spent / (now * slots), waits / total, nearly)


def table(connections: int, organizations: int, workers: list[int], threads: int) -> Iterator[str]:
    """A line for each number of workers."""
    yield f"{connections:,} connections, {organizations:,} organizations, {threads} audits at once in each worker"
    yield "workers   99 % done   all done   slots busy   audits that waited for a person"
    for number in workers:
        random = Random(SEED)
        found = simulate(people(connections, organizations, random), number * threads, random)
        took = f"{found.nearly / 3600:8.2f} h {found.took / 3600:8.2f} h"
        yield f"{number:>7} {took} {found.busy:11.0%} {found.waited:14.1%}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=1_000_000)
    parser.add_argument("--organizations", type=int, default=50_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[5, 10, 20, 40, 80])
    parser.add_argument("--threads", type=int, default=6, help="audits at once in each worker")
    given = parser.parse_args()
    for line in table(given.connections, given.organizations, given.workers, given.threads):
        print(line, flush=True)


if __name__ == "__main__":
    main()
