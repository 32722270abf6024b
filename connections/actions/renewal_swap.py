"""Use the new token of a renewal: test it, compare it with the old one, and replace that in the same transaction.

None of this needs the person at Microsoft, so it can be continued after an interruption.
"""

import time
from datetime import date, datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from connections.actions import token_readings, verify_credential
from connections.actions.refusals import CannotRenew, CannotRotate, ConnectionGone
from connections.actions.renewal_rows import move, note
from connections.actions.rotate import Comparison, Replacement, compare, credentials_for, rotate
from connections.actions.signed_in import Clock
from connections.actions.token_readings import Reading
from connections.actions.token_test_rate_limit import TooManyTests, count_test
from connections.actions.verify_credential import Credentials, VerificationResult
from connections.domain import renewal as rules
from connections.domain.problems import catalogue
from connections.domain.renewal import State
from connections.domain.verification import Report
from connections.models import Connection, KnownToken, Renewal, StoredCredential
from connections.models.sealed import fingerprint_of
from connections.providers.azure_devops.personal_tokens import TokenEntry
from connections.providers.credential import Credential
from core.encryption import UnreadableToken
from history.record import Actor

# A token that was made just now may be refused for a moment.
_WAITS = (1.0, 3.0)
_NOT_YET_ACCEPTED = "token_refused"


def longest_request() -> timedelta:
    """How long a request that began with the old token can take."""
    seconds = (settings.AZURE_DEVOPS_TEST_LIMIT, settings.AZURE_DEVOPS_TASK_TIMEOUT, settings.AZURE_DEVOPS_LIST_LIMIT)
    return timedelta(seconds=max(seconds))


def use_new_token(
    renewal: Renewal, *, person: AbstractBaseUser, by: Actor, clock: Clock, accept_less: bool = False
) -> Comparison:
    """Test the new token and use it. Raises `CannotRenew`; the connection then uses the old one as before."""
    try:
        count_test(now=clock())
    except TooManyTests as refused:
        raise CannotRenew(refused.code) from None
    return use_without_counting(renewal, person=person, by=by, clock=clock, accept_less=accept_less)


def use_without_counting(
    renewal: Renewal, *, person: AbstractBaseUser, by: Actor, clock: Clock, accept_less: bool = False
) -> Comparison:
    """The same for a test that was counted before the token was created. Raises `CannotRenew`."""
    try:
        return _use(renewal, person=person, by=by, clock=clock, accept_less=accept_less)
    except CannotRenew as refused:
        Renewal.objects.filter(pk=renewal.pk, state=State.CREATED).update(problem=refused.code, problem_word="")
        raise


def _use(renewal: Renewal, *, person: AbstractBaseUser, by: Actor, clock: Clock, accept_less: bool) -> Comparison:
    connection = renewal.connection
    if connection is None:
        raise CannotRenew("connection_gone")
    old = _old_token(renewal, connection)
    try:
        token = renewal.reveal()
        credentials = credentials_for(connection, token)
        report = _report(credentials, clock)
        _require_equivalent(connection, report, accept_less=accept_less)
        return rotate(
            connection,
            Replacement(token, _expires_on(renewal), Connection.Reach.ONE, accept_limited=True),
            person=person,
            by=by,
            now=clock(),
            verify=lambda _: VerificationResult(report),
            in_transaction=lambda: _mark_swapped(renewal, connection, old, token, now=clock()),
        )
    except CannotRotate as refused:
        raise CannotRenew(refused.code, refused.message) from None
    except (ConnectionGone, UnreadableToken) as refused:
        raise CannotRenew(refused.code) from None


def _old_token(renewal: Renewal, connection: Connection) -> Credential | None:
    """The stored token, which is kept to prove that it ends; None if it can't be read."""
    stored = StoredCredential.objects.filter(connection=connection).first()
    if stored is None or stored.fingerprint != renewal.old_fingerprint:
        raise CannotRenew("replaced_meanwhile")
    try:
        return stored.reveal()
    except UnreadableToken:
        return None


def _expires_on(renewal: Renewal) -> date | None:
    return timezone.localdate(renewal.valid_to) if renewal.valid_to else None


def _report(credentials: Credentials, clock: Clock) -> Report:
    report = verify_credential.verify_without_counting(credentials, now=clock())
    for wait in _WAITS:
        if report.accepted or report.failure is None or report.failure.code != _NOT_YET_ACCEPTED:
            break
        time.sleep(wait)
        report = verify_credential.verify_without_counting(credentials, now=clock())
    return report


def _require_equivalent(connection: Connection, report: Report, *, accept_less: bool) -> None:
    """Raise `CannotRenew` if the new token is another person's, or can do less than the one in use."""
    code = ""
    if report.accepted:
        comparison = compare(connection, report)
        code = "" if comparison.same_person else "another_person_signed_in"
        code = code or ("renewal_loses" if comparison.lost and not accept_less else "")
    elif report.failure is not None:
        code = report.failure.code
    if code:
        raise CannotRenew(catalogue.problem(code).code)


def _mark_swapped(
    renewal: Renewal, connection: Connection, old: Credential | None, new: Credential, *, now: datetime
) -> None:
    """In the transaction that replaces the token: keep the old one instead of the new one."""
    known = KnownToken.objects.filter(fingerprint=renewal.old_fingerprint).first()
    if old is not None:
        renewal.seal(old)
    move(
        renewal,
        State.CREATED,
        state=State.SWAPPED,
        sealed=renewal.sealed if old is not None else b"",
        kind=renewal.kind,
        swapped_at=now,
        revoke_from=now + longest_request(),
        old_authorization_id=known.authorization_id if known else "",
        # What a person picked before can be picked again.
        candidates=[] if known and not known.is_picked else renewal.candidates,
    )
    Connection.objects.filter(pk=connection.pk).update(expires_read_on=_expires_on(renewal))
    token_readings.remember(_reading_of(renewal, connection, new), now=now)


def _reading_of(renewal: Renewal, connection: Connection, new: Credential) -> Reading:
    """What Azure DevOps said about the new token."""
    entry = TokenEntry(
        id=renewal.authorization_id,
        name=rules.name_of_token(renewal.connection_name, renewal.marker),
        scopes=frozenset(renewal.scopes),
        valid_from=renewal.started_at,
        valid_to=renewal.valid_to,
        organizations=(connection.organization_id,),
    )
    source = KnownToken.Source.CREATED
    return Reading(fingerprint_of(new), renewal.server, renewal.organization, entry, source)


def discard(renewal: Renewal, *, by: Actor, now: datetime) -> None:
    """Do not use the new token. It is revoked at the next sign-in. Raises `CannotRenew`."""
    with transaction.atomic():
        move(renewal, State.CREATED, state=State.DISCARDED, sealed=b"")
        note("connection.new_token_discarded", renewal, by=by, now=now)


def pick_old_token(renewal: Renewal, authorization_id: str, *, by: Actor, now: datetime) -> None:
    """Record which entry in Azure DevOps is the old token, as a person says. Raises `CannotRenew`."""
    names = {candidate["id"]: candidate["name"] for candidate in renewal.candidates}
    if authorization_id not in names:
        raise CannotRenew("renewal_no_candidate", field="entry")
    with transaction.atomic():
        move(renewal, State.SWAPPED, old_authorization_id=authorization_id)
        note("connection.old_token_picked", renewal, by=by, now=now, name=names[authorization_id])


def keep_old_token(renewal: Renewal, *, by: Actor, now: datetime) -> None:
    """Leave the old token valid until it expires, and forget it here. Raises `CannotRenew`."""
    with transaction.atomic():
        move(renewal, State.SWAPPED, state=State.KEPT, sealed=b"", next_ask_at=None, ended_at=now)
        note("connection.old_token_kept", renewal, by=by, now=now)


def ask_now(renewal: Renewal, *, now: datetime) -> None:
    """Let a worker ask once whether Azure DevOps still accepts the old token. Raises `CannotRenew`."""
    move(renewal, State.SWAPPED, next_ask_at=now)
