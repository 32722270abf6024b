"""Fixtures of the tests that repeat others on real servers."""

from tests.servers.fixtures import migrated_postgresql, postgresql_url, redis_url

__all__ = ["migrated_postgresql", "postgresql_url", "redis_url"]
