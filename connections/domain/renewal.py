"""The rules of renewing a personal access token: which scopes and how many days, and which entry is the old token."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from connections.domain import expiry
from connections.domain.token_policy import Rule, TokenPolicy
from connections.providers.azure_devops.personal_tokens import TokenEntry
from connections.providers.capability import Verdict
from connections.providers.registry import CAPABILITIES

# Azure DevOps creates tokens for at most a year.
LONGEST_DAYS = 365
_LONGEST_CONNECTION_NAME = 120
# The problem of a token that is another than the one asked for.
NOT_AS_ASKED = "renewal_other_token"
# The problem of renewals that wait, because as many tokens were tested as may be.
TOO_MANY_TESTS = "renewal_too_many_tests"
# The problem of a renewal that did not start because of a mistake of ours.
BROKEN = "renewal_broken"
_ONE_DAY = timedelta(days=1)


class State(StrEnum):
    """How far a renewal is. The words are stored, so they never change."""

    # The new token is being created, or the process died while it was.
    CREATING = "creating"
    # There was no answer: a token with the marker may exist.
    LOST = "lost"
    # The new token is stored here, and the connection does not use it yet.
    CREATED = "created"
    # The new token is not wanted and has to be revoked.
    DISCARDED = "discarded"
    # The connection uses the new token, and the old one is still valid.
    SWAPPED = "swapped"
    # Azure DevOps was asked to revoke the old token, and we ask whether it still accepts it.
    REVOKED = "revoked"
    # Azure DevOps rejects the old token.
    PROVED = "proved"
    # Azure DevOps was asked for two hours, and did not clearly reject the old token.
    NOT_PROVED = "not_proved"
    # A person decided that the old token stays valid until it expires.
    KEPT = "kept"
    # No token was made, or the one that was made is revoked. The connection uses the old one.
    FAILED = "failed"


# What needs an access token of the person, and so waits for the next sign-in.
NEEDS_SIGN_IN = frozenset({State.CREATING, State.LOST, State.DISCARDED, State.SWAPPED})
PENDING = NEEDS_SIGN_IN | {State.CREATED, State.REVOKED}
# At most one of these for each connection.
IN_PROGRESS = frozenset({State.CREATING, State.LOST, State.CREATED})


@dataclass(frozen=True, slots=True)
class RenewalRequest:
    """What the new token should be: its scopes, and for how many days it is valid at most."""

    scopes: Sequence[str]
    days: int


def needed_scopes(verdicts: Mapping[str, str], *, everything: bool = False) -> tuple[str, ...]:
    """The scopes that a connection needs: the highest of each area that its token has, or that we use.

    `verdicts` are those of its capabilities. A scope that could not be confirmed is kept, because it may be there.
    """
    kept = {key for key in CAPABILITIES if verdicts.get(key, Verdict.MISSING) != Verdict.MISSING}
    wanted = set(CAPABILITIES) if everything or not kept else kept
    # Later levels of an area include the earlier ones.
    highest = {known.area: known.scope for key, known in CAPABILITIES.items() if key in wanted}
    return tuple(highest.values())


def labels_of(scopes: Iterable[str]) -> list[str]:
    """The scopes as Azure DevOps calls them on its page."""
    labels = {known.scope: known.azure_label for known in CAPABILITIES.values()}
    return [labels.get(scope, scope) for scope in scopes]


def longest_days(policy: TokenPolicy) -> int:
    """For how many days a new token may be valid: what Azure DevOps allows, or less if our token policy refuses it."""
    return min(policy.longest_life_days, LONGEST_DAYS) if policy.longest_life is Rule.REFUSE else LONGEST_DAYS


def valid_until(now: datetime, days: int) -> datetime:
    """The end of a token that is valid for so many days from now, which is in the site's time zone.

    Never on a later day than that: a day on which summer time begins has 23 hours.
    """
    same_time_of_day = now + timedelta(days=days)
    return min(same_time_of_day.astimezone(UTC), now.astimezone(UTC) + timedelta(days=days))


def new_marker() -> str:
    """What is in the name of a new token, and in no other."""
    return f"renewal {secrets.token_hex(8)}"


def name_of_token(connection_name: str, marker: str) -> str:
    """The name of a new token in Azure DevOps."""
    return f"{connection_name[:_LONGEST_CONNECTION_NAME]} ({marker})"


def deviation(made: TokenEntry, *, scopes: Iterable[str], organization_id: str, not_after: datetime) -> str:
    """The problem code if Azure DevOps made another token than the one asked for; empty if it did not.

    A shorter life is no deviation: the organization may limit it.
    """
    only_here = made.organizations is not None and {name.lower() for name in made.organizations} == {
        organization_id.lower()
    }
    too_long = made.valid_to is None or made.valid_to > not_after + timedelta(minutes=1)
    return NOT_AS_ASKED if made.scopes != frozenset(scopes) or not only_here or too_long else ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry in Azure DevOps that may be the old token. `fits` says that scopes and date agree with what we know."""

    id: str
    name: str
    scope: str
    valid_from: str
    valid_to: str
    fits: bool

    def as_json(self) -> dict[str, Any]:
        """For a column of the database."""
        return asdict(self)


def candidates(
    entries: Iterable[TokenEntry], *, scopes: Iterable[str], expires_on: date | None, excluded: Iterable[str]
) -> list[Candidate]:
    """The entries that may be the old token: those that fit, then those with the scopes. `excluded` are other ids."""
    wanted, known = frozenset(scopes), frozenset(excluded)
    possible = [entry for entry in entries if entry.id not in known]
    possible.sort(key=lambda entry: (not entry.scopes >= wanted, entry.name.casefold(), entry.id))
    found = [_candidate(entry, wanted, expires_on) for entry in possible]
    return sorted(found, key=lambda candidate: not candidate.fits)


def _candidate(entry: TokenEntry, scopes: frozenset[str], expires_on: date | None) -> Candidate:
    ends_on = entry.valid_to.date() if entry.valid_to else None
    same_day = expires_on is None or (ends_on is not None and abs(expires_on - ends_on) <= _ONE_DAY)
    valid_from, valid_to = (when.isoformat() if when else "" for when in (entry.valid_from, entry.valid_to))
    fits = same_day and entry.scopes >= scopes
    return Candidate(entry.id, entry.name, entry.scope, valid_from, valid_to, fits)


def usual_days(policy: TokenPolicy) -> int:
    """How many days a form suggests: never more than the token policy advises."""
    advised = LONGEST_DAYS if policy.longest_life is Rule.ALLOW else policy.longest_life_days
    return min(advised, longest_days(policy), expiry.ADVISED_DAYS)
