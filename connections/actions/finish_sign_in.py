"""Do what a person signed in at Microsoft for, and what is pending for them, when they return.

Their access token is in memory for this one request; see decision 0014.
"""

from django.contrib.auth.models import AbstractBaseUser

from connections import clients
from connections.actions import renew_sign_in
from connections.actions.bulk_renew import renew_each
from connections.actions.extend_token import extend_token, settle_extensions
from connections.actions.import_tokens import import_tokens
from connections.actions.refusals import CannotRenew
from connections.actions.renew import renew
from connections.actions.revoke_leaked import revoke
from connections.actions.settle_renewals import settle
from connections.actions.signed_in import Clock, Owner, signed_in_as
from connections.actions.token_test_rate_limit import TooManyTests
from connections.domain import renewal as rules
from connections.domain.problems import Facts, catalogue
from connections.domain.renewal import RenewalRequest
from connections.models import BulkRenewal, Connection, LeakedToken, Renewal, RenewalSignIn, TokenImport
from connections.providers.azure_devops.errors import AzureDevOpsError
from connections.providers.azure_devops.sign_in import PersonsToken
from core.secrets import Secret
from history.record import Actor

Result = Renewal | BulkRenewal | Connection | TokenImport | LeakedToken | None


def finish_sign_in(state: str, code: Secret, *, person: AbstractBaseUser, by: Actor, clock: Clock) -> Result:
    """Do what a person signed in for, and what is pending for them. Returns what has the page to show.

    Raises `CannotRenew`. A renewal that began and failed is returned, because its page says how to go on.
    """
    returned = renew_sign_in.claim(state, person=person, now=clock())
    asked = returned.asked
    try:
        signer = returned.sign_in.redeem(code, returned.verifier)
        if asked.purpose == RenewalSignIn.Purpose.IMPORT:
            return import_tokens(asked, signer, person=person, by=by, clock=clock)
        if asked.bulk is not None:
            renew_each(asked.bulk, signer, person=person, by=by, clock=clock)
            return asked.bulk
        return _as_owner(asked, signer, person=person, by=by, clock=clock)
    except (AzureDevOpsError, clients.UnknownServer) as error:
        raise refused_for(asked, refusal_of(error, asked.organization)) from None
    except TooManyTests as error:
        problem = catalogue.problem(rules.TOO_MANY_TESTS, facts=Facts(retry_after=error.seconds))
        raise refused_for(asked, CannotRenew(problem.code, problem.full)) from None
    except CannotRenew as refused:
        raise refused_for(asked, refused) from None


def refusal_of(error: AzureDevOpsError | clients.UnknownServer, organization: str = "") -> CannotRenew:
    """The refusal that says what went wrong, with the ids for Microsoft's support."""
    support = getattr(error, "support", "")
    facts = Facts(host=getattr(error, "host", ""), organization=organization)
    problem = catalogue.problem(error.code, facts=facts)
    return CannotRenew(problem.code, f"{problem.full} ({support})" if support else problem.full)


def refused_for(asked: RenewalSignIn, refused: CannotRenew) -> CannotRenew:
    """The refusal, with the page that the person came from."""
    refused.back = asked.page
    return refused


def _as_owner(
    asked: RenewalSignIn, signer: PersonsToken, *, person: AbstractBaseUser, by: Actor, clock: Clock
) -> Renewal | Connection | LeakedToken | None:
    owner = Owner(asked.server, asked.organization, asked.identity_id)
    with signed_in_as(owner, signer, person=person, by=by, clock=clock) as signed_in:
        settle(owner, signed_in, asked_for=asked.renewal_id)
        settle_extensions(owner, signed_in)
        if asked.purpose == RenewalSignIn.Purpose.EXTEND and asked.connection is not None:
            return extend_token(asked.connection, asked.days, signed_in)
        if asked.purpose == RenewalSignIn.Purpose.RENEW and asked.connection is not None:
            return renew(asked.connection, RenewalRequest(asked.scopes, asked.days), signed_in)
        if asked.leak is not None:
            return revoke(asked.leak, asked.entry, signed_in)
    return asked.renewal
