"""`manage.py api_tokens VERB`: list, create and revoke tokens of the REST API, with --json.

`create` prints the token, this once. Exit codes: 0 done · 1 refused or not found · 2 wrong usage.
"""

import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from api import reads
from api.actions.manage_tokens import CannotCreateToken, NewToken, create_token, revoke_token
from api.models import ApiToken
from api.scopes import SCOPES
from connections.cli.common import find, person
from core.storable_text import storable_text
from core.terminal import TerminalCommand
from history.record import COMMAND_LINE

_REFUSED = 1
# SQLite takes no greater number, and no row has one.
_NO_ID = 2**63


class Command(TerminalCommand):
    """API tokens for operators and setup scripts."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add one subcommand for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="List the tokens of everyone")
        creating = verbs.add_parser("create", help="Create a token and print it, this once")
        creating.add_argument("name")
        creating.add_argument("--owner", required=True, help="user name of the person whose token it is")
        known = f"one or more of: {', '.join(scope.permission for scope in SCOPES)}"
        creating.add_argument("--permission", nargs="+", action="extend", default=[], help=known)
        creating.add_argument("--connection", action="append", default=[], help="only this one; once or more")
        creating.add_argument("--days", type=int, default=90, help="for how many days it is valid (90)")
        revoking = verbs.add_parser("revoke", help="Revoke a token")
        revoking.add_argument("id", type=int)
        for verb in (listing, creating, revoking):
            verb.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the verb."""
        verbs = {"list": self._list, "create": self._create, "revoke": self._revoke}
        try:
            verbs[options["verb"]](options)
        except CannotCreateToken as refused:
            if not options["json"]:
                raise CommandError(refused.message, returncode=_REFUSED) from None
            self.stdout.write(json.dumps({"problem": refused.code, "message": refused.message}))
            sys.exit(_REFUSED)

    def _list(self, options: dict[str, Any]) -> None:
        rows = [_row(token) for token in reads.tokens()]
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2))
        for row in () if options["json"] else rows:
            last_day, owner = row["expires_at"][:10], row["owner"]
            self.stdout.write(f"{row['id']:6} {row['state']:8} {last_day} {owner:20} {row['name']}")

    def _create(self, options: dict[str, Any]) -> None:
        new = NewToken(
            name=storable_text(options["name"]),
            permissions=set(options["permission"]),
            days=options["days"],
            connections=[find(storable_text(name)).pk for name in options["connection"]] or None,
        )
        owner = person(storable_text(options["owner"]))
        token, secret = create_token(new, owner=owner, by=COMMAND_LINE, now=timezone.now())
        text = json.dumps({"id": token.pk, "token": secret.reveal(), "expires_at": token.expires_at.isoformat()})
        self.stdout.write(text if options["json"] else secret.reveal())

    def _revoke(self, options: dict[str, Any]) -> None:
        token = reads.token(options["id"]) if abs(options["id"]) < _NO_ID else None
        if token is None:
            raise CommandError("There is no token with this id.", returncode=_REFUSED)
        revoke_token(token, by=COMMAND_LINE, now=timezone.now())
        said = json.dumps({"id": token.pk, "state": "revoked"}) if options["json"] else f"{token.name} is revoked."
        self.stdout.write(said)


def _row(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.pk,
        "name": token.name,
        "owner": token.owner.get_username(),
        "state": str(token.state_at(timezone.now())),
        "permissions": token.permissions,
        "connections": None if token.all_connections else [connection.pk for connection in token.connections.all()],
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at.isoformat(),
        "last_used_at": token.last_used_at.isoformat() if token.last_used_at else None,
    }
