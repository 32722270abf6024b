"""The mail server is away for hours and comes back: every mail arrives once, and the outbox says meanwhile why not."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults.browser import Browser
from tests.faults.ground import Ground
from tests.faults.machine_clock import MachineClock
from tests.faults.post import PostOffice
from tests.faults.stack import Stand
from tests.faults.waiting import Stopwatch, measured, until

pytestmark = pytest.mark.faults
CONNECTIONS = 40
FAILING = "connections_mail WHERE sent_at IS NULL AND last_error <> ''"


def test_a_mail_server_that_goes_and_comes_back(ground: Ground, post: PostOffice, stand: Stand, tmp_path: Path) -> None:
    clock = MachineClock(tmp_path)
    with stand(ground, clock=clock) as stack:
        web, worker, beat = stack.web(), stack.worker(), stack.beat()
        stack.start(stack.azure, web, worker)
        (name,) = stack.fill("people", count=1)
        stack.fill("connections", count=CONNECTIONS, ending=CONNECTIONS)
        post.close()
        stack.start(beat)
        until(lambda: ground.count(FAILING) > 0, within=60, saying="the first mail has met a closed door")
        person = Browser(stack.web_url, name)
        assert "ConnectionRefusedError" in person.get("/outbox/?state=failing").text
        for _ in range(3):
            _try_again_in_an_hour(ground, clock)
        tried = _attempts(ground)
        post.open()
        watch = Stopwatch()
        clock.advance(timedelta(hours=1))
        stack.await_all_sent(within=60)
        took = watch.seconds
        assert ground.count("connections_mail") == CONNECTIONS
        assert len(post.accepted) == CONNECTIONS
        assert not post.duplicates()
    measured(f"a mail server away on {ground.name}", attempts_in_vain=tried, seconds_until_all_was_sent=took)


def _try_again_in_an_hour(ground: Ground, clock: MachineClock) -> None:
    before = _attempts(ground)
    clock.advance(timedelta(hours=1))
    until(lambda: _attempts(ground) > before, within=30, saying="it is tried again")


def _attempts(ground: Ground) -> int:
    ((number,),) = ground.ask("SELECT sum(attempts) FROM connections_mail")
    return int(number)
