"""A person who has just signed in at Microsoft, for the one request in which we have their access token."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial

from django.contrib.auth.models import AbstractBaseUser

from connections import clients
from connections.actions.refusals import CannotRenew
from connections.providers.azure_devops import personal_tokens
from connections.providers.azure_devops.models import ConnectionData
from connections.providers.azure_devops.paging import Listed
from connections.providers.azure_devops.personal_tokens import TokenEntry
from connections.providers.azure_devops.sign_in import PersonsToken
from connections.providers.azure_devops.transport import Transport
from history.record import Actor

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose tokens they are, and in which organization. Without an id, they are those of whoever signs in."""

    server: str
    organization: str
    identity_id: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What the request has: the person's calls in one organization, who they are there and here, and the clock.

    `tokens` lists their valid tokens, once: as they were when it was first called.
    """

    transport: Transport
    tokens: Callable[[], Listed[TokenEntry]]
    data: ConnectionData
    person: AbstractBaseUser
    by: Actor
    clock: Clock


@contextmanager
def signed_in_as(
    owner: Owner, signer: PersonsToken, *, person: AbstractBaseUser, by: Actor, clock: Clock
) -> Iterator[SignedIn]:
    """The person in the organization of these tokens.

    Raises `CannotRenew` if it is not the owner, `AzureDevOpsError` and `clients.UnknownServer`.
    """
    with clients.as_person(clients.server(owner.server), owner.organization, signer) as client:
        data = client.connection_data()
        if owner.identity_id is not None and data.identity.id != owner.identity_id:
            raise CannotRenew("another_person_signed_in")
        tokens = cache(partial(personal_tokens.active_tokens, client.transport))
        yield SignedIn(client.transport, tokens, data, person, by, clock)
