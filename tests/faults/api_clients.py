"""Programs that change the same few connections through the REST API at the same time, each change an increment.

The name of a connection holds a count, and who changed it last: an update that changes nothing succeeds even if it is
stale. A client reads the name and its ETag, and writes the next number with `If-Match`. A lost update is a count that
is smaller than the number of changes that succeeded.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any

import requests

PATIENCE = 60
SETTINGS = ("expires_on", "token_reach", "extra_recipients")


@dataclass
class Client:
    """A program with a token, and what it was answered."""

    site: str
    token: str
    number: int
    statuses: Counter[int] = field(default_factory=Counter)
    changes: Counter[int] = field(default_factory=Counter)
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        """The response, whatever it is."""
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        address = f"{self.site}/api/v1{path}"
        response = self.session.request(method, address, headers=headers, timeout=PATIENCE, **more)
        self.statuses[response.status_code] += 1
        return response

    def count_up(self, connection_id: int) -> None:
        """Read a connection, and write its name with the next number."""
        read = self.call("GET", f"/connections/{connection_id}")
        if read.status_code != 200:
            return
        settings = {name: read.json()[name] for name in SETTINGS}
        body = settings | {"projects": None, "name": self.next_name(connection_id, read.json()["name"])}
        headers = {"If-Match": read.headers["ETag"]}
        written = self.call("PUT", f"/connections/{connection_id}", json=body, headers=headers)
        self.changes[connection_id] += written.status_code == 200

    def next_name(self, connection_id: int, name: str) -> str:
        """The name after one more change by this client."""
        return f"Connection {connection_id} after {count_in(name) + 1} changes, the last by {self.number}"

    def work(self, connection_ids: Sequence[int], is_over: Callable[[], bool]) -> None:
        """Change and list connections until it is over."""
        for step in count(self.number):
            if is_over():
                return
            self.count_up(connection_ids[step % len(connection_ids)])
            if step % 5 == 0:
                self.call("GET", "/connections?limit=20")


def count_in(name: str) -> int:
    """The count that a name says; 0 for the name that a connection had before."""
    found = re.search(r" after (\d+) changes", name)
    return int(found[1]) if found else 0


@dataclass(frozen=True)
class Outcome:
    """What all clients together were answered, and the changes that nobody finds in the connections."""

    statuses: Counter[int]
    changes: int
    lost: int

    @property
    def faults(self) -> int:
        """How many responses were 5xx."""
        return sum(number for status, number in self.statuses.items() if status >= 500)


def run(site: str, tokens: Sequence[str], connection_ids: Sequence[int], seconds: float) -> Outcome:
    """Let one client for each token work for some seconds."""
    clients = [Client(site, token, number) for number, token in enumerate(tokens)]
    end = monotonic() + seconds
    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(lambda client: client.work(connection_ids, lambda: monotonic() > end), clients))
    statuses = sum((client.statuses for client in clients), Counter[int]())
    changes = sum((client.changes for client in clients), Counter[int]())
    stored = {pk: count_in(clients[0].call("GET", f"/connections/{pk}").json()["name"]) for pk in connection_ids}
    lost = sum(abs(changes[pk] - stored[pk]) for pk in connection_ids)
    return Outcome(statuses, changes.total(), lost)
