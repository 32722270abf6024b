"""A process ends when its parent dies."""

import subprocess
import sys

import pytest

from orchestrator import parent_death
from tests.orchestrator.supervisor.processes import is_gone, wait_until_gone


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has it; elsewhere the watchdog does its work")
def test_a_process_that_is_tied_to_its_parent_dies_with_it() -> None:
    # A parent that ties a child to itself, says the child's number, and waits to be killed.
    parent = (
        "import os, subprocess, sys, time; "
        f"tied = [sys.executable, {parent_death.__file__!r}, str(os.getpid()), '/bin/sleep', '60']; "
        "print(subprocess.Popen(tied).pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        assert not is_gone(child)
        process.kill()
    wait_until_gone(child)
