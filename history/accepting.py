"""Seal events that are not sealed automatically, by an operator's decision with a reason."""

from dataclasses import dataclass
from datetime import datetime
from itertools import count

from django.db import transaction

from history import anchor_checks, anchor_file, locks, obstacles, sealing, seals
from history.acceptances import Accepted, accepted, sign
from history.chain import End, end_of_seals
from history.findings import Finding
from history.models import Acceptance, Checkpoint, Event, Seal
from history.record import NAME_LENGTH, Actor, Named, record
from history.verifying import first_seal_in_doubt

LONGEST_REASON = 500


class NothingToAccept(Exception):
    """There are no obstacles to sealing."""


class NoReason(ValueError):
    """The reason is missing or can't be stored; the message says which."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was accepted: the findings, the number of sealed events, and the new anchor."""

    findings: tuple[Finding, ...]
    sealed: int
    anchor: str


def review(*, now: datetime) -> list[Finding]:
    """The findings that an operator would accept. Broken seals can't be accepted.

    Raises `ImproperlyConfigured` without a key.
    """
    first = Seal.objects.order_by("number").first()
    begins_here = first is not None and not Checkpoint.objects.exists()
    doubt = first_seal_in_doubt(first, accepted()) if first is not None and begins_here else None
    end = end_of_seals()
    return [*([doubt] if doubt else []), *obstacles.obstacles(end, obstacles.unsealed(end), now=now)]


def accept(*, reason: str, by: Actor, now: datetime, lost_number: int = 0) -> Decision:
    """Seal all waiting events, in one transaction with the signed decision and an event about it.

    `lost_number` is the highest number of a seal that the caller knows to be gone. Raises `NoReason`,
    `NothingToAccept`; `ImproperlyConfigured` without a key, `OperationalError` if another transaction keeps appending.
    """
    reason = read_reason(reason)
    with transaction.atomic():
        locks.for_sealing()
        end = end_of_seals()
        findings = review(now=now)
        if not findings and lost_number <= end.number:
            raise NothingToAccept
        late = Event.objects.filter(pk__gt=end.last_id, at__lt=now - obstacles.SEALED_WITHIN).count()
        lost = max(lost_number, end.number, _highest_known())
        kinds = sorted({finding.kind for finding in findings})
        detail = {"reason": reason, "findings": kinds, "events": late, "seals_lost": lost - end.number}
        record("history.accepted", Named("history", 0, "History"), by=by, at=now, detail=detail)
        sealed = _seal_all(end, lost + 1, now=now)
        decision = Acceptance(
            number=lost + 1,
            last_number=sealed[-1].number,
            after_number=end.number,
            after_seal=end.mac,
            superseded_after=_superseded_after(end, lost),
            lost_number=lost,
            findings=kinds,
            events=late,
            accepted_at=now,
            accepted_by=by.name[:NAME_LENGTH],
            reason=reason,
        )
        _sign(decision)
    for seal in sealed:
        sealing.announce(seal)
    new_end = end_of_seals()
    anchor_file.bring_up_to_date(new_end, now=now)
    return Decision(tuple(findings), sum(seal.count for seal in sealed), new_end.anchor)


def accept_restored(lost_number: int, *, reason: str, by: Actor, now: datetime) -> list[Finding]:
    """Accept that seals up to `lost_number` are gone because a backup was restored, and nothing else.

    Returns the findings that remain, such as those about the backup itself, which need `accept`. Raises
    `ImproperlyConfigured` without a key.
    """
    end, findings = end_of_seals(), review(now=now)
    if any(finding.kind != "truncated" for finding in findings) or obstacles.highest_verified() > end.number:
        return findings
    if findings or lost_number > end.number:
        accept(reason=reason, by=by, now=now, lost_number=lost_number)
    return []


def read_reason(text: str) -> str:
    """The reason on one line. Raises `NoReason`."""
    reason = " ".join(text.split())
    if not reason or not reason.isprintable():
        raise NoReason("Enter the reason as text.")
    if len(reason) > LONGEST_REASON:
        raise NoReason(f"The reason can have at most {LONGEST_REASON} characters.")
    return reason


def _highest_known() -> int:
    in_anchors = max((anchor.number for anchor in anchor_file.newest_anchors()), default=0)
    return max(in_anchors, obstacles.highest_verified())


def _superseded_after(end: End, lost: int) -> int:
    """The newest seal on which the anchor file and the database agree; without a file, the newest seal."""
    newest = anchor_file.newest_anchors()[-1:]
    if not newest or not list(anchor_checks.check(newest, accepted()).findings()):
        return min(end.number, lost)
    return anchor_checks.check(anchor_file.every_anchor(), Accepted()).held_number


def _seal_all(end: End, number: int, *, now: datetime) -> list[Seal]:
    sealed = []
    for following in count(number):
        events = sealing.next_batch(end)
        if not events:
            break
        seal = sealing.seal_batch(end, following, events, now=now)
        # Free the memory: there may be thousands of seals.
        seal.marks = b""
        sealed.append(seal)
        end = End.of(seal)
    return sealed


def _sign(decision: Acceptance) -> None:
    key = seals.ring()[0]
    decision.key = key.name
    decision.mac = sign(key, decision)
    decision.save()
