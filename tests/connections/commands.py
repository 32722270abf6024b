"""Commands as a person or a monitor runs them."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.management import CommandError, call_command
from django.utils import timezone

from connections.models import Connection

# Made up, in the form and length of what Microsoft Entra gives out: {"typ":"JWT","alg":"RS256"}.{"aud":…}.signature
ENTRA_TOKEN = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9." + "eyJhdWQiOiI0OTliODRhYy0" * 50 + "." + "Ab-_" * 85
Connected = Callable[..., Connection]
Token = Callable[[str], str]
TypeIn = Callable[[str], None]


class Ran:
    """How a command ended: its exit code, what it printed, and that as JSON."""

    def __init__(self, *words: str) -> None:
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command("connections", *words, stdout=out, stderr=err)
        except SystemExit as ended:
            self.code = int(str(ended.code))
        except CommandError as wrong:
            self.code = wrong.returncode
            err.write(str(wrong))
        else:
            self.code = 0
        self.out, self.err = out.getvalue(), err.getvalue()

    @property
    def json(self) -> Any:
        """What was printed as one value."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """What was printed as one value a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def in_days(days: int) -> str:
    """The day, as an option takes it."""
    return (timezone.localdate() + timedelta(days=days)).isoformat()


def line(**given: object) -> str:
    """A line of what `rotate --read` takes."""
    return json.dumps(given) + "\n"
