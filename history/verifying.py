"""Verify every seal, and name the first that is broken and why. Needs the memory of one batch."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from history import anchor_checks, anchor_file, obstacles, seals
from history.acceptances import Accepted, accepted, in_words
from history.anchor_checks import AnchorCheck
from history.anchors import Anchor
from history.chain import End
from history.findings import SHOWN_EVENTS, Finding, moment, named
from history.models import Checkpoint, Event, Seal, Verification

KEPT_FINDINGS = 20
KEPT_VERIFICATIONS = 100
LATE = timedelta(hours=1)
_TABLE = "history_event"
_SEALS_AT_ONCE = 100


@dataclass(slots=True)
class Outcome:
    """The result of a verification. `unsealed` events are newer than the newest seal, so nothing protects them yet."""

    batches: int = 0
    events: int = 0
    pruned: int = 0
    unsealed: int = 0
    last_number: int = 0
    last_event_id: int = 0
    last_event_at: datetime | None = None
    anchor: str = ""
    broken_batches: int = 0
    anchors_checked: int = 0
    anchor_held: int = 0
    held_event_id: int = 0
    held_event_at: datetime | None = None
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Every seal is valid, and nothing else is wrong."""
        return not self.findings

    @property
    def is_anchor_proven(self) -> bool:
        """An anchor matches, and everything up to it is valid."""
        return self.anchor_held > 0 and all(finding.batch > self.anchor_held for finding in self.findings)

    @property
    def is_unknown(self) -> bool:
        """Nothing is known to be broken, but some seals can't be verified because a key is missing."""
        return bool(self.findings) and all(finding.kind == "key_missing" for finding in self.findings)

    def count(self, seal: Seal, events: list[Event]) -> None:
        """Count a batch."""
        self.batches += 1
        self.events += len(events)
        self.last_number, self.last_event_id, self.last_event_at = seal.number, seal.last_id, seal.newest_at
        self.anchor = End.of(seal).anchor

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it if it is one of the first."""
        self.broken_batches += 1
        if len(self.findings) < KEPT_FINDINGS:
            self.findings.append(finding)


def verify(
    *, now: datetime, anchors: Iterable[Anchor] = (), progress: Callable[[int], object] = lambda _events: None
) -> Outcome:
    """Verify the whole history, and compare it with `anchors` and the anchor file.

    Calls `progress` with the number of events so far. Raises `ImproperlyConfigured` without a key, and whatever reading
    the anchors raises.
    """
    outcome = Outcome()
    decided = accepted()
    checks = [anchor_checks.check(anchors, decided), *_check_of_the_file(decided, outcome)]
    for finding in decided.findings:
        outcome.add(finding)
    end = _verify_seals(outcome, decided, progress)
    outcome.notes += [in_words(decision) for decision in decided.decisions[-KEPT_FINDINGS:]]
    _compare_with_anchors(checks, outcome)
    _check_unsealed(end, outcome, now=now)
    return outcome


def _verify_seals(outcome: Outcome, decided: Accepted, progress: Callable[[int], object]) -> End:
    keys = {key.name: key for key in seals.ring()}
    end, previous_sealed_at = _beginning(outcome, keys), None
    for seal in _all_seals(end.number):
        events = list(Event.objects.filter(pk__gt=end.last_id, pk__lte=seal.last_id).order_by("pk"))
        finding = _verify_seal(seal, end, keys, events, decided)
        if not (finding and _was_pruned_meanwhile(seal, end)):
            finding = finding or (first_seal_in_doubt(seal, decided) if end.number == 0 else None)
            if finding:
                outcome.add(finding)
            outcome.count(seal, events)
            _note_old_dates(seal, previous_sealed_at, events, outcome)
            progress(outcome.events)
        end, previous_sealed_at = End.of(seal), seal.sealed_at
    return end


def _check_of_the_file(decided: Accepted, outcome: Outcome) -> Iterator[AnchorCheck]:
    try:
        yield anchor_checks.check(anchor_file.every_anchor(), decided)
    except OSError as error:
        outcome.notes.append(f"The anchor file cannot be read: {error.strerror}.")


def _compare_with_anchors(checks: list[AnchorCheck], outcome: Outcome) -> None:
    for check in checks:
        outcome.anchors_checked += check.count
        if check.held is not None and check.held_number > outcome.anchor_held:
            outcome.anchor_held, outcome.held_event_id = check.held_number, check.held.last_id
            outcome.held_event_at = check.held.newest_at
        known = {finding.kind for finding in outcome.findings}
        for finding in check.findings():
            if finding.kind not in known:
                outcome.add(finding)
        outcome.notes += check.notes()


def first_seal_in_doubt(first: Seal, decided: Accepted) -> Finding | None:
    """A finding if the first seal covers events that were already old, which suggests that earlier seals are gone."""
    oldest = Event.objects.filter(pk__gte=first.first_id, pk__lte=first.last_id).order_by("at").first()
    is_young = oldest is None or oldest.at >= first.sealed_at - obstacles.SEALED_WITHIN
    if oldest is None or is_young or decided.explains_first_seal(first.number):
        return None
    words = (
        f"The first seal was created on {moment(first.sealed_at)} for events since {moment(oldest.at)}, and no "
        "checkpoint or operator's decision explains this: earlier seals may have been removed."
    )
    return Finding("first_seal", first.number, words)


def _beginning(outcome: Outcome, keys: dict[str, seals.SealKey]) -> End:
    """Where the stored seals begin: after the checkpoint, if events were pruned."""
    checkpoint = Checkpoint.objects.order_by("pk").first()
    if checkpoint is None:
        return End()
    beginning = End(checkpoint.number, checkpoint.last_id, checkpoint.seal)
    outcome.pruned, outcome.anchor = checkpoint.pruned, beginning.anchor
    outcome.last_number, outcome.last_event_id = checkpoint.number, checkpoint.last_id
    key = keys.get(checkpoint.key)
    if key is None:
        outcome.add(_no_key(checkpoint.number, checkpoint.key))
    elif not seals.same(checkpoint.mac, sign_checkpoint(key, checkpoint)):
        words = "The checkpoint of the last pruning was changed. It is unknown where the history begins."
        outcome.add(Finding("checkpoint", checkpoint.number, words))
    return beginning


def sign_checkpoint(key: seals.SealKey, checkpoint: Checkpoint) -> str:
    """The MAC over all values of a checkpoint."""
    times = [seals.utc(checkpoint.newest_at), seals.utc(checkpoint.pruned_at)]
    return key.sign("checkpoint", checkpoint.number, checkpoint.last_id, checkpoint.seal, checkpoint.pruned, *times)


def _all_seals(number: int) -> Iterator[Seal]:
    # In queries of their own, so that no cursor stays open and pruning can run meanwhile.
    while batch := list(Seal.objects.filter(number__gt=number).order_by("number")[:_SEALS_AT_ONCE]):
        yield from batch
        number = batch[-1].number


def _was_pruned_meanwhile(seal: Seal, end: End) -> bool:
    """Whether pruning removed this batch since the verification read its seal."""
    return Checkpoint.objects.filter(number__gte=seal.number, number__gt=end.number).exists()


def _verify_seal(
    seal: Seal, end: End, keys: dict[str, seals.SealKey], events: list[Event], decided: Accepted
) -> Finding | None:
    """A finding if the seal does not continue the chain at `end`, or does not match its events."""
    if seal.number != end.number + 1 and not decided.bridges(end, seal.number):
        gap = f"{end.number + 1} to {seal.number - 1}"
        return Finding("seal_missing", end.number + 1, f"Seals {gap} are missing.")
    key = keys.get(seal.key)
    if key is None:
        return _no_key(seal.number, seal.key)
    marks = bytes(seal.marks)
    is_valid = seals.same(seal.mac, key.seal(seal, events, marks))
    if is_valid and seals.same(seal.previous, end.mac) and _has_all_events(seal, events):
        return None
    return _describe(seal, seals.differences(seals.read_marks(marks), seals.read_marks(key.marks(events))))


def _note_old_dates(seal: Seal, previous_sealed_at: datetime | None, events: list[Event], outcome: Outcome) -> None:
    """Note events that are older than the previous seal: they should be part of its batch."""
    if previous_sealed_at is None or len(outcome.notes) >= KEPT_FINDINGS:
        return
    late = [event.pk for event in events if event.at < previous_sealed_at - LATE]
    if late:
        outcome.notes.append(
            f"Batch {seal.number}: {named(tuple(late))} dated more than an hour before the previous batch was sealed."
        )


def verify_oldest(seal: Seal) -> Finding | None:
    """Verify the oldest batch and the checkpoint before it. Raises `ImproperlyConfigured` without a key."""
    keys = {key.name: key for key in seals.ring()}
    outcome = Outcome()
    beginning = _beginning(outcome, keys)
    # From the very first id, to find an event that was added below the batch.
    events = list(Event.objects.filter(pk__lte=seal.last_id).order_by("pk")[: seal.count + SHOWN_EVENTS])
    return outcome.findings[0] if outcome.findings else _verify_seal(seal, beginning, keys, events, accepted())


def _has_all_events(seal: Seal, events: list[Event]) -> bool:
    return len(events) == seal.count and events[0].pk == seal.first_id and events[-1].pk == seal.last_id


_VERBS = {"missing": "removed", "inserted": "added later", "changed": "changed", "reordered": "swapped or moved"}


def _describe(seal: Seal, differences: dict[str, list[int]]) -> Finding:
    """The finding for a broken seal: which events were changed, or that the seal itself was."""
    if not differences:
        return Finding("seal", seal.number, "Its events are unchanged, but the seal itself was changed or replaced.")
    parts = [f"{named(tuple(ids))} {_VERBS[kind]}" for kind, ids in differences.items()]
    every_id = sorted(pk for ids in differences.values() for pk in ids)
    return Finding(next(iter(differences)), seal.number, f"{'; '.join(parts)}.", tuple(every_id[:SHOWN_EVENTS]))


def _no_key(number: int, name: str) -> Finding:
    return Finding("key_missing", number, f"Sealed with the key {name}, which is no longer in EVENT_SEAL_KEYS.")


def _check_unsealed(end: End, outcome: Outcome, *, now: datetime) -> None:
    """Check what no seal covers: events below the checkpoint, and those after the newest seal."""
    first = Checkpoint.objects.order_by("pk").first()
    if first is not None and (early := Event.objects.filter(pk__lte=first.last_id).order_by("pk")[:SHOWN_EVENTS]):
        ids = tuple(event.pk for event in early)
        outcome.add(Finding("inserted", first.number, f"{named(ids)} added to the pruned part of the history.", ids))
    outcome.unsealed = Event.objects.filter(pk__gt=end.last_id).count()
    known = {finding.kind for finding in outcome.findings}
    for finding in obstacles.obstacles(end, obstacles.unsealed(end), now=now):
        if finding.kind not in known & {"truncated", "anchor"}:
            outcome.add(finding)
    _check_id_counter(end, outcome)


def _check_id_counter(end: End, outcome: Outcome) -> None:
    """Compare the counter of ids with the newest event. SQLite reuses ids of a rollback, so a gap means removal."""
    newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or max(end.last_id, 0)
    counter = _highest_id_given()
    if counter < newest:
        words = f"The counter of event ids is {counter}, but the last event is {newest}: the counter was set back."
        outcome.add(Finding("counter", outcome.last_number + 1, words))
    if counter <= newest:
        return
    words = f"Event ids up to {counter} were used, but the last event is {newest}."
    if connection.vendor == "sqlite":
        outcome.add(Finding("truncated", outcome.last_number + 1, f"{words} The newest events are missing."))
    else:
        outcome.notes.append(f"{words} A few such ids are normal after transactions that were rolled back.")


def _highest_id_given() -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [_TABLE])
        else:
            cursor.execute("SELECT pg_sequence_last_value(pg_get_serial_sequence(%s, 'id')::regclass)", [_TABLE])
        row = cursor.fetchone()
    return int(row[0]) if row and row[0] else 0


def store_result(outcome: Outcome, *, now: datetime) -> Verification:
    """Store the result for the History page, and delete the oldest results."""
    first = outcome.findings[0] if outcome.findings else None
    verification = Verification.objects.create(
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
    return verification


def as_json(outcome: Outcome) -> dict[str, object]:
    """The outcome as JSON for scripts."""
    values = asdict(outcome)
    values["holds"] = outcome.holds
    for name in ("last_event_at", "held_event_at"):
        values[name] = values[name].isoformat() if values[name] else None
    return values
