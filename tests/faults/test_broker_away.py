"""The broker is killed and comes back: pages and tests go on meanwhile, and the work is taken up again by itself."""

import signal

import pytest

from tests.faults.browser import Browser
from tests.faults.ground import Ground
from tests.faults.stack import Stack, Stand
from tests.faults.waiting import Stopwatch, measured, until

pytestmark = pytest.mark.faults
CONNECTIONS = 60
AUDITED = "connections_auditedconnection WHERE state = 'done'"
PAGES = tuple(f"/code-repositories/{part}" for part in ("", "audits/", "add/", "add/azure-devops/"))


def test_a_broker_that_goes_and_comes_back(ground: Ground, stand: Stand) -> None:
    with stand(ground, latency=0.1) as stack:
        web, worker, beat = stack.web(), stack.worker(), stack.beat()
        stack.start(stack.azure, web, worker, beat)
        (name,) = stack.fill("people", count=1)
        pks = stack.fill("connections", count=CONNECTIONS)
        person = Browser(stack.web_url, name)
        assert person.post("/code-repositories/audits/start/").status_code == 302
        until(lambda: ground.count(AUDITED) >= 5, within=30, saying="the audit has begun")
        processes = [part.pid for part in (web, worker, beat)]

        ground.broker.stop(signal.SIGKILL)
        slowest = _everything_works_without_a_broker(stack, person, pks[-1])
        audited_before = ground.count(AUDITED)
        ground.broker.start()
        watch = Stopwatch()
        until(lambda: ground.count(AUDITED) == CONNECTIONS, within=90, saying="every connection is audited")
        took = watch.seconds

        assert [part.pid for part in (web, worker, beat)] == processes
        assert web.runs
        assert worker.runs
        assert beat.runs
        assert max(person.statuses) < 500
    measured(
        f"a killed broker on {ground.name}",
        audited_before=audited_before,
        seconds_until_the_rest_was_done=took,
        slowest_page_without_it=slowest,
    )
    assert audited_before < CONNECTIONS, "the broker was not away during the audit"


def _everything_works_without_a_broker(stack: Stack, person: Browser, pk: int) -> float:
    """Seconds of the slowest answer."""
    slowest = 0.0
    for page in (*PAGES, f"/code-repositories/{pk}/"):
        watch = Stopwatch()
        assert person.get(page).status_code == 200, page
        slowest = max(slowest, watch.seconds)
    tests = "history_event WHERE kind = 'connection.tested' AND actor_name = 'person-0'"
    answer = person.post(f"/code-repositories/{pk}/test/")
    assert answer.status_code == 200
    assert stack.ground.count(tests) == 1
    watch = Stopwatch()
    assert person.post("/code-repositories/audits/start/").status_code == 302
    return max(slowest, watch.seconds)
