"""Encrypt stored and other kept tokens, and targets of notification channels, again with the newest key of the ring."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from connections.models import LeakedToken, NotificationChannel, Renewal, StoredCredential
from core import encryption

REPORT_EVERY = 100


@dataclass(slots=True)
class ReencryptionResult:
    """How many secrets were re-encrypted or already had the newest key, and which ones are unreadable."""

    resealed: int = 0
    current: int = 0
    unreadable: list[str] = field(default_factory=list)
    # Why other secrets were left as they are.
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class EncryptedSecret:
    """A secret as it is stored, and what it is, such as "the token of Acme main".

    `store_again` encrypts and stores it, unless it was changed since it was read, and returns how many rows it
    changed. It raises `encryption.UnreadableToken`.
    """

    name: str
    sealed: bytes
    store_again: Callable[[], int]


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Secrets of one kind: how many there are, and all of them."""

    count: Callable[[], int]
    secrets: Callable[[], Iterator[EncryptedSecret]]


def _tokens() -> Iterator[EncryptedSecret]:
    rows = StoredCredential.objects.select_related("connection").order_by("pk")
    for stored in rows.iterator(chunk_size=REPORT_EVERY):
        name = f"the token of {stored.connection.name}"
        yield EncryptedSecret(name, bytes(stored.sealed), partial(_store_token, stored))


def _leaked_tokens() -> Iterator[EncryptedSecret]:
    for leak in LeakedToken.objects.exclude(sealed=b"").order_by("pk").iterator(chunk_size=REPORT_EVERY):
        yield EncryptedSecret(
            f"the leaked token of {leak.organization}", bytes(leak.sealed), partial(_store_token, leak)
        )


def _renewals() -> Iterator[EncryptedSecret]:
    for renewal in Renewal.objects.exclude(sealed=b"").order_by("pk").iterator(chunk_size=REPORT_EVERY):
        name = f"the token of a renewal of {renewal.connection_name}"
        yield EncryptedSecret(name, bytes(renewal.sealed), partial(_store_token, renewal))


def _store_token(row: StoredCredential | LeakedToken | Renewal) -> int:
    unchanged = type(row)._default_manager.filter(pk=row.pk, sealed=row.sealed)
    return unchanged.update(sealed=encryption.encrypt(row.reveal(), owner=row.seal_owner))


def _targets() -> Iterator[EncryptedSecret]:
    for channel in NotificationChannel.objects.order_by("pk").iterator(chunk_size=REPORT_EVERY):
        name = f"the target of the channel {channel.name}"
        yield EncryptedSecret(name, bytes(channel.sealed), partial(_store_target, channel))


def _store_target(channel: NotificationChannel) -> int:
    unchanged = NotificationChannel.objects.filter(pk=channel.pk, sealed=channel.sealed)
    channel.seal(channel.reveal())
    return unchanged.update(sealed=channel.sealed)


TOKENS = SecretSource(StoredCredential.objects.count, _tokens)
# Other apps add theirs.
sources = [
    TOKENS,
    SecretSource(LeakedToken.objects.exclude(sealed=b"").count, _leaked_tokens),
    SecretSource(Renewal.objects.exclude(sealed=b"").count, _renewals),
    SecretSource(NotificationChannel.objects.count, _targets),
]


# Each returns why secrets that are stored were left out; empty if there are none.
reasons_left_out: list[Callable[[], str]] = []


def reencrypt_all(*, progress: Callable[[int, int], object]) -> ReencryptionResult:
    """Re-encrypt all stored secrets, each in a transaction of its own, so that it can be interrupted at any time.

    Calls `progress` with the number processed and the total from time to time.
    """
    outcome = ReencryptionResult()
    total = sum(source.count() for source in sources)
    secrets = chain.from_iterable(source.secrets() for source in sources)
    for done, secret in enumerate(secrets, start=1):
        _reencrypt(secret, outcome)
        if done % REPORT_EVERY == 0:
            progress(done, total)
    outcome.left_out = [reason for find in reasons_left_out if (reason := find())]
    return outcome


def _reencrypt(secret: EncryptedSecret, outcome: ReencryptionResult) -> None:
    if encryption.is_encrypted_with_newest_key(secret.sealed):
        outcome.current += 1
        return
    try:
        outcome.resealed += secret.store_again()
    except encryption.UnreadableToken:
        outcome.unreadable.append(secret.name)
