"""What an audit costs a worker when Azure DevOps is near: processor time of each, and how many in a second.

`python -m benchmarks against COMMIT` measures it for that commit too. So this module also runs in older trees, and
imports from them only what they all have.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from benchmarks import audits
from benchmarks.place import ROOT, cpu_seconds, peak_memory
from benchmarks.result import Measured

WIDTH = 16
ORGANIZATIONS = 40


def measure(*, short: bool) -> Iterator[Measured]:
    """One worker, over HTTP or, with the file NEARBY_CERTIFICATE, over TLS; processor time in milliseconds."""
    count = 40 if short else 600
    certificate = os.environ.get("NEARBY_CERTIFICATE", "")
    with _sandbox(certificate) as url, _broker() as broker:
        audits.make_auditable(url, count, organizations=ORGANIZATIONS)
        with audits.team(broker, url, width=WIDTH, paced=False) as (worker,):
            audits.audit_all(url)
            before = cpu_seconds(worker)
            took, asked = audits.audit_all(url)
            spent = (cpu_seconds(worker) - before) / count * 1000
            facts = {
                "audits a second": count / took,
                "requests of an audit": asked / count,
                "MB of the worker at its peak": peak_memory(worker),
            }
    yield Measured(3, "processor time of an audit", "", spent, float("inf"), unit="ms", facts=facts)


@contextmanager
def _sandbox(certificate: str) -> Iterator[str]:
    options = ["--organizations", str(ORGANIZATIONS), "--projects", "1", "--repositories", "1"]
    options += ["--certificate", certificate] if certificate else []
    command = [sys.executable, "-m", "sandbox", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        found = re.search(r"https?://\S+", process.stdout.readline())
        assert found, "The sandbox did not start."
        try:
            yield found[0]
        finally:
            process.terminate()


def _broker() -> AbstractContextManager[str]:
    """The embedded broker; the function that starts it had another name once."""
    found: AbstractContextManager[str] = (vars(audits).get("running_broker") or vars(audits)["embedded_broker"])()
    return found
