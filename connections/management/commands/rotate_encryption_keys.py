"""`manage.py rotate_encryption_keys`: write every stored token anew with the newest key of the ring.

Safe to interrupt and to repeat: each row is its own step, and rows of the newest key are passed over.
Exit code 1 when a token could not be read; its connection is named. 130 when it was interrupted.
"""

import sys
from typing import Any

from connections.actions.reencrypt import reencrypt_all
from core.terminal import TerminalCommand


class Command(TerminalCommand):
    """Re-encrypt stored tokens."""

    help = __doc__ or ""

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Do it and say how it went."""
        try:
            outcome = reencrypt_all(progress=self._say)
        except KeyboardInterrupt:
            self.stderr.write(
                "Interrupted. What was written stays, and every token can be read. Run it again to go on."
            )
            sys.exit(130)
        self.stdout.write(f"{outcome.resealed} tokens written with the newest key, {outcome.current} had it already.")
        for name in outcome.unreadable:
            self.stderr.write(f"The token of {name} cannot be read with any key of the ring.")
        if outcome.unreadable:
            sys.exit(1)

    def _say(self, done: int, total: int) -> None:
        self.stdout.write(f"{done} of {total} tokens")
        self.stdout.flush()
