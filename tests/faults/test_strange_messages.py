"""Task messages as an older or a newer version would send them: each is named in the log, and the worker goes on."""

from typing import Any

import pytest

from tests.faults.ground import Ground
from tests.faults.messages import Sender, sender
from tests.faults.stack import Stand
from tests.faults.waiting import until

pytestmark = pytest.mark.faults
CONNECTIONS = 3
AUDITS = "history_event WHERE kind = 'connection.tested'"
PROVE_ONE = "connections.tasks.prove_renewal_one"
LEASE = "2026-01-01T00:00:00+00:00"
RINGS = (
    "api.tasks.remind_due",
    "api.tasks.remove_expired_rows",
    "connections.tasks.audit_due",
    "connections.tasks.remove_expired_rows",
    "connections.tasks.mail_history_anchor",
    "connections.tasks.remind_due",
    "connections.tasks.remind_of_register",
    "connections.tasks.import_register",
    "connections.tasks.send_due",
    "delivery.tasks.remove_expired_rows",
    "delivery.tasks.poll_due",
    "delivery.tasks.refresh_due",
    "history.tasks.prune",
    "history.tasks.seal_waiting",
    "history.tasks.verify",
    "people.tasks.forget_ended_sessions",
    "throttling.tasks.forget_rested_counters",
)


def test_messages_of_another_version_are_named_in_the_log_and_harm_nothing(ground: Ground, stand: Stand) -> None:
    with stand(ground) as stack, sender(ground.broker.url) as messages:
        worker = stack.worker()
        stack.start(stack.azure, worker)
        first, *_ = stack.fill("connections", count=CONNECTIONS)
        known = ground.ask("SELECT id, health, expires_on FROM connections_connection ORDER BY id")
        life = worker.pid

        named = _ask_in_vain(messages, nobody=first + 1000)
        named += _no_task_at_all(messages)
        rung = [messages.ask(task) for task in RINGS]
        # A lease that nobody holds any more: nothing is done twice.
        messages.ask(PROVE_ONE, renewal_id=1, lease=LEASE)
        for words in named:
            until(lambda wanted=words: wanted in worker.said(), within=30, saying=f"the log says: {words}")  # type: ignore[misc]
        assert not [one for one in rung if f"[{one}] raised" in worker.said()]
        assert ground.count(AUDITS) == 0

        stack.fill("run")

        def all_audited() -> bool:
            # Again and again, as a clock: a connection that is written to at this moment is left for the next ring.
            messages.ask("connections.tasks.audit_due")
            return ground.count(AUDITS) == CONNECTIONS

        until(all_audited, within=30, saying="the worker works as before", every=1)
        assert worker.runs
        assert worker.pid == life
        assert ground.ask("SELECT id, health, expires_on FROM connections_connection ORDER BY id") == known


def _ask_in_vain(messages: Sender, *, nobody: int) -> list[str]:
    """Tasks that are gone or not there yet, arguments that lack or cannot be meant. What the log must say of each."""
    asked: dict[str, str] = {
        messages.ask("connections.tasks.forget_what_nobody_keeps"): "unregistered task of type",
        messages.ask(PROVE_ONE, lease=LEASE): "missing 1 required keyword-only argument: 'renewal_id'",
        messages.ask(PROVE_ONE, renewal_id=1): "missing 1 required keyword-only argument: 'lease'",
        messages.ask(PROVE_ONE, 1): "prove_renewal_one() takes 0 positional arguments",
        messages.ask(PROVE_ONE, renewal_id="first", lease=LEASE): "expected a number",
        messages.ask("connections.tasks.remind_due", of_a_later_version={"deep": [1, 2]}): (
            "remind_due() got an unexpected keyword argument 'of_a_later_version'"
        ),
        messages.ask("connections.tasks.audit_due", "all"): "audit_due() takes 0 positional arguments",
        messages.ask("delivery.tasks.refresh_one", connection_id=1): "refresh_one() missing 1 required",
        messages.ask("delivery.tasks.poll_some", ids=[1]): "poll_some() missing 1 required",
    }
    messages.ask(PROVE_ONE, renewal_id=nobody, lease=LEASE)
    messages.ask(PROVE_ONE, renewal_id=1, lease="soon")
    return [*asked, *asked.values()]


def _no_task_at_all(messages: Sender) -> list[str]:
    """Messages of another form, which must not come back again and again. What the log must say of each."""
    header = {"task": PROVE_ONE, "id": "of-another-form"}
    plain: dict[str, Any] = {"content_type": "application/json", "content_encoding": "utf-8"}
    messages.put({"ask": PROVE_ONE})
    messages.put("[[], {}, {", headers=header, **plain)
    messages.put({}, headers=header)
    messages.put(None, headers=header)
    messages.put([[], {}, {}], headers={"task": PROVE_ONE})
    messages.put([[], {}, {}], headers=header | {"expires": "never"})
    messages.put(b"\x80", headers=header, content_type="application/x-newer", content_encoding="binary")
    return [
        "Received and deleted unknown message",
        "Can't decode message body",
        "not enough values to unpack",
        "argument of type 'NoneType' is not iterable",
        "no task message of this version: KeyError('id')",
        "invalid expires value 'never'",
        "untrusted content of type application/x-newer",
    ]
