"""Fixtures of the tests that repeat others on real servers."""

from tests.servers.fixtures import postgresql_url, redis_url

__all__ = ["postgresql_url", "redis_url"]
