"""The outbox by API."""

from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import Mock, patch

import pytest
from django.utils import timezone

from connections.models import Mail, NotificationChannel
from connections.tasks import deliver_due, send_due
from core.tasks import BrokerUnavailable
from tests.api.calls import SITE, Program, pages_of, problem
from tests.api.conftest import make_mail
from tests.factories import ConnectionFactory


@pytest.fixture(autouse=True)
def enqueued() -> Iterator[Mock]:
    with patch("connections.tasks.enqueue") as enqueue:
        yield enqueue


@pytest.fixture
def mails(db: None) -> dict[str, Mail]:
    """One mail in each state."""
    now = timezone.now()
    return {
        "waiting": make_mail(due_at=now + timedelta(hours=1)),
        "failing": make_mail(last_error="The mail server did not respond.", attempts=2),
        "given-up": make_mail(given_up_at=now, last_error="Mailbox unknown.", refused_since=now),
        "withdrawn": make_mail(withdrawn_at=now),
        "sent": make_mail(sent_at=now),
        "in-a-folder": make_mail(sent_at=now, is_only_written=True),
    }


def test_the_state_counts_what_is_not_sent(program: Program, mails: dict[str, Mail]) -> None:
    found = program.get("/outbox")
    counts = {name: found[name] for name in ("due", "waiting", "failing", "failed")}
    assert counts == {"due": 1, "waiting": 2, "failing": 1, "failed": 1}


@pytest.mark.parametrize("limit", [1, 2, 200])
def test_mails_come_newest_first_in_pages(program: Program, mails: dict[str, Mail], limit: int) -> None:
    found = [row for page in pages_of(program, f"/outbox/mails?limit={limit}") for row in page["mails"]]
    assert [row["state"] for row in found] == [*reversed(mails)]


def test_states_are_those_of_the_page(program: Program, mails: dict[str, Mail]) -> None:
    for state in mails:
        found = [row["state"] for row in program.get(f"/outbox/mails?state={state}")["mails"]]
        assert found == (["failing", "waiting"] if state == "waiting" else [state])
    problem(program.call("GET", "/outbox/mails?state=x"), 422, "input_invalid")


def test_a_mail_is_shown_without_its_text(program: Program) -> None:
    row = make_mail(connection=ConnectionFactory.create(name="Acme main"))
    response = program.call("GET", f"/outbox/mails/{row.pk}")
    shown = response.json()
    assert (shown["recipient"], shown["connection"]["name"]) == ("ann@example.com", "Acme main")
    assert shown["channel_kind"] is None
    # Its text has the address that stops reminders, which works for anyone who has it.
    assert row.text not in response.content.decode()
    assert shown == program.get("/outbox/mails")["mails"][0]


def test_a_failed_mail_is_retried(program: Program, mails: dict[str, Mail], enqueued: Mock) -> None:
    row = mails["given-up"]
    response = program.call("POST", f"/outbox/mails/{row.pk}/retry")
    assert response.status_code == 202
    shown = response.json()
    assert response.headers["Location"] == shown["url"] == f"{SITE}/outbox/mails/{row.pk}"
    assert (shown["state"], shown["failed_at"], shown["warnings"]) == ("failing", None, [])
    enqueued.assert_called_once_with(send_due)
    row.refresh_from_db()
    assert row.refused_since is None


@pytest.mark.parametrize("kind", NotificationChannel.Kind.values)
def test_a_failed_message_to_a_channel_is_delivered_by_its_task(program: Program, enqueued: Mock, kind: str) -> None:
    row = make_mail(channel_kind=kind, recipient="Ops", last_error="410 Gone", given_up_at=timezone.now())
    shown = program.post(f"/outbox/mails/{row.pk}/retry")
    assert (shown["channel_kind"], shown["recipient"], shown["failed_at"]) == (kind, "Ops", None)
    enqueued.assert_called_once_with(deliver_due)


def test_a_sent_mail_is_not_sent_again(program: Program, mails: dict[str, Mail]) -> None:
    assert program.post(f"/outbox/mails/{mails['sent'].pk}/retry")["state"] == "sent"


def test_without_a_broker_the_mail_waits_for_the_scheduler(
    program: Program, mails: dict[str, Mail], enqueued: Mock
) -> None:
    enqueued.side_effect = BrokerUnavailable
    shown = program.post(f"/outbox/mails/{mails['failing'].pk}/retry")
    (warning,) = shown["warnings"]
    assert warning["code"] == "broker_unavailable"
    assert "The mail or message is sent when" in warning["title"]


@pytest.mark.parametrize("call", [("GET", ""), ("POST", "/retry")])
def test_a_mail_that_is_gone(program: Program, call: tuple[str, str]) -> None:
    problem(program.call(call[0], f"/outbox/mails/999999{call[1]}"), 404, "address_unknown")
