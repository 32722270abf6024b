"""`manage.py releases list | show | create | deploy | cancel | approve | reject`: with --json and exit codes.

Exit codes: 0 done, and with --wait went well · 1 failed, rejected, cancelled, refused or not found · 2 wrong usage ·
3 waits for a person, succeeded partly, or a list is incomplete · 4 could not be told, or not over in time. A pipeline
is named by its name, where needed with --connection and --project; a release by its name or number.
"""

import sys
from typing import Any

from django.core.management.base import CommandParser

from connections.cli.common import Output, findable
from core.terminal import TerminalCommand
from delivery import reads
from delivery.cli import release_verbs
from delivery.cli.cli_errors import refuse
from delivery.remote_read import RemoteReadError

_VERBS = {
    "list": (release_verbs.show_list, "what is stored of every release pipeline"),
    "show": (release_verbs.show, "one release; --wait follows it until it stands still"),
    "create": (release_verbs.create, "create a release"),
    "deploy": (release_verbs.deploy, "begin to deploy a stage"),
    "cancel": (release_verbs.cancel, "cancel the deployment of a stage"),
    "approve": (release_verbs.approve, "approve what a stage waits for"),
    "reject": (release_verbs.reject, "reject what a stage waits for"),
}


class Command(TerminalCommand):
    """List, show, create, deploy, cancel, approve and reject."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command for each verb."""
        found = parser.add_subparsers(dest="verb", required=True)
        for name, (_, words) in _VERBS.items():
            verb = found.add_parser(name, help=words)
            _add_arguments(verb, name)
            verb.add_argument("--connection", default="", help="name of the connection")
            verb.add_argument("--project", default="", help="name of the project")
            verb.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Carry out the verb and leave with its exit code."""
        options = findable(options)
        output = Output(self.stdout.write, self.stderr.write, as_json=options["json"])
        try:
            code = _VERBS[options["verb"]][0](options, output)
        except RemoteReadError as trouble:
            server = release_verbs.find_pipeline(options).project.connection.server
            code = refuse(trouble, server, output)
        if code:
            sys.exit(code)


def _add_arguments(verb: CommandParser, name: str) -> None:
    if name == "list":
        verb.add_argument("--state", default="", choices=[str(state) for state, _ in reads.RELEASE_STATES])
        return
    verb.add_argument("pipeline")
    if name == "create":
        verb.add_argument("--artifact", action="append", default=[], help="NUMBER or ALIAS=NUMBER of a version")
        verb.add_argument("--description", default="")
        verb.add_argument("--by-hand", action="append", default=[], help="a stage that waits to be deployed")
    elif name == "show":
        verb.add_argument("release", nargs="?", default="", help="the newest when it is not said")
    else:
        verb.add_argument("release")
        verb.add_argument("stage")
        verb.add_argument("--comment", default="", help="kept at Azure DevOps and in the history")
    if name not in ("cancel", "reject"):
        verb.add_argument("--wait", action="store_true", help="follow it until it stands still")
        verb.add_argument("--timeout", type=float, default=3600.0, help="seconds to wait at most")
