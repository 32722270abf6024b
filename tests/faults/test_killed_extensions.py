"""The process is killed at each step of an extension: the date that is stored is the one that Azure DevOps has."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import sleep

import pytest

from tests.faults.ground import Ground
from tests.faults.stack import Stand
from tests.faults.test_killed_renewals import IN_USE, LONG, PATS, Rule, Scene, scene_on
from tests.faults.waiting import Stopwatch, measured, until

pytestmark = pytest.mark.faults
LATENCY = 0.6  # seconds, of the requests of the step at which the process is killed
SIGN_INS = "connections_renewalsignin"
PENDING = "connections_tokenextension"
STARTED = "history_event WHERE kind = 'connection.extension_started'"
STORED = "history_event WHERE kind IN ('connection.token_extended', 'connection.token_read')"
LEASE = "SELECT lease FROM connections_tokenextension"
DATE = "SELECT expires_on FROM connections_connection"
TOKEN = "SELECT fingerprint FROM connections_storedtoken"
# For how many days the token is made at first, and how many more each extension asks for.
DAYS, MORE = 30, 10
READING: Rule = {"kind": "latency", "seconds": LATENCY, "path": PATS, "query": "authorizationId"}
ASKING: Rule = {"kind": "latency", "seconds": LATENCY, "path": PATS, "method": "PUT"}


@dataclass(frozen=True)
class Before:
    """What there is before the person returns from Microsoft."""

    started: int
    stored: int
    lease: list[tuple[object, ...]]


def seen(ground: Ground) -> Before:
    return Before(ground.count(STARTED), ground.count(STORED), ground.ask(LEASE))


@dataclass(frozen=True)
class Moment:
    """A step of an extension, which `rule` makes last. A busy test may notice it too late, and kills anyway."""

    has_come: Callable[[Ground, Before], bool]
    rule: Rule | None = None


def has_returned(ground: Ground, _: Before) -> bool:
    return not ground.count(SIGN_INS)


def has_started(ground: Ground, before: Before) -> bool:
    return ground.count(STARTED) > before.started


def is_claimed(ground: Ground, before: Before) -> bool:
    return ground.ask(LEASE) != before.lease


def has_stored(ground: Ground, before: Before) -> bool:
    return ground.count(STORED) > before.stored


MOMENTS = {
    "reading": Moment(has_returned, READING),
    "asking": Moment(has_started, ASKING),
    # What the kill before left pending is read first.
    "settling": Moment(is_claimed, READING),
    "reading back": Moment(has_started, READING),
    "having stored it": Moment(has_stored),
}


def kill_at(scene: Scene, moment: Moment, connection: int, *, days: int) -> None:
    """Extend until the moment comes, and kill the process that does it."""
    ground = scene.stack.ground
    address = scene.renewer.begin_extending(connection, days=days)
    before = seen(ground)
    if moment.rule:
        scene.stack.misbehave(**moment.rule)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(scene.renewer.come_back, address)
        until(lambda: moment.has_come(ground, before), within=30, saying="the moment comes", every=0.002)
        sleep(LATENCY / 4 if moment.rule else 0)
        scene.parts["web"].kill_children()
    scene.stack.behave()
    # Azure DevOps ends what it was asked for before the lease of the dead process has expired.
    sleep(LATENCY)
    scene.clock.advance(LONG)


def stored_date(ground: Ground) -> date:
    ((stored,),) = ground.ask(DATE)
    return date.fromisoformat(str(stored))


def test_a_kill_at_any_step_leaves_no_wrong_date(
    ground: Ground, stand: Stand, chance: random.Random, tmp_path: Path
) -> None:
    watch = Stopwatch()
    pending: dict[str, int] = {}
    with scene_on(ground, stand, chance, tmp_path) as scene:
        (connection,) = scene.stack.fill("spare_connections", count=1)
        # Of a token that was created here, it is known which entry in Azure DevOps it is.
        scene.renewer.come_back(scene.renewer.begin(connection, days=str(DAYS)))
        ((entry,),), before = ground.ask(IN_USE), ground.ask(TOKEN)
        for number, (name, moment) in enumerate(MOMENTS.items(), start=1):
            kill_at(scene, moment, connection, days=DAYS + number * MORE)
            pending[name] = ground.count(PENDING)
            assert pending[name] or stored_date(ground) == scene.own.expires_on(entry), name
        scene.renewer.come_back(scene.renewer.begin_extending(connection, days=DAYS + 9 * MORE))
        assert ground.count(PENDING) == 0
        assert stored_date(ground) == scene.own.expires_on(entry)
        assert ground.ask(TOKEN) == before
        assert scene.own.accepts(scene.stack.fill("stored_tokens")[str(connection)])
    measured(f"killed extensions on {ground.name}", seconds=watch.seconds, **pending)
    assert any(pending.values())
