"""Encrypt stored tokens, and targets of notification channels, again with the newest key of the key ring."""

from collections.abc import Callable
from dataclasses import dataclass, field

from connections.models import NotificationChannel, StoredCredential
from core import encryption

REPORT_EVERY = 100
# Functions of other apps that do the same for their secrets, and add to the result.
further_secrets: list[Callable[["ReencryptionResult"], None]] = []


@dataclass(slots=True)
class ReencryptionResult:
    """How many tokens were re-encrypted or already had the newest key; names of connections with unreadable ones."""

    resealed: int = 0
    current: int = 0
    unreadable: list[str] = field(default_factory=list)


def reencrypt_all(*, progress: Callable[[int, int], object]) -> ReencryptionResult:
    """Re-encrypt all stored tokens, each in a transaction of its own, so that it can be interrupted at any time.

    Calls `progress` with the number processed and the total from time to time.
    """
    outcome = ReencryptionResult()
    tokens = StoredCredential.objects.select_related("connection").order_by("pk")
    total = tokens.count()
    for done, stored in enumerate(tokens.iterator(chunk_size=REPORT_EVERY), start=1):
        _reencrypt(stored, outcome)
        if done % REPORT_EVERY == 0:
            progress(done, total)
    for channel in NotificationChannel.objects.order_by("pk").iterator(chunk_size=REPORT_EVERY):
        _reencrypt_channel(channel, outcome)
    for reencrypt in further_secrets:
        reencrypt(outcome)
    return outcome


def _reencrypt(stored: StoredCredential, outcome: ReencryptionResult) -> None:
    if encryption.is_encrypted_with_newest_key(bytes(stored.sealed)):
        outcome.current += 1
        return
    try:
        token = stored.reveal()
    except encryption.UnreadableToken:
        outcome.unreadable.append(stored.connection.name)
        return
    # Filters by the old value, so that a token updated in the meantime is not overwritten.
    changed = StoredCredential.objects.filter(pk=stored.pk, sealed=stored.sealed).update(
        sealed=encryption.encrypt(token, owner=stored.seal_owner)
    )
    outcome.resealed += changed


def _reencrypt_channel(channel: NotificationChannel, outcome: ReencryptionResult) -> None:
    before = channel.sealed
    if encryption.is_encrypted_with_newest_key(bytes(before)):
        outcome.current += 1
        return
    try:
        channel.seal(channel.reveal())
    except encryption.UnreadableToken:
        outcome.unreadable.append(channel.name)
        return
    rows = NotificationChannel.objects.filter(pk=channel.pk, sealed=before)
    outcome.resealed += rows.update(sealed=channel.sealed)
