"""Renew several connections of one person in one sign-in, one after another; one that fails does not stop the others.

What is to be renewed is written before the person leaves for Microsoft. What is not started when the time of the
request or the limit of tests is used up, or when the process dies, waits for another sign-in.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import partial
from itertools import groupby
from time import monotonic

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from connections import bulk_renewal_reads, clients
from connections.actions import renew_sign_in
from connections.actions.extend_token import settle_extensions
from connections.actions.refusals import CannotRenew
from connections.actions.renew import renew
from connections.actions.renewal_problems import problem_of
from connections.actions.settle_renewals import settle
from connections.actions.signed_in import Clock, Owner, SignedIn, signed_in_as
from connections.actions.token_test_rate_limit import TooManyTests
from connections.bulk_renewal_reads import CAN_BEGIN, waiting
from connections.domain import renewal as rules
from connections.domain.problems import catalogue
from connections.domain.renewal import RenewalRequest
from connections.models import BulkRenewal, BulkRenewalItem, Connection, Renewal
from connections.providers.azure_devops.errors import AzureDevOpsError
from connections.providers.azure_devops.sign_in import PersonsToken
from history.record import Actor

log = logging.getLogger(__name__)
# No further connection is started after this, because a person waits for the page.
_SECONDS = 60.0
AsOwner = Callable[[Owner], AbstractContextManager[SignedIn]]


def begin(connections: Sequence[Connection], days: int, *, person: AbstractBaseUser, by: Actor, now: datetime) -> str:
    """The address at Microsoft where the owner of these tokens signs in. Raises `CannotRenew`."""
    _require_one_owner(connections)
    renew_sign_in.require_days(days, now=now)
    first = connections[0]
    with transaction.atomic():
        bulk = BulkRenewal.objects.create(
            server=first.server,
            identity_name=first.identity_name,
            identity_account=first.identity_account,
            days=days,
            started_by=by.name,
            started_at=now,
        )
        BulkRenewalItem.objects.bulk_create([_item(bulk, connection) for connection in connections])
        return renew_sign_in.begin_bulk(bulk, first, person=person, now=now)


def _require_one_owner(connections: Sequence[Connection]) -> None:
    """Raise `CannotRenew` unless one person can renew all of them now, as the page says."""
    choice = bulk_renewal_reads.choice(connections)
    if choice.left_out:
        connection, code = choice.left_out[0]
        raise CannotRenew(code, f"{connection.name}: {catalogue.known_problem(code).full}")
    if len(choice.owners) != 1:
        raise CannotRenew("renewal_of_several_people")


def _item(bulk: BulkRenewal, connection: Connection) -> BulkRenewalItem:
    scopes = list(rules.needed_scopes(connection.verdicts()))
    return BulkRenewalItem(bulk=bulk, connection=connection, connection_name=connection.name, scopes=scopes)


def resume(bulk: BulkRenewal, *, person: AbstractBaseUser, now: datetime) -> str:
    """The address at Microsoft for renewing what was not started. Raises `CannotRenew`."""
    renew_sign_in.require_days_still(bulk.days, now=now)
    item = waiting(bulk).exclude(connection=None).first()
    if item is None or item.connection is None:
        raise CannotRenew("renewal_moved_on")
    return renew_sign_in.begin_bulk(bulk, item.connection, person=person, now=now)


def renew_each(bulk: BulkRenewal, signer: PersonsToken, *, person: AbstractBaseUser, by: Actor, clock: Clock) -> None:
    """Renew what was not started, while there is time."""
    ends_at = monotonic() + _SECONDS
    as_owner = partial(signed_in_as, signer=signer, person=person, by=by, clock=clock)
    # Clear the problems of earlier sign-ins.
    bulk.items.filter(CAN_BEGIN).update(problem="", problem_word="")
    try:
        for owner, items in groupby(waiting(bulk), key=_owner):
            if owner is None:
                _refuse(items, problem="connection_gone")
            else:
                _renew_of(owner, list(items), as_owner, ends_at=ends_at)
            if monotonic() >= ends_at:
                return
    except TooManyTests:
        # Nothing further could be tested.
        _refuse(waiting(bulk), problem=rules.TOO_MANY_TESTS)


def _owner(item: BulkRenewalItem) -> Owner | None:
    found = item.connection
    return Owner(found.server, found.organization, found.identity_id) if found else None


def _renew_of(owner: Owner, items: list[BulkRenewalItem], as_owner: AsOwner, *, ends_at: float) -> None:
    """Renew the connections of one organization, while there is time. Raises `TooManyTests`."""
    with _recording_why(items), as_owner(owner) as signed_in:
        settle(owner, signed_in, asked_for=None)
        settle_extensions(owner, signed_in)
        for item in items:
            with _recording_why([item]):
                _renew_one(item, signed_in)
            if monotonic() >= ends_at:
                return


@contextmanager
def _recording_why(items: Sequence[BulkRenewalItem]) -> Iterator[None]:
    """Record why these could not start, so that the others continue. Only `TooManyTests` is raised."""
    try:
        yield
    except TooManyTests:
        raise
    except CannotRenew as refused:
        _refuse(items, problem=refused.code)
    except (AzureDevOpsError, clients.UnknownServer) as error:
        _refuse(items, **problem_of(error))
    except Exception:
        # What was started says on its own page how far it is.
        log.exception("The renewal of connections %s stopped.", [item.connection_id for item in items])
        _refuse(items, problem=rules.BROKEN)


def _renew_one(item: BulkRenewalItem, signed_in: SignedIn) -> None:
    if item.connection is not None:
        request = RenewalRequest(item.scopes, item.bulk.days)
        renew(item.connection, request, signed_in, in_transaction=partial(_attach, item))


def _attach(item: BulkRenewalItem, renewal: Renewal) -> None:
    """In the transaction in which the renewal starts. Raises `CannotRenew` if another sign-in was faster."""
    rows = BulkRenewalItem.objects.filter(pk=item.pk).filter(CAN_BEGIN)
    if not rows.update(renewal=renewal, problem="", problem_word=""):
        raise CannotRenew("renewal_running")


def _refuse(items: Iterable[BulkRenewalItem], **why: str) -> None:
    """Record why these could not start."""
    rows = BulkRenewalItem.objects.filter(pk__in=[item.pk for item in items], renewal=None, problem="")
    rows.update(**why)
