"""Whether processes live that are nobody's children here."""

from pathlib import Path
from time import monotonic, sleep


def is_gone(pid: int) -> bool:
    """Whether the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until_gone(pid: int) -> None:
    """Fails when the process lives on."""
    deadline = monotonic() + 60
    while not is_gone(pid):
        assert monotonic() < deadline, f"process {pid} lives on"
        sleep(0.01)
