"""The watchdog kills the process groups of a supervisor that is gone."""

import subprocess
import sys

from orchestrator.supervisor.process_manager import _WATCHDOG


def test_groups_that_started_and_did_not_end_are_killed_when_the_pipe_closes() -> None:
    kept, ended = (subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) for _ in range(2))
    lines = f"+{kept.pid}\n+{ended.pid}\n-{kept.pid}\n-999999999\n+999999998\n"
    try:
        subprocess.run([sys.executable, "-I", "-S", _WATCHDOG], input=lines, text=True, check=True, timeout=20)
        assert ended.wait(timeout=20) == -9
        assert kept.poll() is None
    finally:
        kept.kill()
        kept.wait()
