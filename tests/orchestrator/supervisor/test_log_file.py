"""The log of `make run`: private, bounded, without secrets, and never a reason to stop."""

import re
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.supervisor import log_file
from orchestrator.supervisor.log_file import LogFile
from sandbox.samples import SAMPLES


@pytest.fixture
def problems() -> list[str]:
    """What the log reported."""
    return []


@pytest.fixture
def log(tmp_path: Path, problems: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[LogFile]:
    """A log of small files."""
    monkeypatch.setattr(log_file, "LARGEST_BYTES", 2_000)
    with closing(LogFile(tmp_path, problems.append)) as log:
        yield log


def test_only_its_user_can_read_it(log: LogFile) -> None:
    log.write("worker", "a line")
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.path.parent.stat().st_mode) == 0o700


def test_a_line_has_a_time_once(log: LogFile) -> None:
    log.write("web", "2026-11-29T12:52:04.620119Z INFO orchestrator.requests: GET /")
    log.write("up", "stopping")
    first, second = log.path.read_text().splitlines()
    assert first == "web      | 2026-11-29T12:52:04.620119Z INFO orchestrator.requests: GET /"
    assert re.fullmatch(r"up       \| 20\S+Z stopping", second)


def test_it_stays_within_its_size(log: LogFile, problems: list[str]) -> None:
    for number in range(1_000):
        log.write("worker", f"line {number}")
    files = sorted(file.name for file in log.path.parent.iterdir())
    assert files == ["run.log", "run.log.1", "run.log.2", "run.log.3", "run.log.4"]
    assert all(file.stat().st_size <= 2_000 for file in log.path.parent.iterdir())
    assert log.path.read_text().endswith("line 999\n")
    assert problems == []


def test_it_holds_no_token(log: LogFile) -> None:
    for sample in SAMPLES:
        log.write("worker", f"refused {sample.secret} of redis://:pa55@host/0")
    assert "pa55" not in log.path.read_text()
    assert not any(sample.secret in log.path.read_text() for sample in SAMPLES)


def test_a_full_disk_is_reported_once_and_stops_nothing(
    log: LogFile, problems: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_text: str) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(log._file.stream, "write", full)
        log.write("worker", "one")
        log.write("worker", "two")
    assert len(problems) == 1
    log.write("worker", "three")
    assert log.path.read_text().endswith("three\n")
