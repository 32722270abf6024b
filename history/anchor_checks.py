"""Compare anchors that were kept outside the database with the seals that are in it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from history import seals
from history.acceptances import Accepted
from history.anchors import Anchor
from history.findings import Finding, moment
from history.models import Checkpoint, Seal

_FEW = 500  # seals looked up at once
REMEDY = "Either events and seals were removed or changed, or an older state of the database was put back."


@dataclass(slots=True)
class AnchorCheck:
    """What became of the anchors: the newest that fits, and the first and last of those that do not."""

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
        """The number of the newest anchor that fits; 0 when none does."""
        return self.held.number if self.held else 0

    def findings(self) -> Iterator[Finding]:
        """What is missing or changed since the anchors were noted."""
        if self.first_changed and self.last_changed:
            words = "This seal is not the one that was noted."
            if self.last_changed.number != self.first_changed.number:
                words = f"The seals {self.first_changed.number} to {self.last_changed.number} are not those noted."
            yield Finding("anchor", self.first_changed.number, _joined(words, self._since(), REMEDY))
        if self.first_missing and self.last_missing:
            words = _joined(self._missing(), self._since(), REMEDY)
            yield Finding("truncated", self.first_missing.number, words)

    def _missing(self) -> str:
        first, last = self.first_missing, self.last_missing
        assert first is not None and last is not None  # noqa: S101, PT018  (the caller looked)
        reach = f", which covered events up to {last.last_event}," if last.last_event else ""
        if first.number == last.number:
            return f"Seal {last.number}{reach} was noted and is missing."
        return f"The seals from {first.number} to {last.number}{reach} were noted and are missing."

    def _since(self) -> str:
        if self.held is None:
            return f"None of the {self.count} anchors compared fits." if self.count > 1 else ""
        reach = f"up to event {self.held.last_id} ({moment(self.held.newest_at)})"
        return f"Everything after anchor {self.held.number}, {reach}, is in doubt."

    def notes(self) -> Iterator[str]:
        """What else there is to say."""
        if self.pruned:
            yield f"{_anchors(self.pruned)} of batches that were pruned since, and cannot be compared any more."
        if self.superseded:
            yield f"{_anchors(self.superseded)} of seals that are gone by an operator's decision."


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _anchors(count: int) -> str:
    return "1 anchor is" if count == 1 else f"{count} anchors are"


def check(anchors: Iterable[Anchor], accepted: Accepted) -> AnchorCheck:
    """Compare each anchor; memory stays small, however many there are. Raises what reading the anchors raises."""
    result = AnchorCheck()
    left = iter(anchors)
    while some := list(islice(left, _FEW)):
        stored = Seal.objects.defer("marks").in_bulk([anchor.number for anchor in some])
        # Asked after the seals: what was pruned in between is found in one of the two.
        checkpoint = Checkpoint.objects.order_by("pk").first()
        for anchor in some:
            _compare(anchor, stored.get(anchor.number), checkpoint, accepted, result)
    return result


def _compare(
    anchor: Anchor, seal: Seal | None, checkpoint: Checkpoint | None, accepted: Accepted, result: AnchorCheck
) -> None:
    result.count += 1
    there: Seal | Checkpoint | None = seal
    if checkpoint is not None and anchor.number == checkpoint.number:
        there = seal or checkpoint
    if there is not None and seals.same(_value(there), anchor.seal):
        result.held = there if anchor.number >= result.held_number else result.held
    elif there is None and checkpoint is not None and anchor.number < checkpoint.number:
        result.pruned += 1
    elif accepted.supersedes(anchor.number):
        result.superseded += 1
    elif there is None:
        result.first_missing, result.last_missing = _span(result.first_missing, anchor, result.last_missing)
    else:
        result.first_changed, result.last_changed = _span(result.first_changed, anchor, result.last_changed)


def _value(there: Seal | Checkpoint) -> str:
    return there.mac if isinstance(there, Seal) else there.seal


def _span(first: Anchor | None, anchor: Anchor, last: Anchor | None) -> tuple[Anchor, Anchor]:
    lowest = anchor if first is None or anchor.number < first.number else first
    return lowest, anchor if last is None or anchor.number >= last.number else last
