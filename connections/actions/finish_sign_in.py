"""Do what a person signed in at Microsoft for, and what is pending for them, when they return.

Their access token is in memory for this one request; see decision 0014.
"""

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser

from connections import clients
from connections.actions import renew_sign_in
from connections.actions.bulk_renew import renew_each
from connections.actions.extend_token import extend_token, settle_extensions
from connections.actions.import_tokens import import_tokens
from connections.actions.refusals import CannotRenew
from connections.actions.renew import renew
from connections.actions.renewal_problems import refusal_of
from connections.actions.revoke_leaked import revoke
from connections.actions.settle_renewals import settle
from connections.actions.signed_in import Clock, Owner, signed_in_as
from connections.actions.token_test_rate_limit import TooManyTests
from connections.domain.renewal import RenewalRequest
from connections.models import BulkRenewal, Connection, LeakedToken, Renewal, RenewalSignIn, TokenImport
from connections.providers.azure_devops.errors import AzureDevOpsError
from connections.providers.azure_devops.sign_in import PersonsToken, refused_by_page
from core.secrets import Secret
from history.record import Actor

Result = Renewal | BulkRenewal | Connection | TokenImport | LeakedToken | None


def finish_sign_in(state: str, code: Secret, *, person: AbstractBaseUser, by: Actor, clock: Clock) -> Result:
    """Do what a person signed in for, and what is pending for them. Returns what has the page to show.

    Raises `CannotRenew`. A renewal that began and failed is returned, because its page says how to continue.
    """
    returned = renew_sign_in.claim(state, person=person, now=clock())
    asked = returned.asked
    try:
        return _do(asked, returned.sign_in.redeem(code, returned.verifier), person=person, by=by, clock=clock)
    except (AzureDevOpsError, clients.UnknownServer, TooManyTests) as error:
        refused = refusal_of(error, organization=asked.organization)
    except CannotRenew as error:
        refused = error
    refused.back = asked.page
    raise refused


def refused_sign_in(
    state: str, *, error: str, description: str, person: AbstractBaseUser, now: datetime
) -> CannotRenew:
    """Why Microsoft sent a person back without a code. Raises `CannotRenew` if they did not begin here."""
    asked = renew_sign_in.claim(state, person=person, now=now).asked
    refused = refusal_of(refused_by_page(error, description), organization=asked.organization)
    refused.back = asked.page
    return refused


def _do(asked: RenewalSignIn, signer: PersonsToken, *, person: AbstractBaseUser, by: Actor, clock: Clock) -> Result:
    if asked.purpose == RenewalSignIn.Purpose.IMPORT:
        return import_tokens(asked, signer, person=person, by=by, clock=clock)
    if asked.bulk is not None:
        renew_sign_in.require_days_still(asked.bulk.days, now=clock())
        renew_each(asked.bulk, signer, person=person, by=by, clock=clock)
        return asked.bulk
    return _as_owner(asked, signer, person=person, by=by, clock=clock)


def _as_owner(
    asked: RenewalSignIn, signer: PersonsToken, *, person: AbstractBaseUser, by: Actor, clock: Clock
) -> Renewal | Connection | LeakedToken | None:
    owner = Owner(asked.server, asked.organization, asked.identity_id)
    with signed_in_as(owner, signer, person=person, by=by, clock=clock) as signed_in:
        settle(owner, signed_in, asked_for=asked.renewal_id)
        settle_extensions(owner, signed_in)
        if asked.purpose == RenewalSignIn.Purpose.EXTEND and asked.connection is not None:
            renew_sign_in.require_days_still(asked.days, now=clock())
            return extend_token(asked.connection, asked.days, signed_in)
        if asked.purpose == RenewalSignIn.Purpose.RENEW and asked.connection is not None:
            renew_sign_in.require_days_still(asked.days, now=clock())
            return renew(asked.connection, RenewalRequest(asked.scopes, asked.days), signed_in)
        if asked.leak is not None:
            return revoke(asked.leak, asked.entry, signed_in)
    return asked.renewal
