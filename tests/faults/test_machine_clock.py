"""A machine sleeps for a day; a clock that was a day ahead is set right. Nothing is skipped, and nothing told twice."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults.browser import Browser
from tests.faults.ground import Ground
from tests.faults.machine_clock import MachineClock
from tests.faults.post import PostOffice
from tests.faults.stack import Stand
from tests.faults.waiting import Stopwatch, measured, until
from tests.faults.words import RANG

pytestmark = pytest.mark.faults
CONNECTIONS, ENDING, DAYS_LEFT = 40, 20, 8
DAY = timedelta(days=1)
AUDITS = "history_event WHERE kind = 'connection.tested'"
DONE = "connections_auditedconnection WHERE state = 'done'"
OPEN_RUNS = "connections_auditrun WHERE finished_at IS NULL"
RANG_FOR_MAILS = f"{RANG} connections.tasks.send_due"
REMINDERS = "connections_mail WHERE kind = 'expiring' AND sent_at IS NOT NULL"


def test_a_day_ahead_and_back(ground: Ground, post: PostOffice, stand: Stand, tmp_path: Path) -> None:
    clock = MachineClock(tmp_path)
    with stand(ground, latency=0.05, clock=clock) as stack:
        web, worker, beat = stack.web(), stack.worker(), stack.beat()
        stack.start(stack.azure, web, worker)
        (name,) = stack.fill("people", count=1)
        stack.fill("connections", count=CONNECTIONS, ending=ENDING, days_left=DAYS_LEFT)
        stack.start(beat)
        until(lambda: ground.count(REMINDERS) == ENDING, within=60, saying="all are reminded two weeks before")
        processes = [part.pid for part in (web, beat)]

        clock.advance(DAY)
        watch = Stopwatch()
        until(lambda: ground.count(REMINDERS) == 2 * ENDING, within=60, saying="all are reminded a week before")
        until(lambda: ground.count(AUDITS) == CONNECTIONS, within=60, saying="all are audited after the night")
        until(lambda: not ground.count(OPEN_RUNS), within=30, saying="the run has ended")
        woke = watch.seconds
        assert ground.count(AUDITS) == CONNECTIONS

        # A worker dies in the middle of a run, and only then it shows that the clock was wrong.
        person = Browser(stack.web_url, name)
        before = ground.count(DONE)
        assert "/audits/" in person.post("/code-repositories/audits/start/").headers["Location"]
        until(lambda: ground.count(DONE) >= before + 5, within=30, saying="the run has begun")
        worker.kill()
        clock.set(timedelta())
        watch = Stopwatch()
        stack.start(worker)
        until(lambda: not ground.count(OPEN_RUNS), within=60, saying="the run has ended, a day before it began")
        was_set_back = watch.seconds
        Browser(stack.web_url, name).post("/code-repositories/audits/start/")
        until(lambda: ground.count(OPEN_RUNS) == 1, within=10, saying="a second run is begun")
        until(lambda: not ground.count(OPEN_RUNS), within=60, saying="a second run ends in the right time")

        assert [part.pid for part in (web, beat) if part.runs] == processes
        assert not ground.count("connections_connection WHERE next_check_at > %s", clock.later(hours=7))
        assert not ground.count("connections_connection WHERE health <> 'healthy'")
        assert set(Counter(one.recipient for one in post.about("expires")).values()) == {2}
        assert len(post.accepted) == ground.count(REMINDERS) == 2 * ENDING
    measured(
        f"a day ahead and back on {ground.name}",
        seconds_until_all_was_done_after_the_night=woke,
        seconds_until_the_run_ended_after_the_clock_was_set_back=was_set_back,
    )


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["ahead", "back"])
def test_a_clock_that_jumps_while_a_mail_is_handed_over(
    ground: Ground, post: PostOffice, stand: Stand, tmp_path: Path, jump: timedelta
) -> None:
    clock = MachineClock(tmp_path)
    with stand(ground, clock=clock) as stack:
        beat = stack.beat()
        stack.start(stack.azure, stack.worker(1), stack.worker(2))
        stack.fill("connections", count=1, ending=1, days_left=DAYS_LEFT)

        def rings(times: int) -> None:
            before = beat.said().count(RANG_FOR_MAILS)
            until(lambda: beat.said().count(RANG_FOR_MAILS) >= before + times, within=60, saying="the clock rings on")

        def accepted() -> None:
            """The mail server has said yes, nobody knows it yet, and the others look for mails that nobody holds."""
            post.at_acceptance = lambda: None
            clock.advance(jump)
            rings(4)

        post.at_acceptance = accepted
        stack.start(beat)
        until(lambda: ground.count(REMINDERS), within=60, saying="the mail is sent and marked")
        rings(4)
        assert stack.mails_twice() == 0
