"""How events are serialized and sealed. Nothing here reads or writes the database.

A seal is an HMAC-SHA256 over its own values, the previous seal, and every event of its batch in the order of their ids.
It also covers the marks that are stored with it: the id of each event and a short keyed digest of its content. When a
seal is broken, the marks show which events were changed, removed, added or swapped.
"""

import base64
import hashlib
import hmac
import json
import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from history.models import Event, Seal

FORMAT = 1
# Lower than any possible id.
NO_ID = -(2**63)
_MARK = struct.Struct(">q8s")


class SealKey:
    """A sealing key. `name` identifies it without revealing it."""

    __slots__ = ("_secret", "name")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.name = hashlib.sha256(b"history seal key\0" + secret).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"SealKey({self.name})"

    def _hmac(self, purpose: bytes) -> "hmac.HMAC":
        return hmac.new(self._secret, purpose + b"\0", hashlib.sha256)

    def marks(self, events: Iterable[Event]) -> bytes:
        """The id and short digest of each event."""
        start = self._hmac(b"mark")
        return b"".join(_MARK.pack(event.pk, _finished(start.copy(), content_of(event))[:8]) for event in events)

    def seal(self, seal: Seal, events: Sequence[Event], marks: bytes) -> str:
        """The seal in hexadecimal. `events` are sorted by id."""
        mac = self._hmac(b"seal")
        contents = (f"{event.pk}".encode() + content_of(event) for event in events)
        for part in (facts_of(seal, self.name), marks, *contents):
            mac.update(len(part).to_bytes(8, "big") + part)
        return mac.hexdigest()

    def sign(self, purpose: str, *values: object) -> str:
        """A MAC over other values than a batch, in hexadecimal."""
        return _finished(self._hmac(purpose.encode()), _bytes([*values, self.name])).hex()


def _finished(mac: "hmac.HMAC", message: bytes) -> bytes:
    mac.update(message)
    return mac.digest()


def content_of(event: Event) -> bytes:
    """All values of an event except its id, serialized alike on every database."""
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


def facts_of(seal: Seal, key: str) -> bytes:
    """The seal's own values, serialized."""
    batch = [seal.first_id, seal.last_id, seal.count]
    return _bytes([FORMAT, key, seal.number, seal.previous, *batch, utc(seal.newest_at), utc(seal.sealed_at)])


def _bytes(values: list[object]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def utc(moment: datetime) -> str:
    """A time as text, independent of the time zone in which the database returns it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def read_marks(marks: bytes) -> dict[int, bytes]:
    """The short digest of each event, by its id. Incomplete marks are ignored."""
    whole = len(marks) - len(marks) % _MARK.size
    return dict(_MARK.iter_unpack(marks[:whole]))


def ring() -> list[SealKey]:
    """The sealing keys: the first one seals, all of them verify. Raises `ImproperlyConfigured`."""
    if not settings.EVENT_SEAL_KEYS:
        raise ImproperlyConfigured("EVENT_SEAL_KEYS is empty. Set at least one key to seal the history.")
    return [SealKey(base64.b64decode(key)) for key in settings.EVENT_SEAL_KEYS]


def same(first: str, second: str) -> bool:
    """Whether two MACs are equal, compared in constant time."""
    return hmac.compare_digest(first.encode(), second.encode())


def differences(sealed: dict[int, bytes], current: dict[int, bytes]) -> dict[str, list[int]]:
    """Compare marks. Returns the sorted ids of the events for each kind of difference that there is.

    Content that is now under another id counts as reordered.
    """
    changed = {pk for pk in sealed.keys() & current.keys() if sealed[pk] != current[pk]}
    missing, inserted = sealed.keys() - current.keys(), current.keys() - sealed.keys()
    came_from = {sealed[pk]: pk for pk in changed | missing}
    moved_to = {pk for pk in changed | inserted if current[pk] in came_from}
    moved_from = {came_from[current[pk]] for pk in moved_to}
    kinds = {
        "missing": missing - moved_from,
        "inserted": inserted - moved_to,
        "changed": changed - moved_to,
        "reordered": moved_to | (moved_from & missing),
    }
    return {kind: sorted(ids) for kind, ids in kinds.items() if ids}
