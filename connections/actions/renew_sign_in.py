"""Send a person to Microsoft to sign in for managing their tokens, and recognize them when they return.

The row keeps a digest of the state in the address, and neither the code nor an access token. It can be claimed once,
by the person who began.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.urls import reverse
from django.utils import timezone

from connections import clients
from connections.actions import enforce_policy
from connections.actions.extend_token import known_token, require_none_running
from connections.actions.refusals import CannotRenew
from connections.domain import renewal as rules
from connections.domain.renewal import RenewalRequest
from connections.models import (
    BulkRenewal,
    Connection,
    KnownToken,
    LeakedToken,
    Renewal,
    RenewalSignIn,
    StoredCredential,
    StoredTokenPolicy,
)
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.providers.azure_devops.sign_in import SignIn
from connections.token_import_reads import KEPT, MOST_ORGANIZATIONS
from core import encryption
from core.secrets import Secret

SIGN_IN_MINUTES = 15
# Each renewal itself is kept as history.
BULK_DAYS = 30


@dataclass(frozen=True, slots=True)
class Returned:
    """A person who returned from Microsoft: why they signed in, and what redeems their code."""

    asked: RenewalSignIn
    sign_in: SignIn
    verifier: Secret


def redirect_address() -> str:
    """Where people return. It has to be registered with the application, letter by letter."""
    return settings.SITE_URL + reverse("connections:renewal-return")


def begin_renewal(connection: Connection, request: RenewalRequest, *, person: AbstractBaseUser, now: datetime) -> str:
    """The address at Microsoft where the owner of the token signs in. Raises `CannotRenew`."""
    sign_in = _sign_in(connection.server)
    if not StoredCredential.objects.filter(connection=connection, kind=PersonalAccessToken.kind).exists():
        raise CannotRenew("renewal_only_of_tokens")
    if Renewal.objects.filter(connection=connection, state__in=rules.IN_PROGRESS).exists():
        raise CannotRenew("renewal_running")
    require_days(request.days, now=now)
    asked = _about(connection, RenewalSignIn.Purpose.RENEW, days=request.days)
    asked.scopes = list(request.scopes)
    return _begin(asked, sign_in, connection.identity_account, person=person, now=now)


def begin_extension(connection: Connection, days: int, *, person: AbstractBaseUser, now: datetime) -> str:
    """The address at Microsoft where the owner of the token signs in to extend it. Raises `CannotRenew`."""
    sign_in = _sign_in(connection.server)
    known_token(connection)
    require_none_running(connection, now=now)
    require_days(days, now=now)
    asked = _about(connection, RenewalSignIn.Purpose.EXTEND, days=days)
    return _begin(asked, sign_in, connection.identity_account, person=person, now=now)


def require_days(days: int, *, now: datetime) -> None:
    """Raise `CannotRenew` if the token policy does not allow so many days from now."""
    if not 1 <= days <= rules.longest_days(StoredTokenPolicy.now()):
        raise CannotRenew("renewal_days", field="days")
    expires_on = timezone.localdate(now) + timedelta(days=days)
    enforce_policy.enforce(enforce_policy.violations_of(expires_on=expires_on, now=now), CannotRenew)


def require_days_still(days: int, *, now: datetime) -> None:
    """The same some time after the days were chosen, before anything is created. Raises `CannotRenew`."""
    try:
        require_days(days, now=now)
    except CannotRenew:
        raise CannotRenew("renewal_policy_changed") from None


def _about(connection: Connection, purpose: RenewalSignIn.Purpose, *, days: int) -> RenewalSignIn:
    """A sign-in of the owner of the connection's token."""
    return RenewalSignIn(
        purpose=purpose,
        connection=connection,
        server=connection.server,
        organization=connection.organization,
        identity_id=connection.identity_id,
        days=days,
    )


def begin_bulk(bulk: BulkRenewal, first: Connection, *, person: AbstractBaseUser, now: datetime) -> str:
    """The address at Microsoft for renewing several connections, of which this is the first. Raises `CannotRenew`."""
    asked = RenewalSignIn(
        purpose=RenewalSignIn.Purpose.RENEW_SEVERAL,
        bulk=bulk,
        server=first.server,
        organization=first.organization,
        identity_id=first.identity_id,
    )
    return _begin(asked, _sign_in(bulk.server), bulk.identity_account, person=person, now=now)


def begin_settling(renewal: Renewal, *, person: AbstractBaseUser, now: datetime) -> str:
    """The address at Microsoft for finishing what is pending for the owner of a token. Raises `CannotRenew`."""
    asked = RenewalSignIn(
        purpose=RenewalSignIn.Purpose.SETTLE,
        renewal=renewal,
        server=renewal.server,
        organization=renewal.organization,
        identity_id=renewal.identity_id,
    )
    return _begin(asked, _sign_in(renewal.server), renewal.identity_account, person=person, now=now)


def begin_import(server: str, organizations: Sequence[str], *, person: AbstractBaseUser, now: datetime) -> str:
    """The address at Microsoft for reading one's own tokens in these organizations. Raises `CannotRenew`."""
    asked = RenewalSignIn(
        purpose=RenewalSignIn.Purpose.IMPORT, server=server, organizations=list(organizations)[:MOST_ORGANIZATIONS]
    )
    return _begin(asked, _sign_in(server), "", person=person, now=now)


def begin_revoking(leak: LeakedToken, entry: str, *, person: AbstractBaseUser, now: datetime) -> str:
    """The address at Microsoft for revoking a leaked token. Raises `CannotRenew`."""
    asked = RenewalSignIn(
        purpose=RenewalSignIn.Purpose.REVOKE,
        leak=leak,
        entry=entry,
        server=leak.server,
        organization=leak.organization,
        identity_id=leak.identity_id,
    )
    return _begin(asked, _sign_in(leak.server), leak.identity_account, person=person, now=now)


def _sign_in(server: str) -> SignIn:
    sign_in = clients.sign_in(server, redirect=redirect_address())
    if sign_in is None:
        raise CannotRenew("renewal_not_offered")
    return sign_in


def _begin(asked: RenewalSignIn, sign_in: SignIn, account: str, *, person: AbstractBaseUser, now: datetime) -> str:
    state = secrets.token_urlsafe(32)
    asked.state_digest, asked.user_id, asked.created_at = _digest(state), person.pk, now
    asked.save()
    return sign_in.address(state=state, verifier=_verifier(state), account=account)


def claim(state: str, *, person: AbstractBaseUser, now: datetime) -> Returned:
    """Recognize a person who returns, once. Raises `CannotRenew`."""
    oldest = now - timedelta(minutes=SIGN_IN_MINUTES)
    rows = RenewalSignIn.objects.filter(state_digest=_digest(state), user_id=person.pk, created_at__gte=oldest)
    asked = rows.select_related("connection", "renewal", "bulk", "leak").first()
    # Only one of several requests with the same state deletes the row.
    if asked is None or not RenewalSignIn.objects.filter(pk=asked.pk).delete()[0]:
        raise CannotRenew("sign_in_too_late")
    try:
        return Returned(asked, _sign_in(asked.server), _verifier(state))
    except CannotRenew as refused:
        refused.back = asked.page
        raise


def _digest(state: str) -> str:
    return encryption.fingerprint(Secret(state), purpose="state of a renewal")


def _verifier(state: str) -> Secret:
    """The secret of PKCE, which only this product can derive from the state in the address."""
    return Secret(encryption.fingerprint(Secret(state), purpose="verifier of a renewal"))


def forget_old(*, now: datetime) -> None:
    """Delete rows of people who did not return, old bulk renewals, and what was read of tokens and is not needed."""
    RenewalSignIn.objects.filter(created_at__lt=now - timedelta(minutes=SIGN_IN_MINUTES)).delete()
    BulkRenewal.objects.filter(started_at__lt=now - timedelta(days=BULK_DAYS)).delete()
    read_before = LeakedToken.objects.filter(candidates_read_at__lte=now - KEPT)
    read_before.update(candidates=[], candidates_read_at=None)
    leaked = LeakedToken.objects.filter(revoked_at=None, proved_at=None, ended_at=None)
    known = KnownToken.objects.exclude(fingerprint__in=StoredCredential.objects.values("fingerprint"))
    known.exclude(fingerprint__in=leaked.values("fingerprint")).delete()
