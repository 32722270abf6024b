"""What a machine lacks is skipped with one clear line each, and fails where nothing may be skipped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# The fixtures that the real tests use, each twice.
WANTS = """
import pytest
from tests.journeys.conftest import browser
from tests.needs import reference_folder
from tests.servers.fixtures import postgresql_url, redis_url

@pytest.mark.parametrize("time", [1, 2])
class TestWants:
    def test_browser(self, browser, time): ...
    def test_database(self, postgresql_url, time): ...
    def test_broker(self, redis_url, time): ...
    def test_reference(self, time):
        reference_folder("openapi")
"""
SENTENCES = {
    "browser": "Chromium is missing: apt-get install chromium, or set CHROMIUM to its path",
    "database": "PostgreSQL is missing: apt-get install postgresql, "
    "or set POSTGRESQL_BIN to the folder of its programs",
    "broker": "Redis is missing: apt-get install redis-server",
    "reference": "The Azure DevOps reference material (openapi) is missing: "
    "set AZURE_DEVOPS_REFERENCE to the folder that holds openapi/ and recordings/",
}


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The tests above on a machine that has Python and nothing else."""
    (folder / "nothing").mkdir()
    (folder / "test_wants.py").write_text(WANTS)
    bare = {"PATH": str(folder / "nothing"), "POSTGRESQL_BIN": str(folder / "nothing"), "HOME": str(folder)}
    shared = {name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"}
    ours = ["-p", "tests.conftest", "--config-file", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", *ours, str(folder / "test_wants.py")],
        cwd=ROOT,
        env=shared | bare | {"COLUMNS": "300"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("sentence", SENTENCES.values(), ids=SENTENCES)
def test_each_lack_is_one_line_that_says_how_to_get_it(bare_run: str, sentence: str) -> None:
    assert bare_run.splitlines().count(f"SKIPPED [2] this machine: {sentence}") == 1


@pytest.fixture(scope="module")
def bare_run(tmp_path_factory: pytest.TempPathFactory) -> str:
    done = run(tmp_path_factory.mktemp("bare"))
    assert done.returncode == 0, done.stdout
    assert "8 skipped" in done.stdout
    return done.stdout


def test_where_nothing_may_be_skipped_each_lack_fails(tmp_path: Path) -> None:
    done = run(tmp_path, REQUIRE_ALL="1")
    assert done.returncode == 1
    assert "skipped" not in done.stdout
    for sentence in SENTENCES.values():
        assert done.stdout.count(f"\n{sentence}\n") == 2
