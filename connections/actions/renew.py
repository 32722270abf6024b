"""Renew a token for a person who has signed in at Microsoft: create another one, test it, and use it.

The person's access token is in memory for this one request. Every step is a row before it is a call, so that the page
of the renewal, and the next sign-in, know what happened when the process dies; see decision 0014.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from connections.actions.refusals import CannotRenew
from connections.actions.renewal_problems import problem_of
from connections.actions.renewal_rows import move, note
from connections.actions.renewal_swap import use_without_counting
from connections.actions.settle_renewals import settle_one
from connections.actions.signed_in import SignedIn
from connections.actions.token_test_rate_limit import count_test
from connections.domain import renewal as rules
from connections.domain.renewal import RenewalRequest, State
from connections.models import Connection, Renewal, StoredCredential
from connections.providers.azure_devops import personal_tokens
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.errors import AzureDevOpsError, Throttled
from connections.providers.azure_devops.personal_tokens import NewToken, TokenEntry
from connections.token_candidates import candidates_for
from core.leases import new_lease, working_on
from history.record import Actor

# What proves that no token was made. After any other failure, one may exist.
_NOT_MADE = (personal_tokens.TokenLifecycleRefused, personal_tokens.TokenLifecycleNotAllowed, Throttled)
# What the row of a renewal keeps of its connection, which may be disconnected meanwhile.
_COPIED = ("server", "organization", "identity_id", "identity_name", "identity_account")


def renew(
    connection: Connection,
    request: RenewalRequest,
    signed_in: SignedIn,
    *,
    in_transaction: Callable[[Renewal], None] = lambda _: None,
) -> Renewal:
    """Create a token for a connection and use it. `in_transaction` is called when the renewal starts.

    The test of the new token is counted before anything is created. Raises `CannotRenew`, `TooManyTests` and
    `AzureDevOpsError` only if nothing was started.
    """
    renewal = _write_row(connection, request, signed_in, in_transaction)
    try:
        with working_on(Renewal.objects.filter(pk=renewal.pk).under(renewal.lease)):
            if _create(renewal, signed_in):
                use_without_counting(renewal, person=signed_in.person, by=signed_in.by, clock=signed_in.clock)
    except CannotRenew:
        # The row says how far it is; its page has the next step.
        renewal.refresh_from_db()
    return renewal


def _write_row(
    connection: Connection, request: RenewalRequest, signed_in: SignedIn, in_transaction: Callable[[Renewal], None]
) -> Renewal:
    """Write down that a token is about to be created. Raises `CannotRenew`, `TooManyTests` and `AzureDevOpsError`."""
    before, now = signed_in.tokens().items, signed_in.clock()
    renewal = _new_row(connection, request, now=now)
    renewal.started_by = signed_in.by.name
    candidates = candidates_for(
        renewal.old_fingerprint, before, verdicts=connection.verdicts(), expires_on=connection.expires_on
    )
    renewal.candidates = [candidate.as_json() for candidate in candidates]
    count_test(now=now)
    try:
        with transaction.atomic():
            renewal.save(force_insert=True)
            in_transaction(renewal)
            note("connection.renewal_started", renewal, by=signed_in.by, now=now)
    except IntegrityError:
        raise CannotRenew("renewal_running") from None
    return renewal


def _new_row(connection: Connection, request: RenewalRequest, *, now: datetime) -> Renewal:
    """A renewal that begins now, leased by this request. Raises `CannotRenew`."""
    stored = StoredCredential.objects.filter(connection=connection, kind=PersonalAccessToken.kind).first()
    if stored is None:
        raise CannotRenew("renewal_only_of_tokens")
    return Renewal(
        connection=connection,
        connection_name=connection.name,
        **{name: getattr(connection, name) for name in _COPIED},
        marker=rules.new_marker(),
        scopes=list(request.scopes),
        not_after=rules.valid_until(timezone.localtime(now), request.days),
        old_fingerprint=stored.fingerprint,
        started_at=now,
        sealed=b"",
        lease=new_lease(),
        leased_until=now + Renewal.lease_duration(),
    )


def _create(renewal: Renewal, signed_in: SignedIn) -> bool:
    """Create the new token and store it. Returns whether it may be used."""
    try:
        made = personal_tokens.create(
            signed_in.transport,
            name=rules.name_of_token(renewal.connection_name, renewal.marker),
            scopes=renewal.scopes,
            valid_to=renewal.not_after,
        )
    except _NOT_MADE as error:
        move(renewal, State.CREATING, state=State.FAILED, ended_at=signed_in.clock(), **problem_of(error))
        return False
    except AzureDevOpsError:
        move(renewal, State.CREATING, state=State.LOST, problem="renewal_lost")
        settle_one(renewal, signed_in)
        return False
    problem = _deviation(renewal, made.entry, signed_in)
    _store(renewal, made, problem, by=signed_in.by, now=signed_in.clock())
    if problem:
        settle_one(renewal, signed_in)
        return False
    return _is_as_asked(renewal, made.entry, signed_in)


def _store(renewal: Renewal, made: NewToken, problem: str, *, by: Actor, now: datetime) -> None:
    """Seal the new token before anything else is done with it; another one than asked for is only to be revoked."""
    renewal.seal(made.token)
    with transaction.atomic():
        move(
            renewal,
            State.CREATING,
            state=State.DISCARDED if problem else State.CREATED,
            problem=problem,
            sealed=b"" if problem else renewal.sealed,
            kind=renewal.kind,
            authorization_id=made.entry.id,
            valid_to=made.entry.valid_to,
        )
        detail = {"scopes": sorted(made.entry.scopes), "expires": _iso(made.entry.valid_to)}
        note("connection.token_created", renewal, by=by, now=now, **detail)


def _is_as_asked(renewal: Renewal, entry: TokenEntry, signed_in: SignedIn) -> bool:
    """Read back what was made. Another token than the one asked for is revoked."""
    # Without an answer, that to the creation says the same.
    with suppress(AzureDevOpsError):
        entry = personal_tokens.read(signed_in.transport, renewal.authorization_id)
    if problem := _deviation(renewal, entry, signed_in):
        move(renewal, State.CREATED, state=State.DISCARDED, sealed=b"", problem=problem)
        settle_one(renewal, signed_in)
        return False
    move(renewal, State.CREATED, valid_to=entry.valid_to)
    return True


def _deviation(renewal: Renewal, entry: TokenEntry, signed_in: SignedIn) -> str:
    organization_id = signed_in.data.organization_id
    return rules.deviation(entry, scopes=renewal.scopes, organization_id=organization_id, not_after=renewal.not_after)


def _iso(when: datetime | None) -> str | None:
    return when.isoformat() if when else None
