"""The real servers as fixtures, started once for each process of a test run that wants them."""

from collections.abc import Iterator

import pytest

from tests.servers import running


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """DATABASE_URL of a real PostgreSQL."""
    with running.postgresql() as server:
        yield server.url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """REDIS_URL of a real Redis."""
    with running.redis() as server:
        yield server.url
