"""Ends a process when its parent dies, however the parent died. Linux only; elsewhere it does nothing.

Run as a file it puts itself on the leash of the given parent and becomes the command:

    python orchestrator/supervisor/parent_death.py PARENT_PID command arguments...
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html


def die_with_parent(parent: int, signal_number: int = signal.SIGKILL) -> None:
    """From now on `signal_number` comes when the parent dies; ends at once if it is already gone."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal_number)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - this file exists to become another program, without a shell
