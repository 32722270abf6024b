"""The recorded exchanges, or a skip where they are not."""

import pytest

from tests.connections.providers.azure_devops.conftest import no_environment, transport
from tests.needs import reference_folder
from tests.recordings.exchanges import Exchange, load

__all__ = ["no_environment", "transport"]


@pytest.fixture(scope="session")
def exchanges() -> dict[str, Exchange]:
    """Every exchange, by its id."""
    return load(reference_folder("recordings"))
