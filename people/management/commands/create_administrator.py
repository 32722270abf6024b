"""`manage.py create_administrator NAME`: the first one, or another; never with a default password.

Without --link the password is asked for at the terminal, or read from standard input. With --link a link is printed
at which that person chooses it. Exit code 1 when the name is taken or the password is too weak.
"""

import getpass
import sys
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core.storable_text import storable_text
from core.terminal import TerminalCommand
from core.text_input import UnreadableText, read_line_of_standard_input
from history import sealing
from people.actions.manage_people import Refused, add_administrator, link_for, require_free


class Command(TerminalCommand):
    """Make somebody who may do everything."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Name, address, and how the password is chosen."""
        parser.add_argument("name")
        parser.add_argument("--email", default="")
        parser.add_argument("--link", action="store_true", help="print a link at which the password is chosen")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make the administrator."""
        name = options["name"]
        try:
            require_free(storable_text(name))
        except Refused:
            words = f"Somebody is called {name} already. `manage.py changepassword {name}` sets a password."
            raise CommandError(words) from None
        password = None if options["link"] else _password(User(username=name, email=options["email"]))
        try:
            user = add_administrator(name, options["email"], password=password)
        except Refused as refused:
            raise CommandError(refused.message) from None
        # The first one is made before a worker runs, and what waits for long is not sealed any more.
        sealing.seal_if_possible(now=timezone.now())
        self.stdout.write(f"{user.get_username()} may do everything now.")
        if options["link"]:
            self.stdout.write(f"Choose a password at {link_for(user)}")


def _password(user: User) -> str:
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if password != getpass.getpass("Password again: "):
            raise CommandError("The two passwords are not the same.")
    else:
        try:
            password = read_line_of_standard_input(longest=10_000)
        except UnreadableText as wrong:
            raise CommandError(str(wrong)) from None
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise CommandError(" ".join(weak.messages)) from None
    return password
