"""The product's commands as an operator runs them: processes of their own, on a database of their own."""

import os
from dataclasses import dataclass
from pathlib import Path

from tests.orchestrator import fork_server

ROOT = Path(__file__).resolve().parents[2]
KEY = "aW5zdGFsbGF0aW9uLWtleS0xLTEyMzQ1Njc4OTAxMjM0NTY="
OTHER_KEY = "aW5zdGFsbGF0aW9uLWtleS0yLTEyMzQ1Njc4OTAxMjM0NTY="


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Installation:
    """A database and a key ring."""

    url: str
    keys: str = KEY

    def run(self, *words: str, **more: str) -> Ended:
        """Run `manage.py` with these words; `more` are settings for this one time."""
        ours = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": self.url}
        environment = os.environ | ours | {"FIELD_ENCRYPTION_KEYS": self.keys} | more
        return Ended(*fork_server.run(ROOT, [*words], environment))

    def shell(self, code: str) -> str:
        """What `code` prints."""
        ended = self.run("shell", "--verbosity", "0", "--command", code)
        assert ended.code == 0, ended.err
        return ended.out
