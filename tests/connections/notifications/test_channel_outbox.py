"""Messages to channels: delivered once, retried as mails are, and never dropped without a trace."""

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from pytest_django import Settings

from connections.actions import manage_channels
from connections.models import Connection, Mail, NotificationChannel
from connections.notifications import channel_outbox, outbox, outbox_rows, reminders, webhook_post
from connections.providers.azure_devops import deadlines
from history.models import Event
from history.record import Actor
from tests.connections import webhooks
from tests.connections.webhooks import Receiver
from tests.factories import ConnectionFactory, make_person

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def channel(receiver: Receiver) -> NotificationChannel:
    return webhooks.add("webhook", receiver).channel


def write(channel: NotificationChannel, *, now: datetime = NOW) -> Mail:
    return channel_outbox.write_test(channel, now=now)


def stored(message: Mail) -> Mail:
    return Mail.objects.get(pk=message.pk)


def expiring(*channels: NotificationChannel, name: str = "Acme main") -> Connection:
    owner = make_person("olga", email="olga@example.com")
    connection = ConnectionFactory.create(name=name, owner=owner, expires_on=datetime(2026, 12, 1, tzinfo=UTC).date())
    connection.channels.set(channels)
    return connection


def test_a_reminder_reaches_the_channel_of_the_connection_beside_the_mail(
    receiver: Receiver, channel: NotificationChannel
) -> None:
    connection = expiring(channel)
    assert reminders.remind_due(now=NOW) == 2
    assert channel_outbox.deliver_due(now=NOW) == 1
    assert channel_outbox.deliver_due(now=NOW) == 0
    (arrived,) = receiver.requests
    event = arrived.json
    assert event["type"] == "connection.expiring"
    assert event["data"]["headline"] == "The token of “Acme main” expires in 7 days."
    assert event["data"]["facts"]["Connection"] == "Acme main"
    assert event["data"]["connections"] == [{"id": connection.pk, "name": "Acme main"}]
    assert any(link["url"].endswith(f"/{connection.pk}/token/") for link in event["data"]["links"])
    assert Mail.objects.get(channel_kind="").recipient == "olga@example.com"
    sent = Event.objects.get(kind="connection.message_sent")
    assert (sent.subject_id, sent.detail["to"]) == (connection.pk, "Alerts")


def test_many_reminders_of_a_day_become_one_digest_for_a_channel_too(
    receiver: Receiver, channel: NotificationChannel
) -> None:
    for number in range(5):
        ConnectionFactory.create(name=f"C{number}", expires_on=datetime(2026, 12, 1, tzinfo=UTC).date()).channels.add(
            channel
        )
    reminders.remind_due(now=NOW)
    channel_outbox.deliver_due(now=NOW)
    (arrived,) = receiver.requests
    assert arrived.json["type"] == "connection.digest"
    assert len(arrived.json["data"]["connections"]) == 5


def test_mails_and_messages_are_never_sent_the_other_way(receiver: Receiver, channel: NotificationChannel) -> None:
    write(channel)
    with patch("connections.notifications.emails.send_mail") as mailed:
        assert outbox.send_due(now=NOW) == 0
    assert not mailed.called
    NotificationChannel.objects.all().delete()
    assert outbox.send_due(now=NOW) == 0


def test_the_id_is_the_same_for_every_attempt_and_the_wait_grows(
    receiver: Receiver, channel: NotificationChannel
) -> None:
    receiver.answer(503, b"maintenance")
    message, now, waits = write(channel), NOW, []
    for _ in range(3):
        assert channel_outbox.deliver_due(now=now) == 0
        due_at = stored(message).due_at
        waits.append(round((due_at - now).total_seconds() / 60))
        now = due_at + timedelta(seconds=1)
    assert waits == [1, 2, 4]
    assert "503: maintenance" in stored(message).last_error
    assert {request.headers["webhook-id"] for request in receiver.requests} == {message.message_id}
    receiver.answer(204)
    assert channel_outbox.deliver_due(now=now) == 1
    assert stored(message).last_error == ""


def test_a_channel_that_fails_keeps_its_other_messages_waiting_and_delays_no_other(
    receiver: Receiver, channel: NotificationChannel
) -> None:
    other = webhooks.add("webhook", receiver, name="Other").channel
    receiver.answers = [(503, b"", {}), (200, b"", {})]
    first, second, third = write(channel), write(channel), write(other)
    assert channel_outbox.deliver_due(now=NOW) == 1
    assert [stored(written).attempts for written in (first, second, third)] == [1, 0, 1]
    assert stored(third).sent_at


@pytest.mark.parametrize(
    ("asked", "seconds"), [("120", 120), ("Tue, 24 Nov 2026 13:00:00 GMT", 3600), ("9999999", 86400), ("soon", 60)]
)
def test_429_waits_as_long_as_retry_after_says_and_a_day_at_most(
    receiver: Receiver, channel: NotificationChannel, asked: str, seconds: int
) -> None:
    receiver.answer(429, b"slow down", Retry_After=asked)
    message = write(channel)
    channel_outbox.deliver_due(now=NOW)
    assert abs((stored(message).due_at - NOW).total_seconds() - seconds) < 5
    receiver.answer(200)
    assert channel_outbox.deliver_due(now=NOW + timedelta(seconds=seconds - 10)) == 0
    assert channel_outbox.deliver_due(now=NOW + timedelta(seconds=seconds + 10)) == 1


def test_410_closes_the_channel_fails_its_messages_and_notifies_administrators(
    receiver: Receiver, channel: NotificationChannel
) -> None:
    make_person("root", staff=True, email="root@example.com")
    receiver.answer(410, b"gone")
    connection = expiring(channel)
    reminders.remind_due(now=NOW)
    waiting = write(channel, now=NOW + timedelta(seconds=1))
    channel_outbox.deliver_due(now=NOW + timedelta(seconds=1))
    channel.refresh_from_db()
    assert channel.gone_at
    assert stored(waiting).given_up_at
    assert not stored(waiting).sent_at
    assert len(receiver.requests) == 1
    mail = Mail.objects.get(kind="channel_gone")
    assert mail.recipient == "root@example.com"
    assert "2 messages were not delivered" in mail.text
    kinds = list(Event.objects.order_by("pk").values_list("kind", "subject_id"))
    assert ("channel.gone", channel.pk) in kinds
    assert ("connection.message_failed", connection.pk) in kinds
    assert reminders.remind_due(now=NOW + timedelta(days=4)) == 1, "the mail alone"


def test_410_of_a_target_that_was_replaced_meanwhile_closes_nothing(
    receiver: Receiver, channel: NotificationChannel
) -> None:
    receiver.answer(410)
    message = write(channel)
    stale = NotificationChannel.objects.get(pk=channel.pk)
    stale.seal(stale.reveal())
    stale.save()

    def replace(*args: Any, **kwargs: Any) -> object:
        fresh = NotificationChannel.objects.get(pk=channel.pk)
        fresh.seal(fresh.reveal())
        fresh.save()
        return post(*args, **kwargs)

    post = webhook_post.post
    with patch.object(webhook_post, "post", replace):
        channel_outbox.deliver_due(now=NOW)
    channel.refresh_from_db()
    assert channel.gone_at is None
    assert stored(message).given_up_at is None


def test_a_redirect_is_not_followed(receiver: Receiver, channel: NotificationChannel) -> None:
    receiver.answer(307, b"", Location=f"https://localhost:{receiver.port}/elsewhere")
    message = write(channel)
    assert channel_outbox.deliver_due(now=NOW) == 0
    assert [request.path for request in receiver.requests] == [webhooks.PATH]
    assert "redirect" in stored(message).last_error


def test_a_refused_message_is_retried_daily_and_fails_visibly_after_some_days(
    receiver: Receiver, channel: NotificationChannel, settings: Settings
) -> None:
    receiver.answer(400, b"invalid_payload")
    message = write(channel)
    for day in range(settings.MAIL_GIVE_UP_DAYS + 1):
        assert not stored(message).given_up_at
        channel_outbox.deliver_due(now=NOW + timedelta(days=day, minutes=day))
    assert stored(message).given_up_at
    assert "invalid_payload" in stored(message).last_error
    assert len(receiver.requests) == settings.MAIL_GIVE_UP_DAYS + 1


def test_a_slow_target_is_left_at_the_deadline(
    receiver: Receiver, channel: NotificationChannel, settings: Settings
) -> None:
    settings.NOTIFICATION_DEADLINE = 0.5
    receiver.drip = 0.05
    receiver.answer(200, b"x" * 400)
    message = write(channel)
    assert channel_outbox.deliver_due(now=NOW) == 0
    assert stored(message).last_error == "The target did not answer within 0.5 seconds."


def test_an_endless_answer_is_read_up_to_the_limit(receiver: Receiver, channel: NotificationChannel) -> None:
    receiver.answer(200, b"x" * (webhook_post.LONGEST_ANSWER * 20))
    write(channel)
    assert channel_outbox.deliver_due(now=NOW) == 1


def test_an_answer_that_is_nested_too_deeply_to_be_read_counts_as_delivered() -> None:
    answer = webhook_post.Answer(200, b'{"a":' * 9000, "")
    assert channel_outbox.judge(NotificationChannel.Kind.WEBHOOK, answer) is channel_outbox.Verdict.DELIVERED


def test_a_host_that_is_no_longer_listed_gets_nothing(
    receiver: Receiver, channel: NotificationChannel, settings: Settings
) -> None:
    settings.NOTIFICATION_HOSTS = ["hooks.slack.com"]
    message = write(channel)
    assert channel_outbox.deliver_due(now=NOW) == 0
    assert stored(message).last_error == f"NOTIFICATION_HOSTS does not list localhost:{receiver.port}."
    assert receiver.requests == []


def test_a_host_that_is_not_listed_as_private_is_not_connected_to_at_a_private_address(
    receiver: Receiver, channel: NotificationChannel, settings: Settings
) -> None:
    settings.NOTIFICATION_HOSTS = [f"localhost:{receiver.port}"]
    message = write(channel)
    assert channel_outbox.deliver_due(now=NOW) == 0
    assert "only private addresses" in stored(message).last_error
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:4700::1111", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.1.2.3", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, *, public: bool) -> None:
    assert deadlines.is_public(address) is public


def test_an_unknown_certificate_is_refused(
    receiver: Receiver, channel: NotificationChannel, settings: Settings
) -> None:
    settings.NOTIFICATION_CA_BUNDLE = ""
    message = write(channel)
    assert channel_outbox.deliver_due(now=NOW) == 0
    assert "certificate" in stored(message).last_error
    assert receiver.requests == []


def test_a_target_that_no_key_decrypts_says_so_and_stays_due(
    receiver: Receiver, channel: NotificationChannel, settings: Settings
) -> None:
    message = write(channel)
    settings.FIELD_ENCRYPTION_KEYS = ["YW5vdGhlci1rZXktb2YtdGVzdHMtMTIzNDU2Nzg5MDEyMzQ1Njc4OTA="]
    assert channel_outbox.deliver_due(now=NOW) == 0
    assert "No key decrypts" in stored(message).last_error
    assert not stored(message).given_up_at


def test_a_message_that_another_worker_holds_is_left_alone(receiver: Receiver, channel: NotificationChannel) -> None:
    message = write(channel)
    Mail.objects.filter(pk=message.pk).claim(now=NOW)
    assert channel_outbox.deliver_due(now=NOW) == 0
    assert channel_outbox.deliver_due(now=NOW + timedelta(minutes=3)) == 1, "after the lease"


def test_a_channel_is_removed_while_a_message_is_delivered_and_the_message_is_not_called_failed(
    receiver: Receiver, channel: NotificationChannel
) -> None:
    connection = expiring(channel)
    reminders.remind_due(now=NOW)

    def remove_meanwhile(*args: Any, **kwargs: Any) -> object:
        answer = post(*args, **kwargs)
        manage_channels.remove_channel(channel.pk, by=Actor("ann"), now=NOW)
        return answer

    post = webhook_post.post
    with patch.object(webhook_post, "post", remove_meanwhile):
        assert channel_outbox.deliver_due(now=NOW) == 1
    message = Mail.objects.exclude(channel_kind="").get()
    assert message.sent_at is not None
    assert message.given_up_at is None
    kinds = Event.objects.filter(subject_kind="connection", subject_id=connection.pk).values_list("kind", flat=True)
    assert "connection.message_failed" not in kinds
    assert "connection.message_sent" in kinds


def test_a_message_that_fails_while_its_channel_is_removed_finds_the_channel_gone(
    receiver: Receiver, channel: NotificationChannel
) -> None:
    receiver.answer(503)
    message = write(channel)
    Mail.objects.filter(pk=message.pk).claim(now=NOW)
    manage_channels.remove_channel(channel.pk, by=Actor("ann"), now=NOW)
    assert stored(message).given_up_at is None
    assert channel_outbox.deliver_due(now=NOW + timedelta(minutes=3)) == 0
    assert stored(message).last_error == "The channel was removed."


@pytest.mark.parametrize("changed", [{"sent_at": NOW}, {"lease": "of another worker"}])
def test_what_was_sent_or_claimed_since_it_was_read_is_not_recorded_as_failed(
    channel: NotificationChannel, changed: dict[str, Any]
) -> None:
    expiring(channel)
    reminders.remind_due(now=NOW)
    waiting = outbox_rows.waiting_for(channel, now=NOW)
    Mail.objects.update(**changed)
    assert len(waiting) == 1
    assert outbox_rows.give_up(waiting, "The channel was removed.", now=NOW) == 0
    assert not Event.objects.filter(kind="connection.message_failed").exists()


def test_one_message_is_delivered_alone_although_its_channel_is_paused(
    receiver: Receiver, channel: NotificationChannel
) -> None:
    other = write(channel)
    NotificationChannel.objects.update(paused_until=NOW + timedelta(hours=1))
    message = channel_outbox.deliver_one(write(channel).pk, now=NOW)
    assert message.sent_at is not None
    assert [request.headers["webhook-id"] for request in receiver.requests] == [message.message_id]
    assert stored(other).attempts == 0


def test_one_message_that_another_process_has_is_waited_for(receiver: Receiver, channel: NotificationChannel) -> None:
    message = write(channel)
    rows = Mail.objects.filter(pk=message.pk)
    rows.claim(now=NOW, attempts=1)
    with patch.object(channel_outbox, "sleep", lambda _: rows.release(sent_at=NOW)):
        assert channel_outbox.deliver_one(message.pk, now=NOW).sent_at == NOW
    assert receiver.requests == []


def test_all_due_messages_are_delivered_batch_by_batch(
    receiver: Receiver, channel: NotificationChannel, settings: Settings
) -> None:
    settings.MAILS_PER_TICK = 2
    for _ in range(5):
        write(channel)
    assert channel_outbox.deliver_all_due(now=NOW) == 5


def test_a_channel_that_fails_ends_the_delivery_of_all_due_messages(
    receiver: Receiver, channel: NotificationChannel, settings: Settings
) -> None:
    settings.MAILS_PER_TICK = 1
    receiver.answer(503)
    write(channel)
    write(channel)
    assert channel_outbox.deliver_all_due(now=NOW) == 0
    assert len(receiver.requests) == 1


def test_a_failure_after_the_lease_was_lost_leaves_the_lease_of_the_other_worker_alone(
    receiver: Receiver, channel: NotificationChannel
) -> None:
    receiver.answer(503)
    message = write(channel)

    def lose_the_lease(*args: Any, **kwargs: Any) -> object:
        Mail.objects.filter(pk=message.pk).update(lease="of another worker")
        return post(*args, **kwargs)

    post = webhook_post.post
    with patch.object(webhook_post, "post", lose_the_lease):
        assert channel_outbox.deliver_due(now=NOW) == 0
    assert (stored(message).lease, stored(message).last_error) == ("of another worker", "")
