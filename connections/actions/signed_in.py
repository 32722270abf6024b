"""A person who has just signed in at Microsoft, for the one request in which we have their access token."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser

from connections.providers.azure_devops.models import ConnectionData
from connections.providers.azure_devops.transport import Transport
from history.record import Actor

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What the request has: the person's calls in one organization, who they are there and here, and the clock."""

    transport: Transport
    data: ConnectionData
    person: AbstractBaseUser
    by: Actor
    clock: Clock
