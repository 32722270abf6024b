"""Fifty programs change the same five connections through the REST API at once: no lost update, and no fault."""

import pytest

from tests.faults import api_clients
from tests.faults.ground import Ground
from tests.faults.stack import Stand
from tests.faults.waiting import measured

pytestmark = pytest.mark.faults
CLIENTS, SECONDS = 50, 10.0


def test_fifty_programs_at_the_same_five_connections(ground: Ground, stand: Stand) -> None:
    with stand(ground, settings={"API_REQUESTS_PER_MINUTE": "100000"}) as stack:
        stack.start(stack.azure, stack.web())
        ids = stack.fill("connections", count=5)
        outcome = api_clients.run(stack.web_url, stack.fill("api_tokens", count=CLIENTS), ids, SECONDS)
        edited = ground.count("history_event WHERE kind = 'connection.edited'")
    measured(f"{CLIENTS} programs on {ground.name}", changes=outcome.changes, answers=dict(outcome.statuses))
    # A client that was too late reads again.
    assert set(outcome.statuses) <= {200, 412}
    assert (outcome.lost, edited) == (0, outcome.changes)
    # They were at the same connections at the same time. How fast that is, a benchmark measures.
    assert outcome.changes > 0
    assert outcome.statuses[412] > 0
