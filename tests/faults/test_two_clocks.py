"""Two clocks tick where one should, and one of them dies: nothing is done twice, and nothing left undone."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults.ground import Ground
from tests.faults.machine_clock import MachineClock
from tests.faults.parts import Part
from tests.faults.post import PostOffice
from tests.faults.stack import Stack, Stand
from tests.faults.waiting import Stopwatch, measured, until
from tests.faults.words import RANG

pytestmark = pytest.mark.faults
CONNECTIONS, ENDING, DAYS_LEFT = 24, 12, 8
AUDITS = "history_event WHERE kind = 'connection.tested'"
AUDITED = "connections_auditedconnection"
REMINDERS = "connections_mail WHERE kind = 'expiring'"
OPEN_RUNS = "connections_auditrun WHERE finished_at IS NULL"
# Nobody dies here, and a machine that is busy must not let a lease end.
PATIENT = {"AUDIT_LEASE_SECONDS": "120", "MAIL_LEASE_SECONDS": "120"}


def test_two_clocks_do_no_harm(ground: Ground, post: PostOffice, stand: Stand, tmp_path: Path) -> None:
    clock = MachineClock(tmp_path)
    with stand(ground, latency=0.02, clock=clock, settings=PATIENT) as stack:
        workers = [stack.worker(number) for number in ((1, 2) if ground.name == "servers" else (1,))]
        beats = [stack.beat(number) for number in (1, 2)]
        stack.start(stack.azure, *workers)
        stack.fill("connections", count=CONNECTIONS, ending=ENDING, days_left=DAYS_LEFT, due=True)
        watch = Stopwatch()
        stack.start(*beats)
        _await_work(stack, rounds=1)
        took = watch.seconds

        clock.advance(timedelta(days=1))
        _await_work(stack, rounds=2)
        # A clock that starts rings for everything at once.
        beats[0].kill()
        beats[0].start()
        rung = _await_rings(beats, more=6)
        assert all(part.runs for part in (*beats, *workers))
        assert ground.count(AUDITS) == 2 * CONNECTIONS
        assert ground.count("connections_mail") == ground.count(REMINDERS) == 2 * ENDING
        assert ground.count("connections_reminder") == 2 * ENDING
        assert ground.count(f"{AUDITED} WHERE state = 'done'") == ground.count(AUDITED) == 2 * CONNECTIONS
        assert set(Counter(one.recipient for one in post.accepted).values()) == {2}
        assert not post.duplicates()
        assert not [part.name for part in (*beats, *workers) if "Traceback" in part.said()]
    measured(f"two clocks on {ground.name}", seconds_until_all_was_done_once=took, rings=rung)


def _await_work(stack: Stack, *, rounds: int) -> None:
    """Until everybody was reminded and everything audited so many times, and nothing waits."""
    ground = stack.ground
    until(lambda: ground.count(REMINDERS) >= rounds * ENDING, within=60, saying="all are reminded")
    until(lambda: ground.count(AUDITS) >= rounds * CONNECTIONS, within=60, saying="all are audited")
    until(lambda: not ground.count(OPEN_RUNS), within=30, saying="the run has ended")
    stack.await_all_sent(within=60)


def _await_rings(beats: list[Part], *, more: int) -> list[int]:
    """Until each clock has rung so many times more for audits and reminders; how often each has then."""
    wanted = [_rings(beat) + more for beat in beats]
    until(
        lambda: all(_rings(beat) >= least for beat, least in zip(beats, wanted, strict=True)),
        within=90,
        saying="both clocks go on",
    )
    return [_rings(beat) for beat in beats]


def _rings(beat: Part) -> int:
    """Of the task that it rang for least."""
    return min(beat.said().count(f"{RANG} connections.tasks.{task}") for task in ("audit_due", "remind_due"))
