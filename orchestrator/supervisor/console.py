"""What the person at the terminal reads: prefixed lines, and the summary of a start."""

import json
import os
import signal
import sys
import threading
from dataclasses import asdict

from core.control_characters import one_line

_RULE = "-" * 84


class Console:
    """Prints whole lines, from any thread. When the terminal goes away, it asks the process to end."""

    def __init__(self) -> None:
        self.gone = False
        self._lock = threading.Lock()

    def line(self, name: str, text: str) -> None:
        """Print a line of the process `name`; the supervisor's own is `up`."""
        self.text(f"{name:<8} | {one_line(text)}")

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


def summary(url: str, *, username: str, password: str | None, with_sandbox: bool) -> str:
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
        "",
        "Ctrl-C stops everything.",
        _RULE,
    ]
    return "\n".join(lines)


def sample_tokens() -> str:
    """The sandbox's sample tokens as JSON, for the web process, which offers them on the Connect page."""
    from sandbox.samples import SAMPLES

    return json.dumps([asdict(sample) for sample in SAMPLES])


def _sandbox_tokens() -> list[str]:
    from sandbox.samples import SAMPLES

    return [
        "The sandbox simulates Azure DevOps on this machine. Choose the server “Sandbox” in the form,",
        "and one of these tokens, which are valid nowhere else:",
        "",
        f"{'label':<20}{'organization':<14}what happens",
        *(f"{token.name:<20}{token.organization:<14}{token.summary}\n    {token.secret}" for token in SAMPLES),
        "",
        "Other organizations simulate network and server problems: docs/sandbox.md lists them.",
        "",
    ]
