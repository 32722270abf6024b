"""A token is declared leaked while other processes use it, and a worker is killed while it proves the token dead."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from tests.faults.ground import Ground
from tests.faults.stack import Stack, Stand
from tests.faults.waiting import measured, until

pytestmark = pytest.mark.faults
CONNECTIONS = 300
LATENCY = 0.05  # seconds
PROVED = "connections_leakedtoken WHERE proved_at IS NOT NULL"
ASKING = "connections_leakedtoken WHERE leased_until IS NOT NULL"
AUDITED = "history_event WHERE kind = 'connection.tested'"


def seen(stack: Stack) -> list[dict[str, Any]]:
    """The last thousand requests that Azure DevOps answered, each with the time."""
    return list(requests.get(f"{stack.azure_url}/_sandbox/requests", timeout=10).json())


def revoke(stack: Stack) -> None:
    address = f"{stack.azure_url}/_sandbox/tokens/full"
    requests.post(address, json={"state": "revoked"}, timeout=10).raise_for_status()


def test_a_worker_makes_no_request_two_seconds_after_another_process_declared_it(ground: Ground, stand: Stand) -> None:
    with stand(ground, latency=LATENCY) as stack:
        stack.start(stack.azure)
        stack.fill("connections", count=CONNECTIONS, due=True)
        stack.start(stack.worker(), stack.beat())
        until(lambda: ground.count(AUDITED) > 5, within=60, saying="audits are under way")
        declared, ended = map(datetime.fromisoformat, stack.fill("leak"))
        audited = ground.count(AUDITED)
        until(lambda: ground.count(AUDITED) >= CONNECTIONS, within=180, saying="every audit has ended")
        times = [datetime.fromisoformat(request["at"]) for request in seen(stack)]
    assert audited < CONNECTIONS, "the audits had ended before"
    # Five seconds after the declaration comes the question whether the token is still accepted.
    waits = [time - ended for time in times if time < declared + timedelta(seconds=4.9)]
    last = max(waits, default=timedelta()).total_seconds()
    measured(f"declared leaked on {ground.name}", last_request_after=last, audited_before=audited)
    assert last <= 2 + LATENCY
    assert ground.count("connections_connection WHERE problem <> 'leaked'") == 0


def test_a_worker_that_is_killed_while_it_asks_proves_it_after_its_restart(ground: Ground, stand: Stand) -> None:
    with stand(ground) as stack:
        stack.start(stack.azure)
        stack.fill("connections", count=2)
        stack.fill("leak")
        stack.misbehave("latency", seconds=10)
        worker = stack.worker()
        stack.start(worker, stack.beat())
        until(lambda: ground.count(ASKING), within=60, saying="a worker asks")
        worker.kill()
        revoke(stack)
        stack.behave()
        assert ground.count(PROVED) == 0
        worker.start()
        until(lambda: ground.count(PROVED), within=60, saying="it is proved dead")
    assert ground.count("history_event WHERE kind = 'connection.leak_proved'") == 2
    assert ground.count("connections_mail WHERE kind = 'leak_result' AND recipient = 'team-000@example.com'") == 1
