"""Set up notification channels, and choose them for a connection, an entry of the register or oneself."""

import base64
import binascii
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.views.decorators.debug import sensitive_variables

from connections import input_rules
from connections.actions import register_versions, versions
from connections.actions.refusals import Refused, refusing_invalid_input
from connections.input_rules import InvalidInput
from connections.models import ChannelTarget, Connection, NotificationChannel, RegisterEntry
from connections.models.channels import NAME_LENGTH
from connections.notifications import channel_hosts, outbox_rows
from connections.notifications.channel_bodies import KEY_PREFIX
from core.secrets import Secret
from history.record import Actor, record

# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
_SHORTEST_KEY, _LONGEST_KEY, _NEW_KEY = 24, 64, 32  # bytes
Kind = NotificationChannel.Kind


class CannotChangeChannel(Refused):
    """The channel was not added, changed or removed."""


@dataclass(frozen=True, slots=True)
class ChannelInput:
    """What an administrator enters. An empty URL or signing secret keeps the stored one, or generates a new secret."""

    name: str
    url: Secret
    signing_secret: Secret


@dataclass(frozen=True, slots=True)
class SavedChannel:
    """A channel and, this once, the signing secret that was generated for it."""

    channel: NotificationChannel
    generated: Secret | None = None


@sensitive_variables("url")
def add_channel(kind: str, entered: ChannelInput, *, by: Actor, now: datetime) -> SavedChannel:
    """Add a channel. Raises `CannotChangeChannel`."""
    with refusing_invalid_input(CannotChangeChannel):
        name = _name(entered.name)
        kind = input_rules.choice(kind, Kind.values, field="kind")
        url = channel_hosts.target_url(entered.url.reveal())
        secret = signing_secret(kind, entered.signing_secret)
    generated = _new_secret(kind)
    channel = NotificationChannel(kind=kind, name=name, host=channel_hosts.host_of(url), sealed=b"", created_at=now)
    with _unique_name(), transaction.atomic():
        channel.save()
        channel.seal(ChannelTarget(Secret(url), secret or generated))
        channel.save(update_fields=["sealed"])
        record("channel.added", channel, by=by, at=now, detail=_detail(channel))
    return SavedChannel(channel, generated if generated.reveal() and secret is None else None)


def change_channel(channel_id: int, entered: ChannelInput, *, by: Actor, now: datetime) -> None:
    """Rename a channel or replace its target, which makes a channel that is gone usable again.

    Raises `CannotChangeChannel`, `NotificationChannel.DoesNotExist` and `encryption.UnreadableToken`.
    """
    with refusing_invalid_input(CannotChangeChannel), _unique_name(), transaction.atomic():
        channel = NotificationChannel.objects.select_for_update().get(pk=channel_id)
        before, channel.name = channel.name, _name(entered.name)
        is_new_target = _replace_target(channel, entered)
        channel.save()
        detail = _detail(channel, new_target=is_new_target, before=before if before != channel.name else "")
        if is_new_target or before != channel.name:
            record("channel.changed", channel, by=by, at=now, detail=detail)


@sensitive_variables("url")
def _replace_target(channel: NotificationChannel, entered: ChannelInput) -> bool:
    """Encrypt the entered parts of the target with the stored other parts. Returns whether anything was entered."""
    url, secret = entered.url.reveal().strip(), signing_secret(channel.kind, entered.signing_secret)
    if not url and secret is None:
        return False
    # Without a key for the old target, both parts have to be entered.
    stored = None if url and (secret or channel.kind != Kind.WEBHOOK) else channel.reveal()
    if url:
        url = channel_hosts.target_url(url)
        channel.host = channel_hosts.host_of(url)
    channel.seal(
        ChannelTarget(
            Secret(url) if url or stored is None else stored.url,
            secret or (stored.signing_secret if stored else Secret("")),
        )
    )
    channel.gone_at = channel.paused_until = None
    return True


def remove_channel(channel_id: int, *, by: Actor, now: datetime) -> None:
    """Remove a channel with its target. Messages that wait for it fail, those being delivered with their next attempt.

    Raises `NotificationChannel.DoesNotExist`.
    """
    with transaction.atomic():
        channel = NotificationChannel.objects.select_for_update().get(pk=channel_id)
        record("channel.removed", channel, by=by, at=now, detail=_detail(channel))
        outbox_rows.give_up(outbox_rows.waiting_for(channel, now=now), outbox_rows.CHANNEL_REMOVED, now=now)
        channel.delete()


def choose_for_connection(connection_id: int, channel_ids: Collection[int], *, by: Actor, now: datetime) -> bool:
    """Choose the channels of a connection. Returns whether that changed anything. Raises `ConnectionGone`."""
    with transaction.atomic():
        connection = versions.held(connection_id)
        return _choose(connection, channel_ids, "connection.channels_chosen", by=by, now=now)


def choose_for_entry(entry_id: int, channel_ids: Collection[int], *, by: Actor, now: datetime) -> bool:
    """Choose the channels of an entry of the register. Returns whether that changed anything. Raises `EntryGone`."""
    with transaction.atomic():
        entry = register_versions.held(entry_id)
        return _choose(entry, channel_ids, "register.channels_chosen", by=by, now=now)


def _choose(
    held: Connection | RegisterEntry, channel_ids: Collection[int], kind: str, *, by: Actor, now: datetime
) -> bool:
    before = list(held.channels.values_list("name", flat=True))
    held.channels.set(NotificationChannel.objects.filter(pk__in=channel_ids))
    after = list(held.channels.values_list("name", flat=True))
    if before != after:
        record(kind, held, by=by, at=now, detail={"channels": {"before": before, "after": after}})
    return before != after


def choose_for_person(user: User, channel_ids: Collection[int], *, by: Actor, now: datetime) -> bool:
    """Choose the channels that get a person's notifications, beside mail. Returns whether that changed anything."""
    with transaction.atomic():
        channels = NotificationChannel.objects.defer("sealed")
        before = {channel.pk: channel for channel in channels.filter(people=user)}
        after = {channel.pk: channel for channel in channels.filter(pk__in=channel_ids)}
        for pk in before.keys() - after.keys():
            before[pk].people.remove(user)
        for pk in after.keys() - before.keys():
            after[pk].people.add(user)
        for pk in sorted(before.keys() ^ after.keys()):
            kind = "channel.chosen" if pk in after else "channel.unchosen"
            record(kind, before.get(pk) or after[pk], by=by, at=now)
    return before.keys() != after.keys()


def _name(text: str) -> str:
    return input_rules.one_line_name(text, longest=NAME_LENGTH, missing="Enter a name.")


@contextmanager
def _unique_name() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise CannotChangeChannel("channel_name_taken", field="name") from None


def _detail(channel: NotificationChannel, **more: object) -> dict[str, object]:
    return {"kind": channel.kind, "host": channel.host, **{name: value for name, value in more.items() if value}}


@sensitive_variables("text", "key")
def signing_secret(kind: str, entered: Secret) -> Secret | None:
    """A signing secret as it is stored; None if none was entered. Raises `InvalidInput`."""
    text = entered.reveal().strip()
    if not text or kind != Kind.WEBHOOK:
        return None
    try:
        key = base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
        words = f"A signing secret is whsec_ and base64 of {_SHORTEST_KEY} to {_LONGEST_KEY} random bytes."
        raise InvalidInput("signing_secret_invalid", words, field="signing_secret")
    return Secret(KEY_PREFIX + base64.b64encode(key).decode())


def _new_secret(kind: str) -> Secret:
    if kind != Kind.WEBHOOK:
        return Secret("")
    return Secret(KEY_PREFIX + base64.b64encode(secrets.token_bytes(_NEW_KEY)).decode())
