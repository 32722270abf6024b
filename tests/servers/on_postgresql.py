"""Repeats whatever uses the database on a real PostgreSQL: `python -m tests.servers.on_postgresql [pytest options]`.

One server for the whole run, on which pytest-django makes a database for each process of pytest-xdist.
"""

import os
import subprocess
import sys

import pytest

from tests.servers.running import postgresql

RUN = ["--numprocesses", "auto", "--dist", "loadgroup", "-m", "any_database", "--show-capture=no"]


def main(options: list[str]) -> int:
    """The exit code of pytest. Without a PostgreSQL: 0 and a sentence, or 1 with REQUIRE_ALL=1."""
    try:
        with postgresql() as server:
            environment = os.environ | {"DATABASE_URL": server.url}
            return subprocess.run(
                [sys.executable, "-m", "pytest", *RUN, *options], env=environment, check=False
            ).returncode
    except pytest.skip.Exception as missing:
        print(f"Skipped: {missing}")
        return 0
    except pytest.fail.Exception as missing:
        print(f"Failed, for REQUIRE_ALL=1 allows no skip: {missing}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
