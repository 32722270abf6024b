"""The product's commands as an operator runs them: processes of their own, on a database of their own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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
        command = [sys.executable, "-W", "ignore", "manage.py", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def shell(self, code: str) -> str:
        """What `code` prints."""
        ended = self.run("shell", "--verbosity", "0", "--command", code)
        assert ended.code == 0, ended.err
        return ended.out
