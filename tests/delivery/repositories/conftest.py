"""A repository of the sandbox, as the product lists it and as Azure DevOps has it."""

from collections.abc import Callable

import pytest

from connections.models import Connection
from delivery.models import Repository, SyncState
from sandbox.repositories import Repository as AzureRepository
from sandbox.server import Sandbox

Connect = Callable[..., Connection]
BringIn = Callable[[Connection], SyncState]


@pytest.fixture
def repository(connected: Connect, bring_in: BringIn) -> Repository:
    bring_in(connected(organization="fabrikam"))
    return Repository.objects.get(name="Tailspin")


@pytest.fixture
def azure(sandbox: Sandbox) -> AzureRepository:
    """The same repository as the sandbox has it."""
    return sandbox.state.organizations["fabrikam"].projects[0].repositories[0]
