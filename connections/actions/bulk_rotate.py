"""One new token for several connections: tested once for each organization, swapped for each in its own step."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser

from connections.actions import verify_credential
from connections.actions.refusals import CannotRotate, ConnectionGone, Refused
from connections.actions.rotate import Comparison, Replacement, compare, credentials_for, rotate
from connections.actions.verify_credential import Credentials, usable_report, verify_new
from connections.domain.problems import catalogue
from connections.domain.token_policy import Rule
from connections.domain.verification import Report
from connections.models import Connection, StoredTokenPolicy
from connections.providers.credential import Credential
from history.record import Actor

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Swapped:
    """What became of one connection: the comparison of both tokens, or why it keeps the old one."""

    connection: Connection
    comparison: Comparison | None = None
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class BulkVerification:
    """What a new token would mean for one connection. `refusal` is set when it could not even be tested."""

    connection: Connection
    report: Report | None = None
    comparison: Comparison | None = None
    refusal: CannotRotate | None = None


class _Verifications:
    """Tests by place, each made once. `verification_keys` are those of kept results, whatever place they are for.

    Connections of one place share a test as far as it speaks for the projects that each is limited to.
    """

    def __init__(self, verification_keys: Sequence[str], *, person: AbstractBaseUser, now: datetime) -> None:
        self._in_hand = verification_keys
        self._person, self._now = person, now
        self._made: dict[Place, list[verify_credential.VerificationResult]] = {}
        self.verification_keys: list[str] = []

    def __call__(self, credentials: Credentials) -> verify_credential.VerificationResult:
        made = self._made.setdefault((credentials.server.name, credentials.organization.name), [])
        for tested in made:
            if tested.report.speaks_for(credentials.projects):
                return tested
        made.append(self._find(credentials))
        return made[-1]

    def _find(self, credentials: Credentials) -> verify_credential.VerificationResult:
        for verification_key in self._in_hand:
            known = usable_report(verification_key, credentials, by=self._person, now=self._now)
            if known is not None:
                return verify_credential.VerificationResult(known, verification_key)
        tested = verify_new(credentials, by=self._person, now=self._now)
        self.verification_keys += [tested.verification_key] if tested.verification_key else []
        return tested


def bulk_rotate(
    connections: Sequence[Connection],
    new: Replacement,
    *,
    person: AbstractBaseUser,
    by: Actor,
    now: datetime,
    drawn_from: Mapping[int, str] | None = None,
) -> list[Swapped]:
    """Swap the token of each. One that is refused keeps its old token and leaves the others right.

    `new.verification_key` may hold several, separated by spaces; `drawn_from` are the versions that the form carries,
    by the connections' ids. Raises `CannotRotate` when the token policy refuses one token for several connections.
    """
    if len(connections) > 1 and StoredTokenPolicy.now().reuse is Rule.REFUSE:
        problem = catalogue.problem("token_reused")
        raise CannotRotate(problem.code, f"{problem.title}. {problem.next_step}", field="token")
    verify = _Verifications(new.verification_key.split(), person=person, now=now)
    alone = replace(new, verification_key="")
    swapped = []
    for connection in connections:
        version = None if drawn_from is None else drawn_from.get(connection.pk, "")
        try:
            comparison = rotate(connection, alone, person=person, by=by, now=now, look=verify, drawn_from=version)
        except (CannotRotate, ConnectionGone) as refusal:
            swapped.append(Swapped(connection, refusal=refusal))
        else:
            swapped.append(Swapped(connection, comparison))
    return swapped


def verify_for_bulk(
    connections: Sequence[Connection], token: Credential, *, person: AbstractBaseUser, now: datetime
) -> tuple[list[BulkVerification], str]:
    """What the token would mean for each, and the keys of the kept results for the swap. Nothing is swapped."""
    verify = _Verifications((), person=person, now=now)
    tested = [_test(connection, token, verify) for connection in connections]
    return tested, " ".join(verify.verification_keys)


def _test(connection: Connection, token: Credential, verify: _Verifications) -> BulkVerification:
    try:
        report = verify(credentials_for(connection, token)).report
    except CannotRotate as refusal:
        return BulkVerification(connection, refusal=refusal)
    return BulkVerification(connection, report, compare(connection, report) if report.accepted else None)


def kept_for_bulk(
    connections: Sequence[Connection],
    token: Credential,
    verification_keys: str,
    *,
    person: AbstractBaseUser,
    now: datetime,
) -> list[BulkVerification]:
    """The results of a test made minutes ago, for a page that shows them again. Nothing is asked."""
    reports: dict[str, Report] = {}
    kept = []
    for connection in connections:
        with suppress(CannotRotate):
            credentials = credentials_for(connection, token)
            for key in verification_keys.split():
                report = usable_report(key, credentials, by=person, now=now)
                if report is not None:
                    report = reports.setdefault(key, report)
                    kept.append(BulkVerification(connection, report, compare(connection, report)))
                    break
    return kept


def tests_of_refused(swapped: Sequence[Swapped]) -> tuple[list[BulkVerification], str]:
    """The tests on which refusals rest, and the keys of those that are kept.

    What concerns the token itself is said with the refusal, so its test adds nothing.
    """
    tested, keys = [], []
    for outcome in swapped:
        if outcome.refusal is None or outcome.refusal.tested is None or outcome.refusal.field == "token":
            continue
        report = outcome.refusal.tested.report
        tested.append(BulkVerification(outcome.connection, report, compare(outcome.connection, report)))
        keys.append(outcome.refusal.tested.verification_key)
    return tested, " ".join(dict.fromkeys(filter(None, keys)))
