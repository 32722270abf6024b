"""The product in parts, as an operator runs it: web, workers and clocks, with a sandbox and a mail server beside it."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import requests

from orchestrator.free_ports import HOST, free_near, listen_near, port_of
from orchestrator.running_product import SAMPLE_RENEWAL, SandboxEntra
from orchestrator.supervisor import process_specs
from orchestrator.supervisor.console import sample_renewal_json
from tests.faults.ground import Ground
from tests.faults.machine_clock import MachineClock
from tests.faults.parts import Part, manage
from tests.faults.post import PostOffice
from tests.faults.waiting import until
from tests.faults.words import READY

PASSWORD = "a-long-enough-password-4-tests"
# Short enough for a test, and counted in seconds as an operator would.
LEASES = {"AUDIT_LEASE_SECONDS": "3", "MAIL_LEASE_SECONDS": "3", "REFRESH_LEASE_SECONDS": "3"}
# Far more than the sandbox minds.
GENEROUS = {"AUDITS_PER_ORGANIZATION": "100", "AUDITS_PER_PERSON": "100", "WORKER_THREADS": "8", "WEB_WORKERS": "2"}

_MAY_COME_TWICE = r"[Mm]ail (<\S+>)(?: was started before but not marked as sent)?\. It may arrive twice"


class Stack:
    """Parts are made here and started by whoever needs them; everything ends with `close`."""

    def __init__(
        self,
        ground: Ground,
        post: PostOffice,
        folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        latency: float = 0.0,
        clock: MachineClock | None = None,
        entra: bool = False,
    ) -> None:
        self.ground = ground
        self.post = post
        self.folder = folder
        azure = free_near(0)
        self.azure_url = f"http://{HOST}:{azure}"
        self.entra = SandboxEntra(free_near(0), folder / "entra") if entra else None
        self._listener = listen_near(0)
        self.web_url = f"http://{HOST}:{port_of(self._listener)}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        self._plain = inherited | {"PYTHONUNBUFFERED": "1"}
        self.environment = {
            **self._plain,
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "DATABASE_URL": ground.database_url,
            "REDIS_URL": ground.broker.url,
            "AZURE_DEVOPS_SERVERS": f"Sandbox={self.azure_url} kind=sandbox",
            "EMAIL_URL": post.url,
            "SITE_URL": self.web_url,
            "VAR_DIR": str(folder),
            **LEASES,
            **GENEROUS,
            **_settings_of_entra(self.entra, azure),
            **(settings or {}),
            **(clock.environment if clock else {}),
        }
        self._parts: list[Part] = []
        command: tuple[str, ...] = (sys.executable, "-m", "tests.faults.azure", str(azure), str(latency))
        command += (str(self.entra.port), str(self.entra.folder)) if self.entra else ()
        self.azure = self._part("sandbox", command, "Sandbox on", environment=self._plain)

    def worker(self, number: int = 1) -> Part:
        """A worker of the product's own command, not started yet."""
        threads = int(self.environment["WORKER_THREADS"])
        service = process_specs.worker(self.environment, threads)
        command = (*service.command, "--hostname", f"worker-{number}@%h")
        return self._part(f"worker-{number}", command, READY)

    def beat(self, number: int = 1) -> Part:
        """A clock, not started yet."""
        return self._part(f"beat-{number}", process_specs.beat(self.environment).command, "")

    def web(self) -> Part:
        """gunicorn on `web_url`, not started yet."""
        service = process_specs.web(self.environment, self._listener.fileno())
        part = self._part("web", service.command, "")
        part.hands_over = service.open_files
        return part

    def _part(
        self, name: str, command: tuple[str, ...], ready_words: str, environment: Mapping[str, str] | None = None
    ) -> Part:
        part = Part(name, command, environment or self.environment, self.folder / f"{name}.log", ready_words)
        self._parts.append(part)
        return part

    def start(self, *parts: Part) -> None:
        """Start all of them, then wait until all are ready."""
        for part in parts:
            part.start()
        for part in parts:
            part.await_ready()

    def fill(self, what: str, **how: Any) -> Any:
        """Let `tests.faults.rows` put rows into the database; what it says about them."""
        return json.loads(manage(self.environment, "-m", "tests.faults.rows", what, json.dumps(how)))

    def misbehave(self, kind: str, *, of: str = "", **rule: Any) -> None:
        """Trouble in Azure DevOps from now on, or of "/entra" in Microsoft Entra."""
        answer = requests.post(f"{self.azure_url}/_sandbox{of}/behaviour", json={"kind": kind, **rule}, timeout=10)
        assert answer.status_code == 201, answer.text

    def behave(self) -> None:
        """All trouble is over."""
        for of in ("", "/entra") if self.entra else ("",):
            assert requests.delete(f"{self.azure_url}/_sandbox{of}/behaviour", timeout=10).status_code == 200

    def answered(self) -> int:
        """How many requests Azure DevOps has answered so far."""
        return int(requests.get(f"{self.azure_url}/_sandbox/", timeout=10).json()["answered"])

    def await_all_sent(self, within: float) -> None:
        """Until nothing waits in the outbox."""
        until(
            lambda: not self.ground.count("connections_mail WHERE sent_at IS NULL"),
            within=within,
            saying="every mail is sent",
        )

    def mails_twice(self) -> int:
        """How many mails came once more than they should. The log must say so of each."""
        said = "".join(part.said() for part in self._parts)
        told = set(re.findall(_MAY_COME_TWICE, said))
        duplicates = self.post.duplicates()
        assert set(duplicates) <= told
        return duplicates.total()

    def close(self) -> None:
        """End every process."""
        for part in self._parts:
            part.kill()
        self._listener.close()

    def logs(self, lines: int = 25) -> str:
        """The end of each part's log, for a failure."""
        return "\n".join(
            f"--- {part.name}, {part.lives} lives\n" + "\n".join(part.said().splitlines()[-lines:])
            for part in self._parts
        )


def _settings_of_entra(entra: SandboxEntra | None, azure: int) -> dict[str, str]:
    """What `make run` hands over of the sandbox's Microsoft Entra."""
    if entra is None:
        return {}
    where = {"SANDBOX_ENTRA_AUTHORITY": entra.authority, "SANDBOX_ENTRA_CA_BUNDLE": entra.ca_bundle}
    return {**where, SAMPLE_RENEWAL: sample_renewal_json(azure)}


Stand = Callable[..., AbstractContextManager[Stack]]


@contextmanager
def standing(stack: Stack) -> Iterator[Stack]:
    """A stack that is gone afterwards, and shows its logs when the test failed."""
    try:
        yield stack
    except BaseException:
        print(stack.logs())
        raise
    finally:
        stack.close()
