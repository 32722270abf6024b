"""Compare anchors from outside the database with the seals in it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from history import seals
from history.acceptances import Accepted
from history.anchors import Anchor
from history.findings import Finding, moment
from history.models import Checkpoint, Seal

_ANCHORS_AT_ONCE = 500
REMEDY = "Either events and seals were removed or changed, or an older state of the database was restored."


@dataclass(slots=True)
class AnchorCheck:
    """The result: the newest anchor that matches, and the first and last of those that don't."""

    count: int = 0
    held: Seal | Checkpoint | None = None
    first_missing: Anchor | None = None
    last_missing: Anchor | None = None
    first_changed: Anchor | None = None
    last_changed: Anchor | None = None
    pruned: int = 0
    superseded: int = 0

    @property
    def held_number(self) -> int:
        """The number of the newest anchor that matches, or 0."""
        return self.held.number if self.held else 0

    def findings(self) -> Iterator[Finding]:
        """Seals that are missing or differ from their anchors."""
        if self.first_changed and self.last_changed:
            words = "This seal differs from its anchor."
            if self.last_changed.number != self.first_changed.number:
                words = f"Seals {self.first_changed.number} to {self.last_changed.number} differ from their anchors."
            yield Finding("anchor", self.first_changed.number, _joined(words, self._since(), REMEDY))
        if self.first_missing and self.last_missing:
            words = _joined(_missing(self.first_missing, self.last_missing), self._since(), REMEDY)
            yield Finding("truncated", self.first_missing.number, words)

    def _since(self) -> str:
        if self.held is None:
            return f"None of the {self.count} anchors matches." if self.count > 1 else ""
        reach = f"up to event {self.held.last_id} ({moment(self.held.newest_at)})"
        return f"Everything after anchor {self.held.number}, {reach}, is in doubt."

    def notes(self) -> Iterator[str]:
        """Anchors that can't be compared, and why."""
        if self.pruned:
            yield f"{_anchors(self.pruned)} of batches that have been pruned, so they can't be compared."
        if self.superseded:
            yield f"{_anchors(self.superseded)} of seals whose loss an operator has accepted."


def _missing(first: Anchor, last: Anchor) -> str:
    reach = f", which covered events up to {last.last_event}," if last.last_event else ""
    if first.number == last.number:
        return f"Seal {last.number}{reach} has an anchor but is missing."
    return f"Seals {first.number} to {last.number}{reach} have anchors but are missing."


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _anchors(count: int) -> str:
    return "1 anchor is" if count == 1 else f"{count} anchors are"


def check(anchors: Iterable[Anchor], accepted: Accepted) -> AnchorCheck:
    """Compare the anchors, some at a time to save memory. Raises whatever reading the anchors raises."""
    result = AnchorCheck()
    remaining = iter(anchors)
    while batch := list(islice(remaining, _ANCHORS_AT_ONCE)):
        stored = Seal.objects.defer("marks").in_bulk([anchor.number for anchor in batch])
        # Read after the seals, so that a batch that is pruned meanwhile is found in one of the two.
        checkpoint = Checkpoint.objects.order_by("pk").first()
        for anchor in batch:
            _compare(anchor, stored.get(anchor.number), checkpoint, accepted, result)
    return result


def _compare(
    anchor: Anchor, seal: Seal | None, checkpoint: Checkpoint | None, accepted: Accepted, result: AnchorCheck
) -> None:
    result.count += 1
    stored: Seal | Checkpoint | None = seal
    if checkpoint is not None and anchor.number == checkpoint.number:
        stored = seal or checkpoint
    if stored is not None and seals.same(_value(stored), anchor.seal):
        result.held = stored if anchor.number >= result.held_number else result.held
    elif stored is None and checkpoint is not None and anchor.number < checkpoint.number:
        result.pruned += 1
    elif accepted.supersedes(anchor.number):
        result.superseded += 1
    elif stored is None:
        result.first_missing, result.last_missing = _span(result.first_missing, anchor, result.last_missing)
    else:
        result.first_changed, result.last_changed = _span(result.first_changed, anchor, result.last_changed)


def _value(stored: Seal | Checkpoint) -> str:
    return stored.mac if isinstance(stored, Seal) else stored.seal


def _span(first: Anchor | None, anchor: Anchor, last: Anchor | None) -> tuple[Anchor, Anchor]:
    lowest = anchor if first is None or anchor.number < first.number else first
    return lowest, anchor if last is None or anchor.number >= last.number else last
