"""channels, add-channel, test-channel and remove-channel: where notifications are sent beside mail."""

import argparse
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from connections import notification_reads
from connections.actions import manage_channels
from connections.actions.manage_channels import ChannelInput
from connections.cli.common import ExitCode, Options, Output
from connections.models import NotificationChannel
from connections.notifications import channel_outbox
from core.database_time import database_now
from core.secrets import Secret
from core.text_input import UnreadableText, read_standard_input
from history.record import COMMAND_LINE

_LONGEST_INPUT = 16 * 1024


def add_arguments(verbs: Any) -> Iterator[argparse.ArgumentParser]:
    """Add the parsers of these verbs."""
    yield verbs.add_parser("channels", help="List the notification channels")
    adding = verbs.add_parser(
        "add-channel",
        help="Add a notification channel. Standard input has its webhook URL, and on a second line the signing "
        "secret of a signed webhook; without one, a new secret is generated and printed, once",
    )
    adding.add_argument("channel", help="its name")
    adding.add_argument("--kind", choices=NotificationChannel.Kind.values, required=True)
    yield adding
    testing = verbs.add_parser("test-channel", help="Send a test message to a notification channel now")
    testing.add_argument("channel", help="its name")
    yield testing
    removing = verbs.add_parser("remove-channel", help="Remove a notification channel and its webhook URL")
    removing.add_argument("channel", help="its name")
    yield removing


def list_channels(_options: Options, output: Output) -> int:
    """List the channels by name."""
    rows = [_row(channel) for channel in notification_reads.channels()]
    lines = [f"{row['name']}  {row['kind']}  {row['host']}  {'gone' if row['is_gone'] else 'active'}" for row in rows]
    output.lines(rows, lines, empty="No channels.")
    return ExitCode.OK


def _row(channel: NotificationChannel) -> dict[str, Any]:
    return {
        "name": channel.name,
        "kind": channel.kind,
        "host": channel.host,
        "is_gone": channel.gone_at is not None,
    }


def add_channel(options: Options, output: Output) -> int:
    """Add a channel, whose secrets are read from standard input."""
    try:
        url, _, secret = read_standard_input(longest=_LONGEST_INPUT).strip().partition("\n")
    except UnreadableText as error:
        raise CommandError(str(error), returncode=ExitCode.USAGE) from None
    entered = ChannelInput(options["channel"], Secret(url), Secret(secret))
    saved = manage_channels.add_channel(options["kind"], entered, by=COMMAND_LINE, now=timezone.now())
    generated = saved.generated.reveal() if saved.generated else None
    words = f"Added {saved.channel.name}."
    words = f"{words} Its signing secret is shown only now: {generated}" if generated else words
    output.say({**_row(saved.channel), "signing_secret": generated}, words)
    return ExitCode.OK


def test_channel(options: Options, output: Output) -> int:
    """Write a test message, deliver it, and report on it: REFUSED if it was not delivered."""
    channel = _find(options["channel"])
    now = database_now()
    message_id = channel_outbox.write_test(channel, now=now).pk
    message = channel_outbox.deliver_one(message_id, now=now)
    is_sent = message.sent_at is not None
    error = message.last_error or "Another process is still delivering it."
    words = f"Sent to {channel.name}." if is_sent else f"Not sent to {channel.name}: {error}"
    output.say({"channel": channel.name, "sent": is_sent, "error": "" if is_sent else error}, words)
    return ExitCode.OK if is_sent else ExitCode.REFUSED


def remove_channel(options: Options, output: Output) -> int:
    """Remove a channel."""
    channel = _find(options["channel"])
    manage_channels.remove_channel(channel.pk, by=COMMAND_LINE, now=timezone.now())
    output.say({"channel": channel.name, "removed": True}, f"Removed {channel.name}.")
    return ExitCode.OK


def _find(name: str) -> NotificationChannel:
    channel = notification_reads.channel_named(name)
    if channel is None:
        raise CommandError(f"There is no channel named {name}.", returncode=ExitCode.REFUSED)
    return channel
