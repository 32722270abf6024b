"""What the person at the terminal reads: the summary of a start, then warnings. Everything else is in the log file."""

import json
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

from core.control_characters import one_line
from orchestrator.running_product import ENTRA_FOLDER
from orchestrator.supervisor.log_file import LogFile

_RULE = "-" * 84
SUPERVISOR = "up"
# Lines that need no person: those of the product below a warning, as text or JSON, and the notices of the broker.
_ROUTINE = re.compile(
    r"\s*$"
    r"|\d{4}-\d\d-\d\dT\S+ (?:DEBUG|INFO) "
    r'|\{.*"level": "(?:debug|info)"'
    r"|\d+:(?:signal-handler |[A-Z] \d\d \w{3} \d{4} [\d:.]+ [*.-] )"
)


class Console:
    """Prints whole lines, from any thread. When the terminal goes away, it asks the process to end."""

    def __init__(self) -> None:
        self.gone = False
        # While everything is being stopped, only the supervisor's own lines are printed.
        self.is_stopping = False
        self._log: LogFile | None = None
        self._lock = threading.Lock()

    @contextmanager
    def log_to(self, var_dir: Path) -> Iterator[None]:
        """Write every line to the log in this folder too. Raises `OSError` when it can't be started."""
        with closing(LogFile(var_dir, lambda problem: self.text(f"{SUPERVISOR:<8} | {problem}"))) as self._log:
            yield
        self._log = None

    @property
    def log_path(self) -> str:
        """Where the log is: relative to where the person is, if it is below."""
        path = self._log.path if self._log else Path()
        return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)

    def line(self, name: str, text: str, *, is_routine: bool = False) -> None:
        """Log a line of the process `name`, the supervisor's own being `up`; print it if a person should know."""
        text = one_line(text)
        if self._log:
            self._log.write(name, text)
        is_routine = is_routine or self.is_stopping or bool(_ROUTINE.match(text))
        if name == SUPERVISOR or not is_routine:
            self.text(f"{name:<8} | {text}")

    def text(self, text: str) -> None:
        """Print lines as they are."""
        with self._lock:
            if self.gone:
                return
            try:
                print(text, flush=True)
            except OSError:
                self.gone = True
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def summary(url: str, *, username: str, password: str | None, with_sandbox: bool, log: str) -> str:
    """Return the last lines of a start: what to try, where to open it, how to sign in."""
    lines = [
        "",
        _RULE,
        *(_sandbox_tokens() if with_sandbox else ()),
        f"Open           {url}",
        f"Sign in as     {username}",
        f"Password       {password or 'as set; it was shown at the first start only'}",
        *(["               shown this once and kept only as a hash"] if password else ()),
        f"New password   {os.path.relpath(sys.executable)} manage.py changepassword {username}",
        f"Log            {log}",
        "",
        "Ctrl-C stops everything. Only warnings appear below.",
        _RULE,
    ]
    return "\n".join(lines)


def sample_tokens_json() -> str:
    """The sandbox's sample tokens, for the web process, which offers them on the Connect page."""
    from sandbox.samples import SAMPLES

    return json.dumps([asdict(sample) for sample in SAMPLES])


def sample_renewal_json(sandbox_port: int) -> str:
    """The sandbox's application for renewing tokens, for the web process, and the page on which people sign in."""
    from sandbox.entra.samples import new_application, sign_in_page

    application = new_application("sign-in")
    return json.dumps(
        {
            "tenant": application.tenant,
            "client": application.client_id,
            "secret": application.secrets[0].value,
            "page": sign_in_page(f"http://127.0.0.1:{sandbox_port}"),
        }
    )


def sample_identity() -> str:
    """The tenant and client id of the sandbox's application that accepts a token of this machine's workload."""
    from sandbox.entra.samples import new_application

    application = new_application("full")
    return f"{application.tenant}/{application.client_id}"


def _sample_application() -> list[str]:
    from sandbox.entra.samples import new_application

    application = new_application("full")
    return [
        "Or connect with this Microsoft Entra application, which is valid nowhere else either:",
        "",
        f"{'tenant':<20}{application.tenant}",
        f"{'client':<20}{application.client_id}",
        f"{'secret':<20}{application.secrets[0].value}",
        f"{'certificate':<20}{ENTRA_FOLDER}/full.pem in VAR_DIR",
        "",
        "Or without any input: choose “Workload identity of this server” or “Managed identity of this server”. The",
        "sandbox stands in for the platform and for Azure. docs/sandbox.md has an application for each problem.",
    ]


def _sandbox_tokens() -> list[str]:
    from sandbox.samples import SAMPLES

    return [
        "The sandbox simulates Azure DevOps on this machine. Choose the server “Sandbox” in the form,",
        "and one of these tokens, which are valid nowhere else:",
        "",
        f"{'label':<20}{'organization':<14}what happens",
        *(f"{token.name:<20}{token.organization:<14}{token.summary}\n    {token.secret}" for token in SAMPLES),
        "",
        *_sample_application(),
        "",
        "To renew a token with one click, choose “Renew token” on its connection and sign in as its owner, such as",
        "Maya Sample for “full”. The sign-in page asks for no password.",
        "",
        "Other organizations simulate network and server problems: docs/sandbox.md lists them.",
        "",
    ]
