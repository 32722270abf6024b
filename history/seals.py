"""The bytes of an event, and what a seal over a batch of events is. Nothing here reads or writes the database.

A seal is HMAC-SHA256 over its own facts, the previous seal, and every event of the batch in the order of their ids.
Beside it stand the marks: for each event its id and a short keyed digest of its content, which the seal covers too.
They tell, once a seal is broken, which events were changed, removed, added or exchanged.
"""

import base64
import hashlib
import hmac
import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

FORMAT = 1
# Below every id there can be.
NO_ID = -(2**63)
_MARK = struct.Struct(">q8s")


class Content(Protocol):
    """An event, as the database gives it back."""

    pk: int
    at: datetime
    kind: str
    actor_id: int | None
    actor_name: str
    address: str | None
    subject_kind: str
    subject_id: int
    subject_name: str
    detail: Any


@dataclass(frozen=True, slots=True)
class Facts:
    """What a seal says of its batch beside the events themselves."""

    number: int
    previous: str
    first_id: int
    last_id: int
    count: int
    newest_at: datetime
    sealed_at: datetime


class SealKey:
    """One key of the ring. `name` tells keys apart without showing them."""

    __slots__ = ("_secret", "name")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.name = hashlib.sha256(b"history seal key\0" + secret).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"SealKey({self.name})"

    def _hmac(self, purpose: bytes) -> "hmac.HMAC":
        return hmac.new(self._secret, purpose + b"\0", hashlib.sha256)

    def marks(self, events: Iterable[Content]) -> bytes:
        """Id and short digest of each event."""
        start = self._hmac(b"mark")
        return b"".join(_MARK.pack(event.pk, _finished(start.copy(), content_of(event))[:8]) for event in events)

    def seal(self, facts: Facts, events: Sequence[Content], marks: bytes) -> str:
        """The seal in hexadecimal. `events` stand in the order of their ids."""
        mac = self._hmac(b"seal")
        for part in (
            facts_of(facts, self.name),
            marks,
            *(f"{content.pk}".encode() + content_of(content) for content in events),
        ):
            mac.update(len(part).to_bytes(8, "big") + part)
        return mac.hexdigest()

    def sign(self, purpose: str, *values: object) -> str:
        """A MAC over values that are not a batch, in hexadecimal."""
        return _finished(self._hmac(purpose.encode()), _bytes([*values, self.name])).hex()


def _finished(mac: "hmac.HMAC", message: bytes) -> bytes:
    mac.update(message)
    return mac.digest()


def content_of(event: Content) -> bytes:
    """Everything of an event but its id, the same on every database."""
    return _bytes(
        [
            utc(event.at),
            event.kind,
            event.actor_id,
            event.actor_name,
            event.address,
            event.subject_kind,
            event.subject_id,
            event.subject_name,
            event.detail,
        ]
    )


def facts_of(facts: Facts, key: str) -> bytes:
    """The seal's own facts."""
    moments = [utc(facts.newest_at), utc(facts.sealed_at)]
    places = [facts.first_id, facts.last_id, facts.count]
    return _bytes([FORMAT, key, facts.number, facts.previous, *places, *moments])


def _bytes(values: list[object]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def utc(moment: datetime) -> str:
    """A moment as text, the same wherever it was stored."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def read_marks(marks: bytes) -> dict[int, bytes]:
    """The short digest of each event, by its id. What is not a whole mark is passed over."""
    whole = len(marks) - len(marks) % _MARK.size
    return dict(_MARK.iter_unpack(marks[:whole]))


def ring() -> list[SealKey]:
    """The ring, newest first: the first key seals, every key verifies. Raises `ImproperlyConfigured`."""
    if not settings.EVENT_SEAL_KEYS:
        raise ImproperlyConfigured("EVENT_SEAL_KEYS is empty: set at least one key to seal the history with.")
    return [SealKey(base64.b64decode(key)) for key in settings.EVENT_SEAL_KEYS]


def same(one: str, other: str) -> bool:
    """Compare two MACs."""
    return hmac.compare_digest(one.encode(), other.encode())


@dataclass(frozen=True, slots=True)
class Differences:
    """What became of the events of a batch since it was sealed, as ids."""

    changed: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()
    inserted: tuple[int, ...] = ()
    reordered: tuple[int, ...] = ()

    @property
    def any(self) -> bool:
        """Whether the marks tell of any difference."""
        return bool(self.changed or self.missing or self.inserted or self.reordered)


def differences(sealed: dict[int, bytes], found: dict[int, bytes]) -> Differences:
    """Compare marks. Content that stands under another id than before was reordered."""
    changed = {pk for pk in sealed.keys() & found.keys() if sealed[pk] != found[pk]}
    missing, inserted = sealed.keys() - found.keys(), found.keys() - sealed.keys()
    came_from = {sealed[pk]: pk for pk in changed | missing}
    moved_to = {pk for pk in changed | inserted if found[pk] in came_from}
    moved_from = {came_from[found[pk]] for pk in moved_to}
    return Differences(
        changed=tuple(sorted(changed - moved_to)),
        missing=tuple(sorted(missing - moved_from)),
        inserted=tuple(sorted(inserted - moved_to)),
        reordered=tuple(sorted(moved_to | (moved_from & missing))),
    )
