"""`manage.py rotate_encryption_keys`: re-encrypt every stored secret with the newest of the FIELD_ENCRYPTION_KEYS.

Safe to interrupt and to repeat: each secret is re-encrypted on its own, and those of the newest key are skipped.
Exit code 1 if a secret could not be read; it is named. Also if second factors are stored, but turned off. 130 if
interrupted.
"""

import sys
from typing import Any

from connections.actions.reencrypt import reencrypt_all
from core.terminal import TerminalCommand


class Command(TerminalCommand):
    """Re-encrypt stored tokens and other secrets."""

    help = __doc__ or ""

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Re-encrypt, and report the result."""
        try:
            outcome = reencrypt_all(progress=self._report)
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. Every secret is still readable. Run the command again to continue.")
            sys.exit(130)
        self.stdout.write(
            f"{outcome.resealed} secrets re-encrypted with the newest key; {outcome.current} already used it."
        )
        for name in outcome.unreadable:
            self.stderr.write(f"{name[0].upper()}{name[1:]} cannot be decrypted with any of the FIELD_ENCRYPTION_KEYS.")
        for reason in outcome.left_out:
            self.stderr.write(reason)
        if outcome.unreadable or outcome.left_out:
            sys.exit(1)

    def _report(self, done: int, total: int) -> None:
        self.stdout.write(f"{done} of {total} secrets")
        self.stdout.flush()
