"""A second process that ends what a killed supervisor leaves behind, on every system that has process groups.

It reads `+1234` and `-1234`, the process groups that began and ended. When the pipe closes, the supervisor is gone
in whatever way, and every group still listed is killed.
"""

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress


def groups_left(lines: Iterable[str]) -> set[int]:
    """Process groups that began and did not end."""
    running: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line.startswith("+"):
            running.add(group)
        else:
            running.discard(group)
    return running


def main() -> None:
    """Wait for the pipe to close, then kill."""
    for group in groups_left(sys.stdin):
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
