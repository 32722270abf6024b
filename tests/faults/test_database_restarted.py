"""PostgreSQL ends in the middle of work and comes back: nobody has to be started again, and nothing is half-written."""

import signal

import pytest
import requests

from tests.faults.browser import Browser
from tests.faults.ground import Ground
from tests.faults.stack import Stack, Stand
from tests.faults.waiting import Stopwatch, measured, until

pytestmark = pytest.mark.faults
CONNECTIONS = 60
AUDITED = "connections_auditedconnection WHERE state = 'done'"


def test_a_database_that_ends_and_comes_back(ground_of_servers: Ground, stand: Stand) -> None:
    ground = ground_of_servers
    assert ground.database is not None
    with stand(ground, latency=0.1) as stack:
        web, worker, beat = stack.web(), stack.worker(), stack.beat()
        stack.start(stack.azure, web, worker, beat)
        (name,) = stack.fill("people", count=1)
        stack.fill("connections", count=CONNECTIONS, reported="rejected")
        person = Browser(stack.web_url, name)
        assert person.post("/code-repositories/audits/start/").status_code == 302
        until(lambda: ground.count(AUDITED) >= 5, within=30, saying="the audit has begun")
        processes = [part.pid for part in (web, worker, beat)]

        # As when its machine loses power: what was committed is there afterwards, and nobody is told before.
        ground.database.stop(signal.SIGQUIT)
        try:
            slowest = _answers_come_without_a_database(stack, person)
        finally:
            ground.database.start()
        watch = Stopwatch()
        audited_before = ground.count(AUDITED)
        until(lambda: person.get("/code-repositories/").status_code == 200, within=30, saying="pages are back")
        pages_back = watch.seconds
        seen = len(person.statuses)
        for _ in range(20):
            person.get("/code-repositories/")
        assert set(person.statuses[seen:]) == {200}
        until(lambda: ground.count(AUDITED) == CONNECTIONS, within=90, saying="every connection is audited")
        stack.await_all_sent(within=60)
        took = watch.seconds

        assert [part.pid for part in (web, worker, beat) if part.runs] == processes
        unwell = ground.ask("SELECT name, health, problem FROM connections_auditedconnection WHERE health <> 'healthy'")
        assert unwell == []
        assert ground.count("connections_mail WHERE kind = 'recovered'") == CONNECTIONS
        twice = stack.mails_twice()
    measured(
        "a restarted database",
        audited_before=audited_before,
        seconds_until_pages_were_back=pages_back,
        seconds_until_the_rest_was_done=took,
        slowest_answer_without_it=slowest,
        mails_twice=twice,
    )
    assert audited_before < CONNECTIONS, "the database was not away during the audit"


def _answers_come_without_a_database(stack: Stack, person: Browser) -> float:
    """Seconds of the slowest answer. The process lives, says that it is not ready, and no page hangs."""
    watch = Stopwatch()
    assert requests.get(f"{stack.web_url}/healthz", timeout=10).status_code == 200
    assert requests.get(f"{stack.web_url}/readyz", timeout=20).status_code == 503
    slowest = watch.seconds
    for _ in range(4):
        watch = Stopwatch()
        assert person.get("/code-repositories/", patience=20).status_code in (500, 503)
        slowest = max(slowest, watch.seconds)
    return slowest
