"""Write stored tokens anew with the newest key of the ring."""

from collections.abc import Callable
from dataclasses import dataclass, field

from connections.models import StoredCredential
from core import encryption

REPORT_EVERY = 100
# What other apps seal with the same ring; each adds to the outcome.
further_secrets: list[Callable[["ReencryptionResult"], None]] = []


@dataclass(slots=True)
class ReencryptionResult:
    """How many tokens were written anew, had the newest key already, or cannot be read (by connection name)."""

    resealed: int = 0
    current: int = 0
    unreadable: list[str] = field(default_factory=list)


def reencrypt_all(*, progress: Callable[[int, int], object]) -> ReencryptionResult:
    """Go through all stored tokens. Each row is a step of its own, so that it may be interrupted anywhere.

    `progress` hears now and then how many of how many were looked at.
    """
    outcome = ReencryptionResult()
    tokens = StoredCredential.objects.select_related("connection").order_by("pk")
    total = tokens.count()
    for done, stored in enumerate(tokens.iterator(chunk_size=REPORT_EVERY), start=1):
        _reencrypt(stored, outcome)
        if done % REPORT_EVERY == 0:
            progress(done, total)
    for other in further_secrets:
        other(outcome)
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
    # Somebody may have updated the token since it was read: then the row is not touched.
    changed = StoredCredential.objects.filter(pk=stored.pk, sealed=stored.sealed).update(
        sealed=encryption.encrypt(token, owner=stored.seal_owner)
    )
    outcome.resealed += changed
