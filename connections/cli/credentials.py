"""Read a credential for a command: secrets from standard input, a certificate from a file."""

import argparse
import getpass
import sys
from pathlib import Path

from django.core.management.base import CommandError
from django.utils import timezone

from connections.cli.common import ExitCode, Options, token_from_input
from connections.domain.problems import catalogue
from connections.issuers import IDENTITY_NAMES, identity_named
from connections.models import Connection
from connections.providers.azure_devops.entra_input import ApplicationInput, read_application
from connections.providers.azure_devops.key_files import LONGEST_FILE
from connections.providers.credential import Credential
from core.secrets import Secret
from core.text_input import UnreadableText, read_line_of_standard_input

_LONGEST_LINE = 10_000


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the options that say what standard input has, if it is not a personal access token."""
    verb.add_argument("--tenant", default="", help="directory (tenant) ID of an application of Microsoft Entra")
    verb.add_argument("--client", default="", help="its application (client) ID; standard input has its client secret")
    verb.add_argument(
        "--certificate",
        metavar="FILE",
        help="PEM or PFX file with its certificate and private key",
    )
    verb.add_argument("--certificate-password", action="store_true", help="standard input has the password of the file")


def add_identity_argument(verb: argparse.ArgumentParser) -> None:
    """Add the option to connect without any input."""
    names = sorted(IDENTITY_NAMES)
    verb.add_argument("--identity", choices=names, help="an identity of this server; nothing is read")


def credential_from(options: Options, connection: Connection | None = None) -> Credential:
    """The credential. For a connection by an application, its ids need not be given.

    Raises `InvalidToken`, `InvalidEntraInput` and `CommandError`.
    """
    if options.get("identity"):
        if any(options[name] for name in ("tenant", "client", "certificate", "certificate_password")):
            raise CommandError("With --identity, give no other credential.", returncode=ExitCode.REFUSED)
        return _of_server(options["identity"])
    stored = connection.credential() if connection else None
    tenant = options["tenant"] or (stored.tenant if stored else "")
    client = options["client"] or (stored.client if stored else "")
    if not (tenant or client or options["certificate"]):
        return token_from_input()
    entered = ApplicationInput(
        tenant,
        client,
        client_secret=None if options["certificate"] else _line("Client secret: "),
        certificate=_file(options["certificate"]) if options["certificate"] else None,
        certificate_password=_line("Password of the file: ") if options["certificate_password"] else None,
    )
    return read_application(entered, now=timezone.localtime())


def _of_server(name: str) -> Credential:
    credential = identity_named(name)
    if credential is None:
        problem = catalogue.problem("identity_not_offered")
        raise CommandError(problem.full, returncode=ExitCode.REFUSED)
    return credential


def _line(prompt: str) -> Secret:
    if sys.stdin.isatty():
        return Secret(getpass.getpass(prompt))
    try:
        return Secret(read_line_of_standard_input(longest=_LONGEST_LINE))
    except UnreadableText as error:
        raise CommandError(str(error), returncode=ExitCode.REFUSED) from None


def _file(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(LONGEST_FILE + 1)
    except (OSError, ValueError):
        raise CommandError(f"The file {path} cannot be read.", returncode=ExitCode.USAGE) from None
