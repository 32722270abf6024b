"""Fifty people connect, test, rotate and disconnect the same five connections at once: nothing is lost or half-done."""

import itertools
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest

from tests.faults.azure import SPARE, spare_token
from tests.faults.browser import Browser, connection_in
from tests.faults.ground import Ground
from tests.faults.parts import manage
from tests.faults.stack import Stand
from tests.faults.waiting import Stopwatch, measured

pytestmark = pytest.mark.faults
PEOPLE, SECONDS = 50, 30.0
NAMES = [f"Crowded {number}" for number in range(5)]
ACTS = ("connected", "tested", "rotated", "disconnected")
EVENTS = "SELECT kind, actor_name, subject_id, detail FROM history_event WHERE subject_kind = 'connection' ORDER BY id"


class Crowd:
    """What all of them share: where each name leads at the moment, and a fresh token for whoever wants one."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.where: dict[str, int] = {}
        self.done: Counter[tuple[str, str]] = Counter()
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def credentials(self) -> dict[str, Any]:
        """A token that nobody else has, with a date by which it can be told."""
        with self._lock:
            number = next(self._numbers) % SPARE
        day = (_date_of(number)).isoformat()
        return {"token": spare_token(number), "token_reach": "one", "expires": "date", "expires_on": day}

    def forget(self, name: str, pk: int) -> None:
        """That a connection is gone, unless somebody has made a new one of this name meanwhile."""
        with self._lock:
            if self.where.get(name) == pk:
                del self.where[name]

    def count(self, act: str, person: str) -> None:
        """That the pages told `person` that it is done."""
        with self._lock:
            self.done[f"connection.{act}", person] += 1


def _date_of(number: int) -> date:
    return date.today() + timedelta(days=20 + number)  # noqa: DTZ011 - a day that a person types


class Person:
    """One of the crowd."""

    def __init__(self, crowd: Crowd, site: str, name: str) -> None:
        self.crowd, self.name = crowd, name
        self.browser = Browser(site, name)
        self.acts: list[Callable[[str, int], None]] = [self.look, self.rotate, self.rotate, self.test, self.test]

    def live(self, until: Callable[[], bool]) -> None:
        """Do one thing after another to one of the five."""
        while not until():
            name = self.crowd.chance.choice(NAMES)
            pk = self.crowd.where.get(name)
            if pk is None:
                self.connect(name)
            elif self.crowd.chance.random() < 0.04:
                self.disconnect(name, pk)
            else:
                self.crowd.chance.choice(self.acts)(name, pk)

    def connect(self, name: str) -> None:
        fields = self.crowd.credentials() | {"name": name, "organization": "acme", "projects_mode": "all"}
        answer = self.browser.post("/code-repositories/add/azure-devops/", **fields)
        if answer.status_code == 302:
            self.crowd.count("connected", self.name)
            self.crowd.where[name] = connection_in(answer)

    def disconnect(self, name: str, pk: int) -> None:
        path = f"/code-repositories/{pk}/disconnect/"
        answer = self.browser.post(path, confirm_name=name, version=self.browser.version_on(path))
        if f"<h1>{name} is disconnected</h1>" in answer.text:
            self.crowd.count("disconnected", self.name)
        self.crowd.forget(name, pk)

    def rotate(self, _name: str, pk: int) -> None:
        path = f"/code-repositories/{pk}/token/"
        version = self.browser.version_on(path)
        answer = self.browser.post(path, version=version, **self.crowd.credentials())
        if answer.status_code == 302:
            self.crowd.count("rotated", self.name)

    def test(self, _name: str, pk: int) -> None:
        answer = self.browser.post(f"/code-repositories/{pk}/test/")
        if answer.status_code == 200:
            self.crowd.count("tested", self.name)

    def look(self, _name: str, pk: int) -> None:
        self.browser.get(f"/code-repositories/{pk}/")


def test_fifty_people_at_the_same_five_connections(ground: Ground, stand: Stand, chance: random.Random) -> None:
    crowd = Crowd(chance)
    with stand(ground, settings={"MAIL_LEASE_SECONDS": "120"}) as stack:
        stack.start(stack.azure, stack.web())
        names = stack.fill("people", count=PEOPLE)
        with ThreadPoolExecutor(PEOPLE) as pool:
            people = list(pool.map(lambda name: Person(crowd, stack.web_url, name), names))
            watch = Stopwatch()
            list(pool.map(lambda one: one.live(lambda: watch.seconds > SECONDS), people))
            took = watch.seconds
        statuses = Counter(status for one in people for status in one.browser.statuses)
        events = ground.ask(EVENTS)
        _nobody_met_an_error(statuses)
        _every_act_is_one_event(crowd, events)
        _the_last_act_is_what_stands(ground, stack.fill("kept_tokens"), events)
        manage(stack.environment, "manage.py", "history", "seal")
        found = json.loads(manage(stack.environment, "manage.py", "history", "verify", "--json"))
        assert (found["holds"], found["unsealed"]) == (True, 0)
    done = Counter(kind for kind, _, _, _ in events)
    measured(
        f"{PEOPLE} people on {ground.name}",
        seconds=took,
        answers=statuses.total(),
        **{act: done[f"connection.{act}"] for act in ACTS},
    )
    assert all(done[f"connection.{act}"] for act in ("connected", "tested", "rotated"))


def _nobody_met_an_error(statuses: Counter[int]) -> None:
    # 404 is what is left of a connection that somebody disconnected a moment ago.
    assert set(statuses) <= {200, 302, 404}, statuses


def _every_act_is_one_event(crowd: Crowd, events: list[tuple[Any, ...]]) -> None:
    found = Counter((kind, person) for kind, person, _, _ in events)
    # Of two who disconnect the same one at the same moment both are told that it is disconnected.
    too_late = crowd.done - found
    assert {kind for kind, _ in too_late} <= {"connection.disconnected"}
    assert found == crowd.done - too_late
    gone = Counter(connection for kind, _, connection, _ in events if kind == "connection.disconnected")
    assert set(gone.values()) <= {1}


def _the_last_act_is_what_stands(ground: Ground, kept: dict[str, int], events: list[tuple[Any, ...]]) -> None:
    """The newest event about a token names the date of the one that is kept, and the connection's row says the same."""
    expected: dict[str, str] = {}
    for kind, _, connection, detail in events:
        if kind in ("connection.connected", "connection.rotated"):
            detail = detail if isinstance(detail, dict) else json.loads(detail)
            expected[str(connection)] = detail["expires_on"]
        elif kind == "connection.disconnected":
            del expected[str(connection)]
    assert {pk: _date_of(number).isoformat() for pk, number in kept.items()} == expected
    rows = ground.ask("SELECT id, expires_on, health FROM connections_connection")
    assert {str(pk): str(day) for pk, day, _ in rows} == expected
    assert {health for _, _, health in rows} <= {"healthy"}
