"""`manage.py releases list | show | create | deploy | cancel | approve | reject`: for scripts, with --json.

Exit codes: 0 done, or with --wait succeeded · 1 failed, rejected, cancelled, refused or not found · 2 wrong usage ·
3 waiting for a person, partially succeeded, or a list is incomplete · 4 unknown, or not finished in time. If several
pipelines have the same name, add --connection and --project. A release is given by its name or number.
"""

import sys
from typing import Any

from django.core.management.base import CommandParser

from connections.cli.common import Output, queryable
from core.terminal import TerminalCommand
from delivery import reads
from delivery.cli import release_verbs
from delivery.cli.cli_errors import report_error
from delivery.remote_read import RemoteReadError

_VERBS = {
    "list": (release_verbs.show_list, "list every stored release pipeline with its newest release"),
    "show": (release_verbs.show, "show one release; --wait follows it until nothing is running"),
    "create": (release_verbs.create, "create a release"),
    "deploy": (release_verbs.deploy, "start to deploy a stage"),
    "cancel": (release_verbs.cancel, "cancel the deployment of a stage"),
    "approve": (release_verbs.approve, "approve what a stage waits for"),
    "reject": (release_verbs.reject, "reject what a stage waits for"),
}


class Command(TerminalCommand):
    """Runs the verbs of `delivery/cli/release_verbs.py`."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add one subcommand for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        for name, (_, help_text) in _VERBS.items():
            verb = verbs.add_parser(name, help=help_text)
            _add_arguments(verb, name)
            verb.add_argument("--connection", default="", help="name of the connection")
            verb.add_argument("--project", default="", help="name of the project")
            verb.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the verb and exit with its code."""
        options = queryable(options)
        output = Output(self.stdout.write, self.stderr.write, as_json=options["json"])
        try:
            code = _VERBS[options["verb"]][0](options, output)
        except RemoteReadError as error:
            server = release_verbs.find_pipeline(options).project.connection.server
            code = report_error(error, server, output)
        if code:
            sys.exit(code)


def _add_arguments(verb: CommandParser, name: str) -> None:
    if name == "list":
        verb.add_argument("--state", default="", choices=[str(state) for state, _ in reads.RELEASE_STATES])
        return
    verb.add_argument("pipeline")
    if name == "create":
        verb.add_argument(
            "--artifact", action="append", default=[], help="a version, as NUMBER or ALIAS=NUMBER; may be repeated"
        )
        verb.add_argument("--description", default="")
        verb.add_argument(
            "--by-hand", action="append", default=[], help="a stage to be deployed manually; may be repeated"
        )
    elif name == "show":
        verb.add_argument("release", nargs="?", default="", help="name or number of the release (the newest)")
    else:
        verb.add_argument("release")
        verb.add_argument("stage")
        verb.add_argument("--comment", default="", help="stored in Azure DevOps and in the history")
    if name not in ("cancel", "reject"):
        verb.add_argument("--wait", action="store_true", help="follow it until nothing is running")
        verb.add_argument("--timeout", type=float, default=3600.0, help="how many seconds to wait at most (3600)")
