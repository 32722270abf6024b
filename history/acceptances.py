"""An operator's decisions about the history: verify their signatures, and find out what they explain."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from history import seals
from history.chain import End
from history.findings import Finding, moment
from history.models import Acceptance

FIRST_SEAL = "first_seal"


def sign(key: seals.SealKey, acceptance: Acceptance) -> str:
    """The MAC over all values of a decision."""
    return key.sign(
        "acceptance",
        *(acceptance.number, acceptance.last_number, acceptance.after_number, acceptance.after_seal),
        *(acceptance.superseded_after, acceptance.lost_number, list(acceptance.findings), acceptance.events),
        *(seals.utc(acceptance.accepted_at), acceptance.accepted_by, acceptance.reason),
    )


@dataclass(slots=True)
class Accepted:
    """The decisions with a valid signature, and a finding for each with an invalid signature or a missing key."""

    decisions: Sequence[Acceptance] = ()
    findings: list[Finding] = field(default_factory=list)

    def bridges(self, end: End, number: int) -> bool:
        """Whether a decision explains why seal `number` follows the one at `end`, skipping numbers."""
        after = (end.number, end.mac)
        return any(
            (acceptance.after_number, acceptance.after_seal) == after and acceptance.number == number
            for acceptance in self.decisions
        )

    def explains_first_seal(self, number: int) -> bool:
        """Whether a decision explains why the first seal covers old events."""
        return any(
            acceptance.number <= number <= acceptance.last_number or FIRST_SEAL in acceptance.findings
            for acceptance in self.decisions
        )

    def supersedes(self, number: int) -> bool:
        """Whether a decision explains why the seal with this number is gone."""
        return any(acceptance.superseded_after < number <= acceptance.lost_number for acceptance in self.decisions)


def accepted() -> Accepted:
    """All decisions. Raises `ImproperlyConfigured` without a key."""
    result = Accepted()
    decisions = []
    keys = {key.name: key for key in seals.ring()}
    for acceptance in Acceptance.objects.order_by("pk"):
        key = keys.get(acceptance.key)
        if key is None:
            words = f"A decision was signed with the key {acceptance.key}, which is no longer in EVENT_SEAL_KEYS."
            result.findings.append(Finding("key_missing", acceptance.number, words))
        elif not seals.same(acceptance.mac, sign(key, acceptance)):
            words = "The record of an operator's decision was changed, so the decision doesn't count."
            result.findings.append(Finding("acceptance", acceptance.number, words))
        else:
            decisions.append(acceptance)
    result.decisions = decisions
    return result


def in_words(acceptance: Acceptance) -> str:
    """A decision as a sentence."""
    covered = f"seals {acceptance.number} to {acceptance.last_number}"
    if acceptance.number == acceptance.last_number:
        covered = f"seal {acceptance.number}"
    who = f"{moment(acceptance.accepted_at)} by {acceptance.accepted_by}"
    lost = acceptance.lost_number
    gone = f", without seals {acceptance.superseded_after + 1} to {lost}" if lost > acceptance.superseded_after else ""
    return f"Accepted on {who}: “{acceptance.reason}” ({covered}, {acceptance.events} events not sealed in time{gone})."
