"""Whatever starts the whole product is slow: few starts, each for several assertions, one after another."""

import shutil
import sys

import pytest

from tests.needs import need
from tests.servers.fixtures import postgresql_url, redis_url

__all__ = ["postgresql_url", "redis_url"]


@pytest.fixture(scope="session", autouse=True)
def _machine() -> None:
    need(found=bool(shutil.which("git")), lacking="git, which lists the checkout", remedy="apt-get install git")
    need(found=sys.platform == "linux", lacking="/proc, which shows what was left behind", remedy="run it on Linux")
