"""Use one new token for several connections: verified once per organization, replaced in one transaction each."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser

from connections.actions.refusals import CannotRotate, ConnectionGone, Refused
from connections.actions.rotate import Comparison, Replacement, compare, credentials_for, rotate
from connections.actions.verify_credential import Credentials, VerificationResult, usable_result, verify_new
from connections.domain.problems import catalogue
from connections.domain.token_policy import Rule
from connections.domain.verification import Report
from connections.models import Connection, StoredTokenPolicy
from connections.providers.credential import Credential
from history.record import Actor

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Swapped:
    """The result for one connection: why it keeps the old token, or None if it uses the new one."""

    connection: Connection
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class BulkVerification:
    """The effect of a new token on one connection. `refusal` is set if it could not be verified."""

    connection: Connection
    report: Report | None = None
    comparison: Comparison | None = None
    refusal: CannotRotate | None = None


class _Verifications:
    """Verifications by organization, each made once. `verification_keys` belong to results of any organization.

    Connections of one organization share a result if it applies to the projects that each is limited to.
    """

    def __init__(self, verification_keys: Sequence[str], *, person: AbstractBaseUser, now: datetime) -> None:
        self._kept_keys = verification_keys
        self._person, self._now = person, now
        self._by_organization: dict[Place, list[VerificationResult]] = {}
        self.verification_keys: list[str] = []

    def __call__(self, credentials: Credentials) -> VerificationResult:
        results = self._by_organization.setdefault((credentials.server.name, credentials.organization.name), [])
        for result in results:
            if result.report.speaks_for(credentials.projects):
                return result
        results.append(self._find(credentials))
        return results[-1]

    def _find(self, credentials: Credentials) -> VerificationResult:
        for verification_key in self._kept_keys:
            kept = usable_result(verification_key, credentials, by=self._person, now=self._now)
            if kept is not None:
                return kept
        result = verify_new(credentials, by=self._person, now=self._now)
        self.verification_keys += [result.verification_key] if result.verification_key else []
        return result


def bulk_rotate(
    connections: Sequence[Connection],
    new: Replacement,
    *,
    person: AbstractBaseUser,
    by: Actor,
    now: datetime,
    drawn_from: Mapping[int, str] | None = None,
) -> list[Swapped]:
    """Replace the token of each connection. If one fails, it keeps its old token and the others continue.

    `new.verification_key` may contain several keys, separated by spaces; `drawn_from` has the form versions by
    connection id. Raises `CannotRotate` if the token policy does not allow one token for several connections.
    """
    if len(connections) > 1 and not new.token.is_for_many and StoredTokenPolicy.now().reuse is Rule.REFUSE:
        problem = catalogue.problem("token_reused")
        raise CannotRotate(problem.code, problem.brief, field="token")
    verify = _Verifications(new.verification_key.split(), person=person, now=now)
    alone = replace(new, verification_key="")
    swapped = []
    for connection in connections:
        version = None if drawn_from is None else drawn_from.get(connection.pk, "")
        try:
            rotate(connection, alone, person=person, by=by, now=now, verify=verify, drawn_from=version)
        except (CannotRotate, ConnectionGone) as refusal:
            swapped.append(Swapped(connection, refusal))
        else:
            swapped.append(Swapped(connection))
    return swapped


def verify_for_bulk(
    connections: Sequence[Connection], token: Credential, *, person: AbstractBaseUser, now: datetime
) -> tuple[list[BulkVerification], str]:
    """Verify the token for each connection without replacing it. Also returns the keys of the kept results."""
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
    """The kept results of a recent verification, for showing them again. Makes no calls."""
    reports: dict[str, Report] = {}
    kept = []
    for connection in connections:
        with suppress(CannotRotate):
            credentials = credentials_for(connection, token)
            for key in verification_keys.split():
                result = usable_result(key, credentials, by=person, now=now)
                if result is not None:
                    report = reports.setdefault(key, result.report)
                    kept.append(BulkVerification(connection, report, compare(connection, report)))
                    break
    return kept


def tests_of_refused(swapped: Sequence[Swapped]) -> tuple[list[BulkVerification], str]:
    """The verifications behind refusals, and the keys of those that are kept.

    Refusals of the token itself already say everything, so they are left out.
    """
    tested, keys = [], []
    for outcome in swapped:
        if outcome.refusal is None or outcome.refusal.tested is None or outcome.refusal.field == "token":
            continue
        report = outcome.refusal.tested.report
        tested.append(BulkVerification(outcome.connection, report, compare(outcome.connection, report)))
        keys.append(outcome.refusal.tested.verification_key)
    return tested, " ".join(dict.fromkeys(filter(None, keys)))
