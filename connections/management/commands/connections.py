"""`manage.py connections VERB`: for scripts, with --json and meaningful exit codes.

Exit codes: 0 success · 1 refused, expired or not found · 2 wrong usage · 3 works with limits, or expires soon ·
4 unknown. A token is read from standard input, never from the command line, where other users of the machine could
see it.
"""

import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from connections.actions.refusals import Refused
from connections.cli import audits, calibration, channels, leaks, notifications, register, tokens
from connections.cli.common import Output, queryable, refusal_exit_code
from connections.providers.azure_devops.entra_input import InvalidEntraInput
from connections.providers.azure_devops.identifiers import InvalidToken
from connections.providers.azure_devops.input_errors import TOKEN_ERRORS
from core.terminal import TerminalCommand

VERBS = {
    "list": audits.list_all,
    "test": audits.test,
    "audit": audits.audit_many,
    "calibrate": calibration.calibrate_one,
    "add": tokens.add,
    "update-token": tokens.update_token,
    "rotate": tokens.rotate_many,
    "remind": notifications.remind_people,
    "events": notifications.list_events,
    "channels": channels.list_channels,
    "add-channel": channels.add_channel,
    "test-channel": channels.test_channel,
    "remove-channel": channels.remove_channel,
    "register": register.list_entries,
    "import-register": register.import_file,
    "register-certificate": register.register_certificate,
    "leaks": leaks.list_leaks,
    "declare-leak": leaks.declare,
}


class Command(TerminalCommand):
    """Runs the verbs of `connections/cli/`."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add one subcommand for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        for module in (audits, calibration, tokens, notifications, channels, register, leaks):
            for verb in module.add_arguments(verbs):
                verb.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the verb and exit with its code."""
        options = queryable(options)
        output = Output(self.stdout.write, self.stderr.write, as_json=options["json"])
        try:
            code = VERBS[options["verb"]](options, output)
        except Refused as refused:
            code = self._refuse(refused.code, refused.message, output)
        except InvalidToken as error:
            code = self._refuse(error.code, TOKEN_ERRORS[error.code], output)
        except InvalidEntraInput as error:
            code = self._refuse(error.code, error.message, output)
        if code:
            sys.exit(code)

    def _refuse(self, code: str, message: str, output: Output) -> int:
        if output.as_json:
            output.out(json.dumps({"problem": code, "message": message}))
        else:
            output.err(message)
        return refusal_exit_code(code)
