"""Processes are killed at each step of a renewal: no token is lost sight of, and whoever comes back ends what began."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from tests.faults.azure import spare_token
from tests.faults.browser import Browser
from tests.faults.ground import Ground
from tests.faults.machine_clock import MachineClock
from tests.faults.parts import Part
from tests.faults.renewals import OwnTokens, Renewer, Row
from tests.faults.stack import Stack, Stand
from tests.faults.waiting import Stopwatch, measured, until

pytestmark = pytest.mark.faults
LATENCY = 0.4  # seconds, of the requests of the step at which a process is killed
SOON = timedelta(seconds=10)
# After this, no lost token appears any more, every lease has ended, and so has every request with an old token.
LONG = timedelta(minutes=11)
# Creating, revoking what was created, using it, choosing, revoking the old token, proving it dead.
MOST_STEPS = 7
Rule = dict[str, Any]
PATS = r"/tokens/pats\Z"
LOST: Rule = {"kind": "close", "path": PATS, "method": "POST", "carried_out": True}
# In the names of all tokens that renewals made.
MARK = "(renewal "
EVENTS = "SELECT kind FROM history_event"
FINISHED = "connections_auditrun WHERE by_hand AND finished_at IS NOT NULL"
IN_USE = (
    "SELECT known.authorization_id FROM connections_knowntoken known"
    " JOIN connections_storedtoken stored ON stored.fingerprint = known.fingerprint"
)


def slow(**where: str) -> Rule:
    return {"kind": "latency", "seconds": LATENCY, **where}


@dataclass(frozen=True)
class Moment:
    """A step of a renewal, which `rules` make last. A busy test may notice it too late, and kills all the same."""

    # By the newest renewal of the connection.
    has_come: Callable[["Scene", Row | None], bool]
    rules: tuple[Rule, ...] = ()
    # Seconds from there to the middle of the step.
    later: float = 0.0
    # In the sign-in for revoking the old token.
    is_second: bool = False
    kills: str = "web"
    # With the process that forked those that serve pages.
    is_whole: bool = False


def returned(scene: "Scene", _: Row | None) -> bool:
    """Whether the person has returned from Microsoft."""
    return not scene.stack.ground.count("connections_renewalsignin")


def came(*states: str) -> Callable[["Scene", Row | None], bool]:
    return lambda _, row: row is not None and row.state in (*states, "failed", "revoked", "proved")


def asked_to_revoke(_: "Scene", row: Row | None) -> bool:
    return row is not None and bool(row.revoke_asked_at)


def asks_whether_it_is_dead(_: "Scene", row: Row | None) -> bool:
    return row is not None and (row.state == "proved" or bool(row.leased_until))


MOMENTS = {
    "redeeming the code": Moment(returned, (slow(of="/entra", path="/token"),)),
    "listing the tokens": Moment(returned, (slow(path=PATS, method="GET"),), LATENCY / 2),
    "creating": Moment(came("creating", "created", "swapped"), (slow(path=PATS, method="POST"),), is_whole=True),
    "revoking a lost one": Moment(came("lost"), (LOST, slow(path=PATS, method="DELETE"))),
    "reading back": Moment(came("created", "swapped"), (slow(path=PATS, query="authorizationId"),)),
    "testing": Moment(came("created", "swapped"), (slow(path="/projects"),), LATENCY / 2),
    "having swapped": Moment(came("swapped")),
    "revoking the old one": Moment(asked_to_revoke, (slow(path=PATS, method="DELETE"),), is_second=True),
    "having revoked it": Moment(came(), is_second=True),
    "proving it dead": Moment(
        asks_whether_it_is_dead, (slow(path="/connectionData"),), is_second=True, kills="worker", is_whole=True
    ),
}
ROUNDS = 2  # of all these moments
KILLS = ROUNDS * len(MOMENTS)


@dataclass
class Scene:
    """The product in parts, the person who renews, and her own view of her tokens in Azure DevOps."""

    stack: Stack
    clock: MachineClock
    renewer: Renewer
    own: OwnTokens
    parts: dict[str, Part]
    chance: random.Random

    def kill_at(self, moment: Moment, connection: int, old_token: str, *, anywhere: bool) -> str:
        """Renew until the moment comes, kill the process, and let it start again. Returns how far the renewal was."""
        before, address = self.renewer.latest(connection), self._returns_to(moment, connection, old_token)
        for rule in moment.rules:
            self.stack.misbehave(**rule)
        with ThreadPoolExecutor(1) as pool:
            visit = pool.submit(self.renewer.come_back, address)
            if moment.kills == "worker":
                visit.result()
                self.clock.advance(SOON)
            until(lambda: self._has_come(moment, connection, before), within=30, saying="the moment comes", every=0.002)
            sleep(self.chance.uniform(0, LATENCY) if anywhere else moment.later)
            self._kill(self.parts[moment.kills], is_whole=moment.is_whole)
        self.stack.behave()
        return self.renewer.state(connection)

    def _kill(self, part: Part, *, is_whole: bool) -> None:
        if is_whole:
            part.kill()
            part.start()
        else:
            part.kill_children()

    def _returns_to(self, moment: Moment, connection: int, old_token: str) -> str:
        """Where Microsoft sends the person back to, in the sign-in of the moment."""
        address = self.renewer.begin(connection)
        if not moment.is_second:
            return address
        self.renewer.come_back(address)
        row = self.renewer.latest(connection)
        assert row is not None
        self.renewer.identify(row, old_token)
        self.clock.advance(LONG)
        return self.renewer.begin_revoking(row)

    def _has_come(self, moment: Moment, connection: int, before: Row | None) -> bool:
        row = self.renewer.latest(connection)
        return moment.has_come(self, None if row is not None and before is not None and row.pk == before.pk else row)

    def nothing_is_lost_sight_of(self) -> None:
        """Every valid token that a renewal made is in use, or a renewal that is pending tells of it."""
        rows = self.renewer.rows()
        pending = [row for row in rows if row.is_pending]
        shown = self.renewer.shown()
        assert {row.page for row in pending} <= shown
        known = {pk for (pk,) in self.stack.ground.ask(IN_USE)} | {pk for row in pending for pk in (row.made, row.old)}
        for pk, name in self.own.named(MARK).items():
            assert pk in known or any(row.marker in name for row in pending), (name, rows)

    def end_all(self, connections: dict[int, str], *, times: int) -> None:
        """Come back until each connection was renewed so many times."""
        for _ in range(MOST_STEPS):
            self.clock.advance(LONG)
            steps = [self.renewer.take_a_step(*one, times=times) for one in connections.items()]
            if not any(steps):
                return
        raise AssertionError(self.renewer.rows())


@contextmanager
def scene_on(ground: Ground, stand: Stand, chance: random.Random, folder: Path) -> Iterator[Scene]:
    clock = MachineClock(folder)
    with stand(ground, clock=clock, entra=True) as stack:
        parts = {"web": stack.web(), "worker": stack.worker()}
        stack.start(stack.azure, *parts.values())
        (name,) = stack.fill("people", count=1)
        renewer = Renewer(stack, Browser(stack.web_url, name))
        stack.start(stack.beat())
        yield Scene(stack, clock, renewer, OwnTokens(stack), parts, chance)


def test_twenty_kills_lose_no_token(ground: Ground, stand: Stand, chance: random.Random, tmp_path: Path) -> None:
    met: Counter[str] = Counter()
    watch = Stopwatch()
    with scene_on(ground, stand, chance, tmp_path) as scene:
        stack = scene.stack
        connections = {pk: f"spare-{number:03}" for number, pk in enumerate(_connect(stack))}
        old_texts = [spare_token(number) for number in range(len(connections))]
        for number in range(ROUNDS):
            for moment, (pk, old) in zip(MOMENTS.values(), connections.items(), strict=True):
                met[scene.kill_at(moment, pk, old, anywhere=number > 0) or "none"] += 1
                scene.nothing_is_lost_sight_of()
            scene.end_all(connections, times=number + 1)
            in_use = stack.fill("stored_tokens")
            _one_token_each(scene, connections, in_use.values(), old_texts)
            old_texts += in_use.values()
        _the_history_tells(scene)
        took = watch.seconds
        stack.fill("run")
        until(lambda: ground.count(FINISHED) == 1, within=60, saying="everything is audited")
    measured(f"{KILLS} killed renewals on {ground.name}", seconds=took, **met)
    assert ground.count("connections_connection WHERE health = 'healthy'") == len(connections)
    assert met.keys() >= {"creating", "created", "swapped"}


def _connect(stack: Stack) -> list[int]:
    made: list[int] = stack.fill("spare_connections", count=len(MOMENTS))
    return made


def _one_token_each(scene: Scene, connections: dict[int, str], in_use: Iterable[str], old_texts: list[str]) -> None:
    """Each connection uses a token that is accepted, and everything that was used or made before is refused."""
    active = scene.own.named("")
    assert {pk for pk, name in active.items() if MARK in name} == {pk for (pk,) in scene.stack.ground.ask(IN_USE)}
    assert not set(active.values()) & set(connections.values())
    assert [scene.own.accepts(text) for text in in_use] == [True] * len(connections)
    assert not [text for text in old_texts if scene.own.accepts(text)]


def _the_history_tells(scene: Scene) -> None:
    rows, events = scene.renewer.rows(), Counter(kind for (kind,) in scene.stack.ground.ask(EVENTS))
    assert {row.state for row in rows} == {"proved", "failed"}
    assert events["connection.renewal_started"] == len(rows)
    assert events["connection.old_token_proved"] == KILLS
    made, revoked = scene.own.named(MARK), scene.own.named(MARK, status="revoked")
    discarded = [row for row in rows if row.state == "failed" and any(row.marker in name for name in revoked.values())]
    # Whoever is killed right after a revocation cannot tell of it.
    assert len(discarded) - ROUNDS <= events["connection.new_token_revoked"] <= len(discarded)
    assert events["connection.token_created"] == KILLS
    assert len(made) + len(revoked) == KILLS + len(discarded)
