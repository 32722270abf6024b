"""A process that ends what a killed supervisor leaves behind, on every system that has process groups.

It reads `+1234` when a process group starts and `-1234` when it has ended. When its standard input closes, the
supervisor is gone, and it kills every group that is left.
"""

import os
import signal
import sys
from contextlib import suppress

groups: set[int] = set()
for line in sys.stdin:
    (groups.add if line.startswith("+") else groups.discard)(int(line[1:]))
for group in groups:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
