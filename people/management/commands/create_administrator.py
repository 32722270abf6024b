"""`manage.py create_administrator NAME`: add an administrator.

Asks for the password at the terminal, or reads it from standard input. With --link, prints a link with which the person
chooses the password. Exit code 1 if the username is taken or the password is too weak.
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
from people.actions.manage_people import Refused, add_administrator, create_password_link, require_free


class Command(TerminalCommand):
    """Add a superuser."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Username, mail address, and how the password is chosen."""
        parser.add_argument("name", help="the username")
        parser.add_argument("--email", default="", help="the email address, for mails to administrators")
        parser.add_argument("--link", action="store_true", help="print a link to choose the password")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Add the administrator. Raises `CommandError`."""
        name = options["name"]
        try:
            require_free(storable_text(name))
        except Refused:
            message = f"The username {name} is taken. `manage.py changepassword {name}` sets a new password."
            raise CommandError(message) from None
        password = None if options["link"] else _password(User(username=name, email=options["email"]))
        try:
            user = add_administrator(name, options["email"], password=password)
        except Refused as refused:
            raise CommandError(refused.message) from None
        # The first administrator is added before a worker runs, and events that wait for too long can't be sealed.
        sealing.seal_if_possible(now=timezone.now())
        self.stdout.write(f"{user.get_username()} is now an administrator.")
        if options["link"]:
            self.stdout.write(f"Choose a password at {create_password_link(user)}")


def _password(user: User) -> str:
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if password != getpass.getpass("Password again: "):
            raise CommandError("The passwords do not match.")
    else:
        try:
            password = read_line_of_standard_input(longest=10_000)
        except UnreadableText as error:
            raise CommandError(str(error)) from None
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    return password
