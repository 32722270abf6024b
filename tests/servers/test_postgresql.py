"""Whatever uses the database holds on PostgreSQL too."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]


def test_every_database_test_passes_on_postgresql(postgresql_url: str) -> None:
    command = [sys.executable, "-m", "pytest", "-m", "any_database", "--numprocesses", "0", "--show-capture=no"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment | {"DATABASE_URL": postgresql_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=2400,
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    assert done.returncode == 0, done.stdout[-6000:]
    assert passed, done.stdout[-500:]
    assert int(passed[1]) > 50
