"""Look at every seal and say where the first one is broken, and how. Memory is that of one batch."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from history import seals
from history.models import Checkpoint, Event, Seal, Verification

SHOWN_EVENTS = 20
KEPT_FINDINGS = 20
KEPT_VERIFICATIONS = 100
LATE = timedelta(hours=1)
_TABLE = "history_event"
_FEW = 100  # seals read at once


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken place. `kind` is stable; `events` are ids, at most `SHOWN_EVENTS` of them."""

    kind: str
    batch: int
    words: str
    events: tuple[int, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What was found. `unsealed` events are newer than the newest seal and prove nothing yet."""

    batches: int = 0
    events: int = 0
    pruned: int = 0
    unsealed: int = 0
    last_number: int = 0
    last_event_id: int = 0
    last_event_at: datetime | None = None
    anchor: str = ""
    broken_batches: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Every seal holds."""
        return not self.findings

    @property
    def untold(self) -> bool:
        """Nothing is known to be broken, but a key is lacking to tell."""
        return bool(self.findings) and all(one.kind == "key_missing" for one in self.findings)

    def count(self, seal: Seal, events: list[Event]) -> None:
        """Move on past a batch."""
        self.batches += 1
        self.events += len(events)
        self.last_number, self.last_event_id, self.last_event_at = seal.number, seal.last_id, seal.newest_at
        self.anchor = f"{seal.number}:{seal.mac}"

    def add(self, finding: Finding) -> None:
        """Keep the first findings; count all."""
        self.broken_batches += 1
        if len(self.findings) < KEPT_FINDINGS:
            self.findings.append(finding)


def verify(*, anchor: str = "", progress: Callable[[int], object] = lambda _events: None) -> Outcome:
    """Verify the whole history. `anchor` is `NUMBER:SEAL` as it was logged or noted; `progress` hears of events.

    Raises `ImproperlyConfigured` without a key, and `ValueError` for an anchor of another form.
    """
    noted_number, noted_seal = _read_anchor(anchor)
    outcome = Outcome()
    keys = {key.name: key for key in seals.ring()}
    before = _beginning(outcome, keys)
    for seal in _all_seals(before.number):
        events = list(Event.objects.filter(pk__gt=before.last_id, pk__lte=seal.last_id).order_by("pk"))
        finding = _judge(seal, before, keys, events)
        if finding and _is_pruned_by_now(seal, before):
            before.take(seal)
            continue
        if seal.number == noted_number and not seals.same(seal.mac, noted_seal):
            finding = Finding("anchor", seal.number, "This seal is not the one that was noted.")
        if finding:
            outcome.add(finding)
        outcome.count(seal, events)
        _note_old_dates(seal, before, events, outcome)
        before.take(seal)
        progress(outcome.events)
    _look_at_the_end(before, outcome, noted_number)
    return outcome


@dataclass(slots=True)
class _Before:
    """The end of what was looked at so far."""

    number: int
    last_id: int
    mac: str
    sealed_at: datetime | None = None

    def take(self, seal: Seal) -> None:
        self.number, self.last_id, self.mac, self.sealed_at = seal.number, seal.last_id, seal.mac, seal.sealed_at


def _beginning(outcome: Outcome, keys: dict[str, seals.SealKey]) -> _Before:
    checkpoint = Checkpoint.objects.order_by("pk").first()
    if checkpoint is None:
        return _Before(0, seals.NO_ID, "")
    outcome.pruned = checkpoint.pruned
    outcome.last_number, outcome.last_event_id = checkpoint.number, checkpoint.last_id
    outcome.anchor = f"{checkpoint.number}:{checkpoint.seal}"
    key = keys.get(checkpoint.key)
    if key is None:
        outcome.add(_no_key(checkpoint.number, checkpoint.key))
    elif not seals.same(checkpoint.mac, sign_checkpoint(key, checkpoint)):
        words = "The checkpoint that pruning left was changed. Where the history begins cannot be told."
        outcome.add(Finding("checkpoint", checkpoint.number, words))
    return _Before(checkpoint.number, checkpoint.last_id, checkpoint.seal)


def sign_checkpoint(key: seals.SealKey, checkpoint: Checkpoint) -> str:
    """The MAC over everything a checkpoint says."""
    moments = [seals.utc(checkpoint.newest_at), seals.utc(checkpoint.pruned_at)]
    return key.sign("checkpoint", checkpoint.number, checkpoint.last_id, checkpoint.seal, checkpoint.pruned, *moments)


def _all_seals(number: int) -> Iterator[Seal]:
    # In small steps of their own: no cursor stays open, and pruning may go on meanwhile.
    while seals_found := list(Seal.objects.filter(number__gt=number).order_by("number")[:_FEW]):
        yield from seals_found
        number = seals_found[-1].number


def _is_pruned_by_now(seal: Seal, before: _Before) -> bool:
    """Whether pruning, rather than somebody else, took this batch while we were looking."""
    return Checkpoint.objects.filter(number__gte=seal.number, number__gt=before.number).exists()


def _judge(seal: Seal, before: _Before, keys: dict[str, seals.SealKey], events: list[Event]) -> Finding | None:
    if seal.number != before.number + 1:
        gap = f"{before.number + 1} to {seal.number - 1}"
        return Finding("seal_missing", before.number + 1, f"The seals {gap} are missing.")
    key = keys.get(seal.key)
    if key is None:
        return _no_key(seal.number, seal.key)
    marks = bytes(seal.marks)
    sound = seals.same(seal.mac, key.seal(_facts(seal), events, marks))
    if sound and seals.same(seal.previous, before.mac) and _fits(seal, events):
        return None
    return _explain(seal, seals.differences(seals.read_marks(marks), seals.read_marks(key.marks(events))))


def _note_old_dates(seal: Seal, before: _Before, events: list[Event], outcome: Outcome) -> None:
    """Whatever was true when the batch before was sealed should have been in it."""
    if before.sealed_at is None or len(outcome.notes) >= KEPT_FINDINGS:
        return
    late = [event.pk for event in events if event.at < before.sealed_at - LATE]
    if late:
        outcome.notes.append(
            f"Batch {seal.number}: {_named(tuple(late))} dated more than an hour before the batch before was sealed."
        )


def judge_oldest(seal: Seal) -> Finding | None:
    """Whether the oldest batch, and the checkpoint before it, hold. Raises `ImproperlyConfigured` without a key."""
    keys = {key.name: key for key in seals.ring()}
    outcome = Outcome()
    before = _beginning(outcome, keys)
    # From the very first id: an event that was slipped in below must not go unseen with the rest.
    events = list(Event.objects.filter(pk__lte=seal.last_id).order_by("pk")[: seal.count + SHOWN_EVENTS])
    return outcome.findings[0] if outcome.findings else _judge(seal, before, keys, events)


def _facts(seal: Seal) -> seals.Facts:
    return seals.Facts(
        number=seal.number,
        previous=seal.previous,
        first_id=seal.first_id,
        last_id=seal.last_id,
        count=seal.count,
        newest_at=seal.newest_at,
        sealed_at=seal.sealed_at,
    )


def _fits(seal: Seal, events: list[Event]) -> bool:
    return len(events) == seal.count and events[0].pk == seal.first_id and events[-1].pk == seal.last_id


def _explain(seal: Seal, found: seals.Differences) -> Finding:
    if not found.any:
        return Finding("seal", seal.number, "Its events are as they were, but the seal itself was changed or replaced.")
    kinds = {
        "missing": (found.missing, "removed"),
        "inserted": (found.inserted, "added afterwards"),
        "changed": (found.changed, "changed"),
        "reordered": (found.reordered, "exchanged or moved"),
    }
    parts = [f"{_named(ids)} {verb}" for ids, verb in kinds.values() if ids]
    kind = next(name for name, (ids, _) in kinds.items() if ids)
    every = sorted(pk for ids, _ in kinds.values() for pk in ids)
    return Finding(kind, seal.number, f"{'; '.join(parts)}.", tuple(every[:SHOWN_EVENTS]))


def _named(ids: tuple[int, ...]) -> str:
    shown = ", ".join(str(pk) for pk in ids[:SHOWN_EVENTS])
    more = f" and {len(ids) - SHOWN_EVENTS} more" if len(ids) > SHOWN_EVENTS else ""
    return f"Event {shown} was" if len(ids) == 1 else f"Events {shown}{more} were"


def _no_key(number: int, name: str) -> Finding:
    return Finding("key_missing", number, f"It was made with the key {name}, which is not in EVENT_SEAL_KEYS any more.")


def _look_at_the_end(before: _Before, outcome: Outcome, noted_number: int) -> None:
    first = Checkpoint.objects.order_by("pk").first()
    if first is not None and (early := Event.objects.filter(pk__lte=first.last_id).order_by("pk")[:SHOWN_EVENTS]):
        ids = tuple(event.pk for event in early)
        words = f"{_named(ids)} added where everything was pruned."
        outcome.add(Finding("inserted", first.number, words, ids))
    outcome.unsealed = Event.objects.filter(pk__gt=before.last_id).count()
    latest = Verification.objects.order_by("-last_number").first()
    known = max(noted_number, latest.last_number if latest else 0)
    if known > outcome.last_number:
        words = f"The newest seals are missing: number {known} was there once, and {outcome.last_number} is the last."
        outcome.add(Finding("truncated", outcome.last_number + 1, words))
    _look_for_lost_ids(before, outcome)


def _look_for_lost_ids(before: _Before, outcome: Outcome) -> None:
    """Ids are given once. On SQLite a rollback gives them back, so that a gap at the end means removed events."""
    newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or max(before.last_id, 0)
    given = _highest_id_given()
    if given <= newest:
        return
    words = f"Ids up to {given} were given, but {newest} is the last event."
    if connection.vendor == "sqlite":
        outcome.add(Finding("truncated", outcome.last_number + 1, f"{words} The newest events are missing."))
    else:
        outcome.notes.append(f"{words} Transactions that were rolled back explain a few such ids.")


def _highest_id_given() -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [_TABLE])
        else:
            cursor.execute("SELECT pg_sequence_last_value(pg_get_serial_sequence(%s, 'id')::regclass)", [_TABLE])
        row = cursor.fetchone()
    return int(row[0]) if row and row[0] else 0


def _read_anchor(text: str) -> tuple[int, str]:
    """Raises `ValueError`."""
    if not text:
        return 0, ""
    number, _, seal = text.partition(":")
    return int(number), seal


def keep(outcome: Outcome, *, now: datetime) -> Verification:
    """Write down what was found, for the History page, and forget the oldest."""
    first = outcome.findings[0] if outcome.findings else None
    kept = Verification.objects.create(
        at=now,
        holds=outcome.holds,
        batches=outcome.batches,
        events=outcome.events,
        last_number=outcome.last_number,
        last_event_at=outcome.last_event_at,
        finding=f"Batch {first.batch}: {first.words}" if first else "",
    )
    newest = Verification.objects.values_list("pk", flat=True)[:KEPT_VERIFICATIONS]
    Verification.objects.exclude(pk__in=list(newest)).delete()
    return kept


def as_json(outcome: Outcome) -> dict[str, object]:
    """The outcome for scripts."""
    found = asdict(outcome)
    found["holds"] = outcome.holds
    found["last_event_at"] = outcome.last_event_at.isoformat() if outcome.last_event_at else None
    return found
