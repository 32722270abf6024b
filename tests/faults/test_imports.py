"""A worker is killed again and again while it imports: every line is imported once, and its contacts get one mail."""

import pytest

from tests.faults.ground import Ground
from tests.faults.messages import sender
from tests.faults.stack import Stand
from tests.faults.waiting import until

pytestmark = pytest.mark.faults
LINES, KILLS = 5000, 3
TASK = "connections.tasks.import_register"
RENEWED = "history_event WHERE kind = 'register.changed'"
DONE = "connections_registerimport WHERE state = 'done'"


def test_a_killed_worker_imports_every_line_once(ground: Ground, stand: Stand) -> None:
    with stand(ground) as stack, sender(ground.broker.url) as messages:
        stack.fill("renewing_import", count=LINES, contact="ops@example.com")
        worker = stack.worker()
        stack.start(worker)
        imported = []
        for _ in range(KILLS):
            before = ground.count(RENEWED)

            def goes_on(before: int = before) -> bool:
                # As a clock: until the lease of the worker that was killed is over, nothing happens.
                messages.ask(TASK)
                return ground.count(RENEWED) > before

            until(goes_on, within=60, saying="the import goes on", every=0.5)
            worker.kill()
            imported.append(ground.count(RENEWED))
            worker.start()

        def is_done() -> bool:
            messages.ask(TASK)
            return ground.count(DONE) == 1

        until(is_done, within=120, saying="the import is done", every=1)
    assert imported[0] < LINES, "the import had ended before"
    assert ground.count(RENEWED) == LINES
    assert ground.count("history_event WHERE kind = 'register.imported'") == 1
    assert ground.ask("SELECT updated, errors FROM connections_registerimport") == [(LINES, 0)]
    assert ground.count("connections_mail WHERE kind = 'credential_replaced'") == 1
