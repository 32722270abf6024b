"""What the person at the terminal reads: prefixed lines, and the summary of a start."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from core.control_characters import one_line
from orchestrator.supervisor.ready_pipe import Administrator

OWN_NAME = "up"
_WIDTH = 8
_RULE = "-" * 84


class Sample(Protocol):
    """A token of the sandbox, as `sandbox.samples` has it."""

    @property
    def name(self) -> str:
        """What the person calls it."""

    @property
    def organization(self) -> str:
        """Where to try it."""

    @property
    def summary(self) -> str:
        """What happens then."""

    @property
    def secret(self) -> str:
        """The token itself, which is good for nothing outside the sandbox."""


@dataclass
class Console:
    """Writes whole lines. A terminal that went away is told to `on_gone`, once."""

    on_gone: Callable[[], None] = lambda: None
    gone: bool = field(default=False, init=False)

    def line(self, name: str, text: str) -> None:
        """One line of the process `name`."""
        self.text(f"{name:<{_WIDTH}} | {one_line(text)}")

    def say(self, text: str) -> None:
        """One line of the supervisor's own."""
        self.line(OWN_NAME, text)

    def text(self, text: str) -> None:
        """Lines as they are."""
        if self.gone:
            return
        try:
            print(text, flush=True)
        except OSError:
            self.gone = True
            self.on_gone()


def summary(url: str, administrator: Administrator, samples: Sequence[Sample]) -> str:
    """The last thing a start prints: where it is, how to sign in, what to try."""
    return "\n".join(["", _RULE, *_tokens(samples), *_sign_in(url, administrator), "Ctrl-C stops everything.", _RULE])


def _tokens(samples: Iterable[Sample]) -> list[str]:
    rows = [
        line
        for sample in samples
        for line in (f"{sample.name:<20}{sample.organization:<14}{sample.summary}", f"    {sample.secret}")
    ]
    if not rows:
        return []
    return [
        "The sandbox is a pretend Azure DevOps on this machine. Choose the server “Sandbox” in the form,",
        "and one of these tokens, which are good for nothing else:",
        "",
        f"{'label':<20}{'organization':<14}what happens",
        *rows,
        "",
        "Other organizations play trouble on the way: docs/sandbox.md lists them.",
        "",
    ]


def _sign_in(url: str, administrator: Administrator) -> list[str]:
    anew = f"{_shown(Path(sys.executable))} manage.py changepassword {administrator.name}"
    if administrator.password is None:
        password = ["Password       as set; it was shown at the first start only"]
    else:
        password = [
            f"Password       {administrator.password}",
            "               shown this once and kept only as a hash",
        ]
    return [f"Open           {url}", f"Sign in as     {administrator.name}", *password, f"New password   {anew}", ""]


def _shown(program: Path) -> str:
    here = Path.cwd()
    return str(program.relative_to(here) if program.is_relative_to(here) else program)
