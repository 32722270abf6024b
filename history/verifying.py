"""Look at every seal and say where the first one is broken, and how. Memory is that of one batch."""

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
_FEW = 100  # seals read at once


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
    anchors_checked: int = 0
    anchor_held: int = 0
    held_event_id: int = 0
    held_event_at: datetime | None = None
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Every seal holds, and nothing else is wrong."""
        return not self.findings

    @property
    def is_anchor_proven(self) -> bool:
        """An anchor fits, and so does everything up to it."""
        return self.anchor_held > 0 and all(finding.batch > self.anchor_held for finding in self.findings)

    @property
    def untold(self) -> bool:
        """Nothing is known to be broken, but a key is lacking to tell."""
        return bool(self.findings) and all(finding.kind == "key_missing" for finding in self.findings)

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


def verify(
    *, now: datetime, anchors: Iterable[Anchor] = (), progress: Callable[[int], object] = lambda _events: None
) -> Outcome:
    """Verify the whole history, and compare it with anchors and with the anchor file. `progress` hears of events.

    Raises `ImproperlyConfigured` without a key, and what reading the anchors raises.
    """
    outcome = Outcome()
    decided = accepted()
    checks = [anchor_checks.check(anchors, decided), *_check_of_the_file(decided, outcome)]
    for wrong in decided.findings:
        outcome.add(wrong)
    end = _look_at_seals(outcome, decided, progress)
    outcome.notes += [in_words(decision) for decision in decided.decisions[-KEPT_FINDINGS:]]
    _compare_with_anchors(checks, outcome)
    _look_at_the_end(end, outcome, now=now)
    return outcome


def _look_at_seals(outcome: Outcome, decided: Accepted, progress: Callable[[int], object]) -> End:
    keys = {key.name: key for key in seals.ring()}
    before = _beginning(outcome, keys)
    for seal in _all_seals(before.number):
        events = list(Event.objects.filter(pk__gt=before.last_id, pk__lte=seal.last_id).order_by("pk"))
        finding = _judge(seal, before, keys, events, decided)
        if finding and _is_pruned_by_now(seal, before):
            before.take(seal)
            continue
        finding = finding or (first_seal_in_doubt(seal, decided) if before.number == 0 else None)
        if finding:
            outcome.add(finding)
        outcome.count(seal, events)
        _note_old_dates(seal, before, events, outcome)
        before.take(seal)
        progress(outcome.events)
    return before.end


def _check_of_the_file(decided: Accepted, outcome: Outcome) -> Iterator[AnchorCheck]:
    try:
        yield anchor_checks.check(anchor_file.every_anchor(), decided)
    except OSError as problem:
        outcome.notes.append(f"The anchor file cannot be read: {problem.strerror}.")


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
    """Whether the first seal, before which there is no checkpoint, covers events that were old when it was made."""
    oldest = Event.objects.filter(pk__gte=first.first_id, pk__lte=first.last_id).order_by("at").first()
    is_young = oldest is None or oldest.at >= first.sealed_at - obstacles.SEALED_WITHIN
    if oldest is None or is_young or decided.explains_first_seal(first.number):
        return None
    words = (
        f"The first seal was made on {moment(first.sealed_at)} over events from {moment(oldest.at)} on, and no "
        "checkpoint or operator's decision says why: earlier seals may have been removed."
    )
    return Finding("first_seal", first.number, words)


@dataclass(slots=True)
class _Before:
    """The end of what was looked at so far."""

    number: int
    last_id: int
    mac: str
    sealed_at: datetime | None = None

    @property
    def end(self) -> End:
        return End(self.number, self.last_id, self.mac)

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


def _judge(
    seal: Seal, before: _Before, keys: dict[str, seals.SealKey], events: list[Event], decided: Accepted
) -> Finding | None:
    if seal.number != before.number + 1 and not decided.bridges(before.end, seal.number):
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
            f"Batch {seal.number}: {named(tuple(late))} dated more than an hour before the batch before was sealed."
        )


def judge_oldest(seal: Seal) -> Finding | None:
    """Whether the oldest batch, and the checkpoint before it, hold. Raises `ImproperlyConfigured` without a key."""
    keys = {key.name: key for key in seals.ring()}
    outcome = Outcome()
    before = _beginning(outcome, keys)
    # From the very first id: an event that was slipped in below must not go unseen with the rest.
    events = list(Event.objects.filter(pk__lte=seal.last_id).order_by("pk")[: seal.count + SHOWN_EVENTS])
    return outcome.findings[0] if outcome.findings else _judge(seal, before, keys, events, accepted())


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
    parts = [f"{named(ids)} {verb}" for ids, verb in kinds.values() if ids]
    kind = next(name for name, (ids, _) in kinds.items() if ids)
    every = sorted(pk for ids, _ in kinds.values() for pk in ids)
    return Finding(kind, seal.number, f"{'; '.join(parts)}.", tuple(every[:SHOWN_EVENTS]))


def _no_key(number: int, name: str) -> Finding:
    return Finding("key_missing", number, f"It was made with the key {name}, which is not in EVENT_SEAL_KEYS any more.")


def _look_at_the_end(end: End, outcome: Outcome, *, now: datetime) -> None:
    first = Checkpoint.objects.order_by("pk").first()
    if first is not None and (early := Event.objects.filter(pk__lte=first.last_id).order_by("pk")[:SHOWN_EVENTS]):
        ids = tuple(event.pk for event in early)
        outcome.add(Finding("inserted", first.number, f"{named(ids)} added where everything was pruned.", ids))
    outcome.unsealed = Event.objects.filter(pk__gt=end.last_id).count()
    known = {finding.kind for finding in outcome.findings}
    for finding in obstacles.obstacles(end, obstacles.unsealed(end), now=now):
        if finding.kind not in known & {"truncated", "anchor"}:
            outcome.add(finding)
    _look_for_lost_ids(end, outcome)


def _look_for_lost_ids(end: End, outcome: Outcome) -> None:
    """Ids are given once. On SQLite a rollback gives them back, so that a gap at the end means removed events."""
    newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or max(end.last_id, 0)
    given = _highest_id_given()
    if given < newest:
        words = f"The counter of ids stands at {given}, and the last event is {newest}: it was set back."
        outcome.add(Finding("counter", outcome.last_number + 1, words))
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
    for name in ("last_event_at", "held_event_at"):
        found[name] = found[name].isoformat() if found[name] else None
    return found
